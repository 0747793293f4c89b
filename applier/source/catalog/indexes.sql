-- indexes.sql: indexes of user tables that refuse rows: unique ones and those of exclusion constraints.
SELECT x.indrelid, c.relname, x.indisprimary, x.indisunique, x.indimmediate, x.indisvalid, x.indpred IS NOT NULL,
       x.indexprs IS NOT NULL, x.indisreplident,
       (SELECT pg_catalog.string_agg(k.attnum::text, ' ' ORDER BY k.place)
        FROM pg_catalog.unnest(x.indkey::smallint[]) WITH ORDINALITY k (attnum, place) WHERE k.place <= x.indnkeyatts)
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
WHERE x.indrelid >= 16384 AND (x.indisunique OR x.indisexclusion)
ORDER BY x.indrelid, NOT x.indisprimary, c.relname
