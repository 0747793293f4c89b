-- privileges.sql: class, oid, owner, column (quoted) or '', grantee ('' = the owner), privilege, with grant option.
WITH object AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS class, c.oid, c.relowner AS owner, ''::text AS part,
           coalesce(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
    FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass::oid, c.oid, c.relowner, pg_catalog.quote_ident(a.attname), a.attacl
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::regclass::oid, p.oid, p.proowner, '', coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
    FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass::oid, t.oid, t.typowner, '', coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
    FROM pg_catalog.pg_type t WHERE t.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::regclass::oid, n.oid, n.nspowner, '', coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
    FROM pg_catalog.pg_namespace n WHERE n.oid >= 16384
)
SELECT o.class, o.oid, o.part,
       CASE WHEN a.grantee = o.owner THEN '' WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
       a.privilege_type, a.is_grantable
FROM object o, LATERAL pg_catalog.aclexplode(o.acl) a
