-- sizes.sql: heap pages, and bytes with TOAST, of tables that hold rows. Needs a short ACCESS SHARE lock on each.
SELECT c.oid, pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint, pg_catalog.pg_table_size(c.oid)
FROM pg_catalog.pg_class c
WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND c.oid >= 16384
