-- routines.sql: what CREATE OR REPLACE cannot change: oid, kind, arguments with their names and modes, result, number of defaults.
SELECT p.oid, p.prokind, pg_catalog.pg_get_function_identity_arguments(p.oid), coalesce(pg_catalog.pg_get_function_result(p.oid), ''),
       p.pronargdefaults
FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
