-- types.sql: enums and domains: oid, kind, labels (JSON), base type, collation, not null, default; composite types by their relation.
SELECT t.oid, t.typtype, (SELECT coalesce(pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') FROM pg_catalog.pg_enum e
                          WHERE e.enumtypid = t.oid),
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) ELSE '' END,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 AND t.typcollation <> b.typcollation
            THEN (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname)
                  FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = t.typcollation)
            ELSE '' END,
       t.typnotnull, CASE WHEN t.typtype = 'd' THEN coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), '') ELSE '' END, t.typrelid
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE t.oid >= 16384 AND (t.typtype IN ('e', 'd') OR
      (t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')))
