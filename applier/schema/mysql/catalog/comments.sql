-- comments.sql: comments on tables.
SELECT d.objoid, d.description
FROM pg_catalog.pg_description d
WHERE d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0 AND d.objoid >= 16384
