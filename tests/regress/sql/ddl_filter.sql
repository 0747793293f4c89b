-- ddl_filter.sql: what is not replicated leaves no message: temporary and unlogged objects, what extension scripts make,
-- publications and the like, and walbridge's own.
SELECT capture(true);
SELECT new_slot('ddl');
SET client_min_messages = warning;

-- temporary
CREATE TEMP TABLE filter_temp (id serial PRIMARY KEY, v text);
CREATE INDEX ON filter_temp (v);
ALTER TABLE filter_temp ADD COLUMN w int DEFAULT 1, DROP COLUMN v;
COMMENT ON TABLE filter_temp IS 'temporary';
CREATE VIEW filter_temp_view AS SELECT * FROM filter_temp;
CREATE FUNCTION pg_temp.filter_function() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE pg_temp.filter_type AS (a int);
CREATE TEMP SEQUENCE filter_sequence;
GRANT SELECT ON filter_temp TO PUBLIC;
ALTER TABLE filter_temp RENAME TO filter_temp_2;
DROP FUNCTION pg_temp.filter_function();
DROP TYPE pg_temp.filter_type;
DROP SEQUENCE filter_sequence;
DROP TABLE filter_temp_2 CASCADE;
SELECT * FROM statements('ddl');

-- unlogged
CREATE UNLOGGED TABLE filter_unlogged (id serial PRIMARY KEY, v text);
CREATE INDEX filter_unlogged_v ON filter_unlogged (v);
CREATE FUNCTION filter_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON filter_unlogged FOR EACH ROW EXECUTE FUNCTION filter_trigger();
CREATE POLICY p ON filter_unlogged USING (true);
CREATE RULE r AS ON DELETE TO filter_unlogged DO INSTEAD NOTHING;
CREATE STATISTICS filter_statistics ON id, v FROM filter_unlogged;
COMMENT ON TRIGGER t ON filter_unlogged IS 'of an unlogged table';
ALTER TABLE filter_unlogged ADD COLUMN w int DEFAULT 1, ADD CONSTRAINT c CHECK (id > 0);
ALTER TABLE filter_unlogged DROP CONSTRAINT c, DROP COLUMN w;
ALTER TABLE filter_unlogged ALTER v TYPE varchar(10);
GRANT SELECT ON filter_unlogged TO PUBLIC;
DROP TRIGGER t ON filter_unlogged;
DROP POLICY p ON filter_unlogged;
DROP RULE r ON filter_unlogged;
DROP STATISTICS filter_statistics;
DROP INDEX filter_unlogged_v;
SELECT * FROM statements('ddl');
-- from and to unlogged: the target has to hear of both
CREATE TABLE filter_permanent (id int);
ALTER TABLE filter_permanent SET UNLOGGED;
ALTER TABLE filter_unlogged SET LOGGED;
SELECT number, phase, said, objects FROM statements('ddl');
-- together with others: the statement is sent, and says which object the target does not have
CREATE TABLE filter_logged (id int);
DROP TABLE filter_permanent, filter_logged;
SELECT d ->> 'text' AS text, o ->> 'identity' AS identity, o -> 'temporary' AS temporary
    FROM ddl('ddl') d LEFT JOIN jsonb_array_elements(d -> 'dropped') o ON true ORDER BY 1, 2;
DROP TABLE filter_unlogged;
SELECT count(*) FROM statements('ddl');

-- extensions: one statement each
CREATE EXTENSION hstore;
ALTER EXTENSION hstore SET SCHEMA pg_catalog;
COMMENT ON EXTENSION hstore IS 'pairs';
DROP EXTENSION hstore;
SELECT number, phase, said, objects, dropped FROM statements('ddl');

-- replication is each server's own affair
CREATE TABLE filter_published (id int PRIMARY KEY);
SELECT count(*) FROM statements('ddl');
CREATE PUBLICATION filter_publication FOR TABLE filter_published;
ALTER PUBLICATION filter_publication SET (publish = 'insert');
COMMENT ON PUBLICATION filter_publication IS 'a publication';
ALTER PUBLICATION filter_publication RENAME TO filter_publication_2;
DROP PUBLICATION filter_publication_2;
SET client_min_messages = error;
CREATE SUBSCRIPTION filter_subscription CONNECTION 'dbname=nowhere password=secret' PUBLICATION p WITH (connect = false, slot_name = NONE);
DROP SUBSCRIPTION filter_subscription;
SET client_min_messages = warning;
CREATE FUNCTION filter_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER filter_event ON ddl_command_end EXECUTE FUNCTION filter_event();
ALTER EVENT TRIGGER filter_event DISABLE;
DROP EVENT TRIGGER filter_event;
DROP FUNCTION filter_event();
SELECT number, phase, said, objects, dropped FROM statements('ddl');
DROP TABLE filter_published;

-- walbridge's own
SELECT count(*) FROM statements('ddl');
CREATE TABLE walbridge.filter_own (id int);
ALTER TABLE walbridge.filter_own ADD COLUMN v text;
CREATE INDEX ON walbridge.filter_own (v);
GRANT SELECT ON walbridge.filter_own TO PUBLIC;
GRANT USAGE ON SCHEMA walbridge TO PUBLIC;
DROP TABLE walbridge.filter_own;
SELECT walbridge.rotate_capture_key() > 1 AS rotated;
BEGIN;
DROP EXTENSION walbridge;
CREATE EXTENSION walbridge;
COMMENT ON EXTENSION walbridge IS 'the same';
ALTER EXTENSION walbridge UPDATE;
ROLLBACK;
SELECT * FROM statements('ddl');

-- roles, databases and settings are no business of a database's stream
CREATE ROLE filter_role PASSWORD 'secret';
ALTER ROLE filter_role SET search_path = 'a';
COMMENT ON ROLE filter_role IS 'a role';
DROP ROLE filter_role;
SELECT * FROM statements('ddl');

-- passwords in options: it is said that there was something, not what
CREATE FOREIGN DATA WRAPPER filter_wrapper;
CREATE SERVER filter_server FOREIGN DATA WRAPPER filter_wrapper OPTIONS (host 'h');
CREATE USER MAPPING FOR PUBLIC SERVER filter_server OPTIONS (user 'u', password 'secret1');
ALTER USER MAPPING FOR PUBLIC SERVER filter_server OPTIONS (SET password 'secret2');
ALTER SERVER filter_server OPTIONS (ADD sslpassword 'secret3');
SELECT number, phase, tag, said, objects FROM statements('ddl');
DROP FOREIGN DATA WRAPPER filter_wrapper CASCADE;

-- a replica's session: event triggers do not fire there, so nothing is captured
SET session_replication_role = replica;
CREATE TABLE filter_replica AS SELECT 1 AS id;
ALTER TABLE filter_replica ALTER id TYPE bigint;
DROP TABLE filter_replica;
SET session_replication_role = origin;
SELECT number, phase, said FROM statements('ddl');

SELECT pg_drop_replication_slot('ddl');
DROP FUNCTION filter_trigger();
SELECT capture(false);
