-- defaults.sql: default and generation expressions of tables, as of now. Needs a short ACCESS SHARE lock on each table.
SELECT d.adrelid, d.adnum, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_attrdef d
WHERE d.adrelid >= 16384
