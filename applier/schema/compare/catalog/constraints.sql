-- constraints.sql: constraints of tables and domains: oid, table, domain's oid, name, definition, comes from a parent.
-- Not-null constraints (18) are columns' business, constraint triggers are triggers.
SELECT o.oid, coalesce((SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = o.conrelid), ''),
       o.contypid, pg_catalog.quote_ident(o.conname), pg_catalog.pg_get_constraintdef(o.oid),
       o.conparentid <> 0 OR (o.coninhcount > 0 AND NOT o.conislocal)
FROM pg_catalog.pg_constraint o
WHERE o.oid >= 16384 AND o.contype IN ('c', 'p', 'u', 'x', 'f')
