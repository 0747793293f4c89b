-- column_users.sql: what depends on single columns of tables and views: class, oid, relation, column (quoted), how.
SELECT d.classid, d.objid, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.quote_ident(a.attname), d.deptype,
       coalesce((SELECT pg_catalog.quote_ident(g.attname) FROM pg_catalog.pg_attrdef f
                 JOIN pg_catalog.pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum
                 WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = d.objid AND f.adrelid = d.refobjid
                   AND g.attgenerated <> ''), '')
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class c ON d.refclassid = 'pg_catalog.pg_class'::regclass AND c.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE d.refobjsubid > 0 AND d.objid >= 16384 AND c.oid >= 16384 AND d.deptype IN ('n', 'a')
