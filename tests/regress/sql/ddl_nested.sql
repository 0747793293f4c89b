-- ddl_nested.sql: statements inside of statements know their parent, also where a user's event trigger comes first and writes its
-- message before the parent's.
SELECT capture(true);
SELECT new_slot('ddl');

CREATE FUNCTION nested_grant() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    object record;
BEGIN
    FOR object IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', object.object_identity);
    END LOOP;
END $$;
-- sorts after walbridge's, and before it
CREATE EVENT TRIGGER nested_after ON ddl_command_end WHEN tag IN ('CREATE TABLE') EXECUTE FUNCTION nested_grant();
SELECT count(*) FROM statements('ddl');
CREATE TABLE nested_a (id int);
SELECT * FROM statements('ddl');
ALTER EVENT TRIGGER nested_after RENAME TO "!before";
CREATE TABLE nested_b (id int);
SELECT * FROM statements('ddl');
-- a parent that is not replicated is no parent
CREATE TEMP TABLE nested_temp (id int);
CREATE TABLE pg_temp.nested_temp_2 (id int);
SELECT * FROM statements('ddl');
DROP EVENT TRIGGER "!before";

-- a third level, and a nested failure that is caught
CREATE FUNCTION nested_deep() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    made text := (SELECT max(object_identity) FROM pg_event_trigger_ddl_commands());
BEGIN
    IF made = 'public.nested_1' THEN
        BEGIN
            CREATE TABLE nested_failed (id int);
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        CREATE TABLE nested_2 (id int);
    ELSIF made = 'public.nested_2' THEN
        CREATE TABLE nested_3 (id int);
    END IF;
END $$;
CREATE EVENT TRIGGER nested_deep ON ddl_command_end EXECUTE FUNCTION nested_deep();
SELECT count(*) FROM statements('ddl');
CREATE TABLE nested_1 (id int);
SELECT d -> 'number' AS number, d -> 'parent' AS parent, d -> 'level' AS level, d ->> 'text' AS text FROM ddl('ddl') d;
DROP EVENT TRIGGER nested_deep;
-- one that ends with an error leaves nothing behind that the next one could take for its parent
CREATE FUNCTION nested_error() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN CREATE VIEW nested_view AS SELECT 1 AS one; RAISE 'refused'; END $$;
CREATE EVENT TRIGGER nested_error ON ddl_command_end WHEN tag IN ('CREATE TABLE') EXECUTE FUNCTION nested_error();
SELECT count(*) FROM statements('ddl');
CREATE TABLE nested_refused (id int);
CREATE SEQUENCE nested_sequence;
SELECT number, parent, phase, said FROM statements('ddl');
DROP EVENT TRIGGER nested_error;

-- sql_drop of the user
CREATE FUNCTION nested_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TAG = 'DROP TABLE' AND to_regclass('nested_2') IS NOT NULL THEN DROP TABLE nested_2; END IF;
END $$;
CREATE EVENT TRIGGER nested_drop ON sql_drop EXECUTE FUNCTION nested_drop();
SELECT count(*) FROM statements('ddl');
DROP TABLE nested_1, nested_3;
SELECT number, parent, phase, said, dropped FROM statements('ddl');
DROP EVENT TRIGGER nested_drop;

-- a default's function that runs DDL, while the table is rewritten
CREATE FUNCTION nested_default() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE IF NOT EXISTS nested_by_default (id int); RETURN 1; END $$;
INSERT INTO nested_a VALUES (1);
SET client_min_messages = warning;
SELECT count(*) FROM statements('ddl');
ALTER TABLE nested_a ADD COLUMN v int DEFAULT nested_default();
SELECT number, parent, phase, said FROM statements('ddl');

DROP TABLE nested_a, nested_b, nested_by_default;
DROP SEQUENCE nested_sequence;
DROP FUNCTION nested_grant, nested_deep, nested_error, nested_drop, nested_default;
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
