-- objects.sql: every user object that lives in a schema or on a table: class, oid, kind, schema, name, table it belongs to (or 0).
-- kind: for relations pg_class.relkind, for constraints pg_constraint.contype, for rules 'V' when it is a view's own.
SELECT 'pg_catalog.pg_class'::regclass::oid AS class, c.oid, c.relkind::text AS kind, n.nspname AS schema, c.relname::text AS name,
       coalesce(x.indrelid, 0) AS on_table
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'
UNION ALL
SELECT 'pg_catalog.pg_namespace'::regclass::oid, n.oid, '', n.nspname, n.nspname, 0 FROM pg_catalog.pg_namespace n
WHERE n.oid >= 16384 AND n.nspname !~ '^pg_(toast_)?temp_'
UNION ALL
SELECT 'pg_catalog.pg_type'::regclass::oid, t.oid, t.typtype::text, n.nspname, t.typname::text, t.typrelid
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_proc'::regclass::oid, p.oid, p.prokind::text, n.nspname, p.proname::text, 0
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_operator'::regclass::oid, o.oid, '', n.nspname, o.oprname::text, 0
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_opclass'::regclass::oid, o.oid, '', n.nspname, o.opcname::text, 0
FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_opfamily'::regclass::oid, o.oid, '', n.nspname, o.opfname::text, 0
FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_conversion'::regclass::oid, o.oid, '', n.nspname, o.conname::text, 0
FROM pg_catalog.pg_conversion o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_collation'::regclass::oid, o.oid, '', n.nspname, o.collname::text, 0
FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_ts_config'::regclass::oid, o.oid, '', n.nspname, o.cfgname::text, 0
FROM pg_catalog.pg_ts_config o JOIN pg_catalog.pg_namespace n ON n.oid = o.cfgnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_ts_dict'::regclass::oid, o.oid, '', n.nspname, o.dictname::text, 0
FROM pg_catalog.pg_ts_dict o JOIN pg_catalog.pg_namespace n ON n.oid = o.dictnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_ts_parser'::regclass::oid, o.oid, '', n.nspname, o.prsname::text, 0
FROM pg_catalog.pg_ts_parser o JOIN pg_catalog.pg_namespace n ON n.oid = o.prsnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_ts_template'::regclass::oid, o.oid, '', n.nspname, o.tmplname::text, 0
FROM pg_catalog.pg_ts_template o JOIN pg_catalog.pg_namespace n ON n.oid = o.tmplnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_statistic_ext'::regclass::oid, o.oid, '', n.nspname, o.stxname::text, o.stxrelid
FROM pg_catalog.pg_statistic_ext o JOIN pg_catalog.pg_namespace n ON n.oid = o.stxnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_constraint'::regclass::oid, o.oid, o.contype::text, n.nspname, o.conname::text, o.conrelid
FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_attrdef'::regclass::oid, o.oid, '', n.nspname, c.relname::text, o.adrelid
FROM pg_catalog.pg_attrdef o JOIN pg_catalog.pg_class c ON c.oid = o.adrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_rewrite'::regclass::oid, o.oid, CASE WHEN o.rulename = '_RETURN' THEN 'V' ELSE '' END, n.nspname, o.rulename::text, o.ev_class
FROM pg_catalog.pg_rewrite o JOIN pg_catalog.pg_class c ON c.oid = o.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_trigger'::regclass::oid, o.oid, CASE WHEN o.tgisinternal THEN 'i' ELSE '' END, n.nspname, o.tgname::text, o.tgrelid
FROM pg_catalog.pg_trigger o JOIN pg_catalog.pg_class c ON c.oid = o.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_policy'::regclass::oid, o.oid, '', n.nspname, o.polname::text, o.polrelid
FROM pg_catalog.pg_policy o JOIN pg_catalog.pg_class c ON c.oid = o.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_extension'::regclass::oid, o.oid, '', n.nspname, o.extname::text, 0
FROM pg_catalog.pg_extension o JOIN pg_catalog.pg_namespace n ON n.oid = o.extnamespace WHERE o.oid >= 16384
UNION ALL
SELECT 'pg_catalog.pg_cast'::regclass::oid, o.oid, '', '', '', 0 FROM pg_catalog.pg_cast o WHERE o.oid >= 16384
