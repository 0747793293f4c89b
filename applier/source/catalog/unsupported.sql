-- unsupported.sql: what logical replication cannot carry, or only with help: schema, name, kind, reason, remedy, and for
-- inheritance the other table (schema, name). A row without a name is about the schema, without a schema about the database.
WITH relation AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, c.relispartition,
           EXISTS (SELECT FROM pg_catalog.pg_depend d
                   WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS of_extension,
           pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'walbridge')
      AND c.relkind IN ('r', 'p', 'f', 'm')
)
SELECT r.nspname, r.relname, 'unlogged-table', 'the table is unlogged: its rows are copied once, later changes are not in the write-ahead log and not followed',
       'ALTER TABLE ' || r.quoted || ' SET LOGGED, or leave the table out with objects.exclude', '' AS other_schema, '' AS other_name
FROM relation r WHERE r.relkind IN ('r', 'p') AND r.relpersistence = 'u' AND NOT r.of_extension
UNION ALL
SELECT r.nspname, r.relname, 'foreign-table', 'the rows of a foreign table live on another server', 'Leave it out with objects.exclude.', '', ''
FROM relation r WHERE r.relkind = 'f' AND NOT r.of_extension
UNION ALL
SELECT r.nspname, r.relname, 'extension-table', 'the table belongs to an extension',
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE r.oid = ANY (e.extconfig))
            THEN 'The extension brings the table, and the full stage its rows once; later ones have to be carried over by hand.'
            ELSE 'The extension brings the table and its rows; what others wrote into it has to be carried over by hand.' END, '', ''
FROM relation r WHERE r.relkind IN ('r', 'p') AND r.of_extension
UNION ALL
SELECT r.nspname, r.relname, 'materialized-view', 'a materialized view is refreshed once after the copy and does not follow later refreshes',
       'REFRESH MATERIALIZED VIEW ' || r.quoted || ' on the target when needed', '', ''
FROM relation r WHERE r.relkind = 'm' AND NOT r.of_extension
UNION ALL
SELECT r.nspname, r.relname, 'hypertable', 'the table is a TimescaleDB hypertable, whose rows live in chunks of the extension',
       'Leave it out with objects.exclude.', '', ''
FROM relation r
WHERE EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
              JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
              JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
              WHERE t.tgrelid = r.oid AND t.tgname = 'ts_insert_blocker')
UNION ALL
SELECT n.nspname, '', 'extension-schema', 'the schema belongs to the extension ' || e.extname,
       'Create the extension on the target: it brings the schema; tables of others in it are better kept elsewhere.', '', ''
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'
JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.oid = d.refobjid
WHERE n.oid >= 16384 AND n.nspname <> 'walbridge'
UNION ALL
SELECT r.nspname, r.relname, 'inheritance', 'it inherits from ' || p.nspname || '.' || p.relname || ', which is not selected',
       'Select both tables, or leave both out.', p.nspname, p.relname
FROM relation r JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid JOIN relation p ON p.oid = i.inhparent
WHERE r.relkind <> 'm'
UNION ALL
SELECT p.nspname, p.relname, 'inheritance',
       r.nspname || '.' || r.relname || ' inherits from it and is not selected: its rows will be missing in queries of the parent',
       'Select both tables, or leave both out.', r.nspname, r.relname
FROM relation r JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid JOIN relation p ON p.oid = i.inhparent
WHERE NOT r.relispartition
UNION ALL
SELECT r.nspname, r.relname,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = r.oid AND x.indisprimary AND NOT x.indimmediate)
             AND r.relreplident = 'd' THEN 'deferrable-key' ELSE 'no-identity' END,
       CASE r.relreplident
            WHEN 'n' THEN 'REPLICA IDENTITY NOTHING: an UPDATE or DELETE does not say which row it changes'
            WHEN 'i' THEN 'the index of its REPLICA IDENTITY is gone: an UPDATE or DELETE does not say which row it changes'
            ELSE CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = r.oid AND x.indisprimary AND NOT x.indimmediate)
                      THEN 'its primary key is DEFERRABLE, which does not count as an identity'
                      ELSE 'it has no primary key: an UPDATE or DELETE does not say which row it changes' END END,
       'ALTER TABLE ' || r.quoted || ' REPLICA IDENTITY FULL', '', ''
FROM relation r
WHERE r.relkind = 'r' AND r.relpersistence = 'p' AND NOT r.of_extension AND r.relreplident <> 'f'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x
                  WHERE x.indrelid = r.oid AND x.indimmediate AND x.indisvalid
                    AND ((r.relreplident = 'd' AND x.indisprimary) OR (r.relreplident = 'i' AND x.indisreplident)))
ORDER BY 3, 1, 2
