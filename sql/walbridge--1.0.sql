-- walbridge--1.0.sql: what CREATE EXTENSION walbridge installs on a source. The output plugin itself needs no SQL object.

\echo Use "CREATE EXTENSION walbridge" to load this file. \quit

-- Version of the library that this server loads, which is also what the session record of the stream says. It differs from the
-- extension's version while an upgrade is half done.
CREATE FUNCTION walbridge.version() RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'walbridge_version';

COMMENT ON FUNCTION walbridge.version() IS 'version of the walbridge library loaded by this server';

-- On a target: the session acts as a role, and only who knows the token brings it back (docs/security.md). Whoever may SET ROLE
-- may enter it; the role that was entered has to be able to call leave_role.
CREATE FUNCTION walbridge.enter_role(role name, token bytea) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'walbridge_enter_role';

COMMENT ON FUNCTION walbridge.enter_role(name, bytea) IS 'act as a role until leave_role is called with the same token';

CREATE FUNCTION walbridge.leave_role(token bytea) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'walbridge_leave_role';

COMMENT ON FUNCTION walbridge.leave_role(bytea) IS 'end what enter_role began';

GRANT USAGE ON SCHEMA walbridge TO PUBLIC;
