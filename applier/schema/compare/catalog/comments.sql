-- comments.sql: class, oid, kind and identity as COMMENT ON takes them, text.
SELECT d.classoid, d.objoid, i.type, i.identity, d.description
FROM pg_catalog.pg_description d, LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= 16384
