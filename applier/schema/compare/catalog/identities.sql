-- identities.sql: the name of each object as SQL takes it: $1 catalogs, $2 oids ({...}): class, oid, kind, identity.
SELECT o.class, o.oid, i.type, i.identity
FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[])) o (class, oid), LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) i
