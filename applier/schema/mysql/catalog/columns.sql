-- columns.sql: columns of user tables with the type below their domains, default or generation expression (as of now), comment and
-- the labels of an enum as a JSON array.
WITH RECURSIVE chain (domain, type, typmod, not_null) AS (
    SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
    UNION ALL
    SELECT c.domain, t.typbasetype, CASE WHEN c.typmod >= 0 THEN c.typmod ELSE t.typtypmod END, c.not_null OR t.typnotnull
    FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.type AND t.typtype = 'd'
), domain AS (
    SELECT c.domain, c.type, c.typmod, c.not_null FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.type AND t.typtype <> 'd'
)
SELECT a.attrelid, a.attnum, a.attname,
       t.oid, t.typname,
       CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'a' ELSE t.typtype END,
       coalesce(d.typmod, a.atttypmod),
       CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
       (SELECT e.typname FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND t.typcategory = 'A'),
       a.attnotnull OR coalesce(d.not_null, false),
       a.attidentity, a.attgenerated,
       (SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid) FROM pg_catalog.pg_attrdef f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum),
       pg_catalog.col_description(a.attrelid, a.attnum),
       CASE WHEN t.typtype = 'e'
            THEN (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) END,
       pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
LEFT JOIN domain d ON d.domain = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = coalesce(d.type, a.atttypid)
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
