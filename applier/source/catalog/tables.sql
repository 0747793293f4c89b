-- tables.sql: tables whose rows can be copied: plain and partitioned, permanent or unlogged, not of an extension, the system or
-- walbridge. Unlogged ones cannot be followed: the WAL has no rows of them.
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.relfilenode,
       coalesce((SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1), 0) AS parent,
       c.relispartition, c.relrowsecurity, c.reltuples, c.relpages,
       c.relpersistence = 'u'
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND c.oid >= 16384
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'walbridge')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
