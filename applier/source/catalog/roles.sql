-- roles.sql: roles that user objects name: class, oid, kind (o = owner, g = somebody else has a grant, p = a policy is for it), role,
-- whether it may log in. Objects of extensions are left out: they are the extension's own business.
WITH named(class, oid, kind, role) AS (
    SELECT 'pg_catalog.pg_class'::regclass, c.oid, 'o', c.relowner FROM pg_catalog.pg_class c WHERE c.relkind NOT IN ('i', 'I', 't')
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, p.oid, 'o', p.proowner FROM pg_catalog.pg_proc p
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, t.oid, 'o', t.typowner FROM pg_catalog.pg_type t WHERE t.typrelid = 0
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, n.oid, 'o', n.nspowner FROM pg_catalog.pg_namespace n
    UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, o.oid, 'o', o.oprowner FROM pg_catalog.pg_operator o
    UNION ALL SELECT 'pg_catalog.pg_opclass'::regclass, o.oid, 'o', o.opcowner FROM pg_catalog.pg_opclass o
    UNION ALL SELECT 'pg_catalog.pg_opfamily'::regclass, o.oid, 'o', o.opfowner FROM pg_catalog.pg_opfamily o
    UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, o.oid, 'o', o.collowner FROM pg_catalog.pg_collation o
    UNION ALL SELECT 'pg_catalog.pg_conversion'::regclass, o.oid, 'o', o.conowner FROM pg_catalog.pg_conversion o
    UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::regclass, o.oid, 'o', o.stxowner FROM pg_catalog.pg_statistic_ext o
    UNION ALL SELECT 'pg_catalog.pg_class'::regclass, c.oid, 'g', a.grantee
              FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
    UNION ALL SELECT 'pg_catalog.pg_class'::regclass, c.attrelid, 'g', a.grantee
              FROM pg_catalog.pg_attribute c, pg_catalog.aclexplode(c.attacl) a
              WHERE a.grantee <> (SELECT t.relowner FROM pg_catalog.pg_class t WHERE t.oid = c.attrelid)
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, p.oid, 'g', a.grantee
              FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a WHERE a.grantee <> p.proowner
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, t.oid, 'g', a.grantee
              FROM pg_catalog.pg_type t, pg_catalog.aclexplode(t.typacl) a WHERE a.grantee <> t.typowner
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, n.oid, 'g', a.grantee
              FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a WHERE a.grantee <> n.nspowner
    UNION ALL SELECT 'pg_catalog.pg_policy'::regclass, p.oid, 'p', pg_catalog.unnest(p.polroles) FROM pg_catalog.pg_policy p)
SELECT DISTINCT d.class::oid, d.oid, d.kind, r.rolname, r.rolcanlogin
FROM named d JOIN pg_catalog.pg_roles r ON r.oid = d.role
WHERE d.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.class AND e.objid = d.oid AND e.objsubid = 0 AND e.deptype = 'e')
