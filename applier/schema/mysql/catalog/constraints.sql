-- constraints.sql: checks and foreign keys of user tables; expressions are as of now. confdelsetcols exists since 15.
SELECT k.conrelid, k.conname, k.contype, k.condeferrable, k.convalidated,
       pg_catalog.array_to_string(k.conkey, ' '), k.confrelid, pg_catalog.array_to_string(k.confkey, ' '),
       k.confupdtype, k.confdeltype, k.confmatchtype, (pg_catalog.to_jsonb(k) ->> 'confdelsetcols') IS NOT NULL,
       pg_catalog.pg_get_expr(k.conbin, k.conrelid)
FROM pg_catalog.pg_constraint k
WHERE k.conrelid >= 16384 AND k.contype IN ('c', 'f')
ORDER BY k.conrelid, k.contype, k.conname
