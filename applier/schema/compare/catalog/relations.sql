-- relations.sql: tables, views and materialized views with what is theirs beside columns: oid, name, kind, persistence, access method,
-- partition key, bound, parents, options, row security, forced, index it is clustered on. Lists are JSON.
SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind, c.relpersistence, coalesce(am.amname, ''),
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) ELSE '' END,
       coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), ''),
       (SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('%I.%I', pn.nspname, p.relname) ORDER BY i.inhseqno), '[]')
        FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE i.inhrelid = c.oid),
       (SELECT coalesce(pg_catalog.json_object_agg(o.name, o.value), '{}')
        FROM (SELECT pg_catalog.split_part(text, '=', 1) AS name, pg_catalog.substr(text, pg_catalog.strpos(text, '=') + 1) AS value
              FROM pg_catalog.unnest(c.reloptions) text
              UNION ALL
              SELECT 'toast.' || pg_catalog.split_part(text, '=', 1), pg_catalog.substr(text, pg_catalog.strpos(text, '=') + 1)
              FROM pg_catalog.pg_class toast, pg_catalog.unnest(toast.reloptions) text WHERE toast.oid = c.reltoastrelid) o),
       c.relrowsecurity, c.relforcerowsecurity,
       coalesce((SELECT pg_catalog.quote_ident(x.relname) FROM pg_catalog.pg_index k JOIN pg_catalog.pg_class x ON x.oid = k.indexrelid
                 WHERE k.indrelid = c.oid AND k.indisclustered), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'c') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
