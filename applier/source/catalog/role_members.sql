-- role_members.sql: who may act as which role, through any number of memberships: member, role, whether the member may log in.
-- Superusers may act as everybody and are not listed.
WITH RECURSIVE acting(member, role) AS (
    SELECT m.member, m.roleid FROM pg_catalog.pg_auth_members m
    UNION
    SELECT m.member, a.role FROM acting a JOIN pg_catalog.pg_auth_members m ON m.roleid = a.member)
SELECT m.rolname, r.rolname, m.rolcanlogin
FROM acting a JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles r ON r.oid = a.role
WHERE NOT m.rolsuper
ORDER BY 1, 2
