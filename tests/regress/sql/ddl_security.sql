-- ddl_security.sql: who may vouch for DDL. Anyone may write a logical message; only the capture and members of
-- walbridge_capture know the key.
SELECT capture(true);
SELECT new_slot('ddl');
CREATE ROLE ddl_nobody;
CREATE ROLE ddl_reader IN ROLE walbridge_capture;
GRANT ALL ON SCHEMA public TO ddl_nobody;

-- a message is sealed: HMAC-SHA256 of the body by the key (bytes of the key, padded to a block)
CREATE FUNCTION hmac_sha256(key bytea, message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    inner_pad bytea := ''; outer_pad bytea := '';
BEGIN
    key := key || decode(repeat('00', 64 - length(key)), 'hex');
    FOR i IN 0..63 LOOP
        inner_pad := inner_pad || set_byte('\x00', 0, get_byte(key, i) # 54);
        outer_pad := outer_pad || set_byte('\x00', 0, get_byte(key, i) # 92);
    END LOOP;
    RETURN encode(sha256(outer_pad || sha256(inner_pad || message)), 'hex');
END $$;
SELECT count(*) FROM statements('ddl');
CREATE TABLE secure_a (id int, "Größe" text);
SELECT split_part(content, ' ', 1) AS version, split_part(content, ' ', 2)::bigint = k.id AS newest_key,
       split_part(split_part(content, E'\n', 1), ' ', 3) = hmac_sha256(k.key, convert_to(substr(content, strpos(content, E'\n') + 1), 'UTF8')) AS genuine,
       d ->> 'system' = (SELECT system_identifier::text FROM pg_control_system()) AS system,
       (d ->> 'database')::oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS database,
       (d ->> 'xid')::bigint & 4294967295 = xid AS xid
    FROM (SELECT line::json ->> 'content', split_part(line::json ->> 'content', E'\n', 2)::json,
                 (SELECT max((l::json ->> 'xid')::bigint) FROM unnest(lines) l WHERE l::json ->> 'kind' = 'begin')
          FROM (SELECT array_agg(l) FROM changes('ddl', 'include_xids', 'on') l) AS all_lines (lines), unnest(lines) line
          WHERE line::json ->> 'kind' = 'message') AS m (content, d, xid),
         (SELECT * FROM walbridge.capture_key ORDER BY id DESC LIMIT 1) k;

-- the full id is the top transaction's, also in subtransactions; sequence rises over what was rolled back
BEGIN;
SAVEPOINT a;
ALTER TABLE secure_a ADD COLUMN b int;
ROLLBACK TO a;
SAVEPOINT b;
ALTER TABLE secure_a ADD COLUMN c int;
SELECT pg_current_xact_id()::text AS top \gset
COMMIT;
SELECT d ->> 'xid' = :'top' AS top, d -> 'sequence' AS sequence, d -> 'number' AS number FROM ddl('ddl') d;

-- the capture works for a role that cannot read the key, whatever its search_path, operators and functions are
CREATE SCHEMA trap AUTHORIZATION ddl_nobody;
SELECT count(*) FROM statements('ddl');
SET ROLE ddl_nobody;
SELECT * FROM walbridge.capture_key;
SELECT walbridge.random_key();
SELECT walbridge.rotate_capture_key();
SELECT walbridge.capture_command_end();
CREATE FUNCTION trap.equal(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.equal);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE TABLE trap.capture_key (id bigint, key bytea);
SET search_path = trap, pg_catalog;
CREATE TABLE trap.made (id int);
ALTER TABLE trap.made ADD COLUMN at timestamptz;
DROP TABLE trap.made;
RESET search_path;
RESET ROLE;
SELECT d ->> 'role' AS role, d ->> 'text' AS text FROM ddl('ddl') d WHERE d ->> 'text' LIKE '%made%';
-- a role's own name in a function of another
CREATE FUNCTION definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN CREATE TABLE public.by_definer (id int); END $$;
SET ROLE ddl_nobody;
SELECT definer();
RESET ROLE;
SELECT d ->> 'role' AS role, d ->> 'text' AS text FROM ddl('ddl') d WHERE d ->> 'text' LIKE 'CREATE TABLE%';

-- readers of the key
SET ROLE ddl_reader;
SELECT count(*) > 0 AS readable FROM walbridge.capture_key;
INSERT INTO walbridge.capture_key (key) VALUES ('x');
DELETE FROM walbridge.capture_key;
SELECT walbridge.rotate_capture_key();
RESET ROLE;

-- who may read every table may not read this one (pg_read_all_data exists from 14 on)
CREATE ROLE ddl_auditor;
DO $$ BEGIN
    GRANT pg_read_all_data TO ddl_auditor;
EXCEPTION WHEN undefined_object THEN
    GRANT SELECT ON walbridge.capture_key TO ddl_auditor;
END $$;
SET ROLE ddl_auditor;
SELECT count(*) AS keys FROM walbridge.capture_key;
RESET ROLE;
DROP OWNED BY ddl_auditor;
DROP ROLE ddl_auditor;
-- the capture reads them all the same
SELECT count(*) > 0 AS some FROM statements('ddl');
CREATE SEQUENCE secure_sequence;
SELECT phase, said FROM statements('ddl');

-- the functions behind the event triggers do nothing for anybody else, the superuser included
SELECT walbridge.capture_command_end();
SELECT walbridge.capture_sql_drop();
SELECT walbridge.capture_table_rewrite();
CREATE EVENT TRIGGER forged ON ddl_command_start EXECUTE FUNCTION walbridge.capture_command_end();
CREATE TABLE forged (id int);
DROP EVENT TRIGGER forged;

-- a new key seals from the next statement on, the old one is kept
SELECT max(id) AS old_key FROM walbridge.capture_key \gset
SELECT count(*) FROM statements('ddl');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 0 AS seen FROM walbridge.capture_key;
CREATE TABLE secure_b (id int);
SELECT walbridge.rotate_capture_key() = :old_key + 1 AS rotated;
DROP TABLE secure_b;
COMMIT;
SELECT split_part(line::json ->> 'content', ' ', 2)::bigint - :old_key AS key FROM changes('ddl') line WHERE line::json ->> 'kind' = 'message';
SELECT count(*) >= 2 AS kept FROM walbridge.capture_key;

SET client_min_messages = warning;
DROP SCHEMA trap CASCADE;
DROP TABLE secure_a, by_definer;
DROP SEQUENCE secure_sequence;
DROP FUNCTION definer(), hmac_sha256(bytea, bytea);
DROP OWNED BY ddl_nobody, ddl_reader;
DROP ROLE ddl_nobody, ddl_reader;
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
