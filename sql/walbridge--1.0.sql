-- walbridge--1.0.sql: what CREATE EXTENSION walbridge installs: on a source the capture of DDL (rows are decoded by the output
-- plugin, which needs no SQL object), on a target how a session acts as a role.

\echo Use "CREATE EXTENSION walbridge" to load this file. \quit

-- Version of the library that this server loads, which is also what the session record of the stream says. It differs from the
-- extension's version while an upgrade is half done.
CREATE FUNCTION walbridge.version() RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'walbridge_version';

COMMENT ON FUNCTION walbridge.version() IS 'version of the walbridge library loaded by this server';

GRANT USAGE ON SCHEMA walbridge TO PUBLIC;

-- ---- who may vouch for DDL
-- Anyone may write a logical message. What the capture writes is sealed with a key, and who can read the key can forge a message:
-- the capture reads the table by itself, the service through this role. Roles belong to the whole cluster, so it may be there.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'walbridge_capture') THEN
        CREATE ROLE walbridge_capture NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- made by another database at the same time
END
$$;

-- The newest key seals; older ones are kept for messages that have not been read yet. Contents are not dumped: a restored
-- database is another source.
CREATE TABLE walbridge.capture_key (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    key        bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
REVOKE ALL ON walbridge.capture_key FROM PUBLIC;
GRANT SELECT ON walbridge.capture_key TO walbridge_capture;
-- pg_read_all_data reads every table: the policy is what keeps it out.
ALTER TABLE walbridge.capture_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON walbridge.capture_key FOR SELECT TO walbridge_capture USING (true);

COMMENT ON TABLE walbridge.capture_key IS 'keys that captured DDL is sealed with; readable by members of walbridge_capture only';

CREATE FUNCTION walbridge.random_key() RETURNS bytea
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'walbridge_random_key';
REVOKE ALL ON FUNCTION walbridge.random_key() FROM PUBLIC;

CREATE FUNCTION walbridge.rotate_capture_key() RETURNS bigint
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$ INSERT INTO walbridge.capture_key (key) VALUES (walbridge.random_key()) RETURNING id $$;
REVOKE ALL ON FUNCTION walbridge.rotate_capture_key() FROM PUBLIC;

COMMENT ON FUNCTION walbridge.rotate_capture_key() IS 'makes a new key for captured DDL and gives its number; the old ones are kept';

SELECT walbridge.rotate_capture_key();

-- ---- what sees DDL
-- Triggers of one event fire in the order of their names: these come before what users install, whose statements are consequences.

CREATE FUNCTION walbridge.capture_command_end() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'walbridge_capture_command_end';
CREATE FUNCTION walbridge.capture_sql_drop() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'walbridge_capture_sql_drop';
CREATE FUNCTION walbridge.capture_table_rewrite() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'walbridge_capture_table_rewrite';
REVOKE ALL ON FUNCTION walbridge.capture_command_end(), walbridge.capture_sql_drop(), walbridge.capture_table_rewrite() FROM PUBLIC;

CREATE EVENT TRIGGER "00_walbridge_ddl_command_end" ON ddl_command_end EXECUTE FUNCTION walbridge.capture_command_end();
CREATE EVENT TRIGGER "00_walbridge_sql_drop" ON sql_drop EXECUTE FUNCTION walbridge.capture_sql_drop();
CREATE EVENT TRIGGER "00_walbridge_table_rewrite" ON table_rewrite EXECUTE FUNCTION walbridge.capture_table_rewrite();

COMMENT ON EVENT TRIGGER "00_walbridge_ddl_command_end" IS 'writes captured DDL into the WAL for walbridge';

-- ---- rules for rows and columns
-- What decoding would say of the option `rules`, before it runs: a row for each condition and expression of each table concerned, and
-- for each problem of its lists of columns; `problem` is null where there is none. outside_identity: columns that updates and deletes
-- cannot be judged without. It reads catalogs and evaluates nothing but constants, with functions of the system.
CREATE FUNCTION walbridge.examine_rules(rules text)
    RETURNS TABLE (schema_name text, table_name text, item text, column_name text, expression text, type_oid oid, type text,
                   uses text[], outside_identity text[], problem text, "position" int, hint text)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'walbridge_examine_rules';

COMMENT ON FUNCTION walbridge.examine_rules(text) IS 'what the plugin makes of rules for rows and columns of the tables of this database';

-- ---- who a statement runs as
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
