-- indexes.sql: indexes that are not a constraint's: oid, table, definition, part of a partitioned index, valid.
SELECT x.indexrelid, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_indexdef(x.indexrelid), i.relispartition,
       x.indisvalid, i.relkind = 'I', pg_catalog.quote_ident(i.relname),
       (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, pg_catalog.to_jsonb(a) ->> 'attstattarget') ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = x.indexrelid AND coalesce(pg_catalog.to_jsonb(a) ->> 'attstattarget', '-1') <> '-1')
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE x.indexrelid >= 16384 AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x'))
