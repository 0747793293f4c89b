-- attributes.sql: columns of tables and views, attributes of composite types: relation, name, type, collation, not null, identity,
-- generated, default, storage, compression, statistics target, options, inherited, local. Empty = the type's or the server's own.
-- The detour over jsonb is for columns of the catalog that not every version has.
SELECT a.attrelid, pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
            THEN (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname)
                  FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                  WHERE co.oid = a.attcollation) ELSE '' END,
       a.attnotnull, a.attidentity, a.attgenerated, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''),
       CASE WHEN a.attstorage = t.typstorage THEN ''
            ELSE CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
       CASE pg_catalog.to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE '' END,
       CASE WHEN coalesce(pg_catalog.to_jsonb(a) ->> 'attstattarget', '-1') = '-1' THEN '' ELSE pg_catalog.to_jsonb(a) ->> 'attstattarget' END,
       (SELECT coalesce(pg_catalog.json_object_agg(pg_catalog.split_part(text, '=', 1), pg_catalog.substr(text, pg_catalog.strpos(text, '=') + 1)), '{}')
        FROM pg_catalog.unnest(a.attoptions) text WHERE text !~ '^pg_'), -- those are the server's own, different in every table
       a.attinhcount > 0, a.attislocal
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'c') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
