-- indexes.sql: all indexes of user tables, key columns with their options (1 = descending). indnullsnotdistinct exists since 15.
SELECT x.indrelid, c.relname, m.amname, x.indisprimary, x.indisunique, x.indimmediate, x.indisvalid, x.indpred IS NOT NULL,
       x.indexprs IS NOT NULL, x.indisexclusion, coalesce((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
       (SELECT pg_catalog.string_agg(k.attnum::text, ' ' ORDER BY k.place)
        FROM pg_catalog.unnest(x.indkey::smallint[]) WITH ORDINALITY k (attnum, place) WHERE k.place <= x.indnkeyatts),
       (SELECT pg_catalog.string_agg(o.option::text, ' ' ORDER BY o.place)
        FROM pg_catalog.unnest(x.indoption::smallint[]) WITH ORDINALITY o (option, place) WHERE o.place <= x.indnkeyatts),
       pg_catalog.obj_description(c.oid, 'pg_class'), x.indisreplident
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE x.indrelid >= 16384
ORDER BY x.indrelid, NOT x.indisprimary, c.relname
