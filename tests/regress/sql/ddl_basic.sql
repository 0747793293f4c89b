-- ddl_basic.sql: a statement becomes a message with its text, objects and settings, wherever it runs: alone, in a string with
-- others, in functions, DO blocks and procedures; in order with the rows of its transaction.
SELECT capture(true);
SELECT new_slot('ddl');

CREATE TABLE ddl_a (id int PRIMARY KEY, v text);
ALTER TABLE ddl_a ADD CONSTRAINT positive CHECK (id > 0);
CREATE INDEX ddl_a_v ON ddl_a (v);
COMMENT ON COLUMN ddl_a.v IS 'a value';
GRANT SELECT ON ddl_a TO PUBLIC;
SELECT jsonb_pretty(stable(d)) FROM ddl('ddl') d;

-- settings change the meaning of a text
BEGIN;
SET LOCAL search_path = public, pg_catalog;
SET LOCAL datestyle = 'German';
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL intervalstyle = 'iso_8601';
SET LOCAL standard_conforming_strings = off;
CREATE VIEW ddl_view AS SELECT 1 AS one;
COMMIT;
SELECT d ->> 'role', jsonb_pretty(d -> 'settings') FROM ddl('ddl') d;
DROP VIEW ddl_view;

-- in order with rows
BEGIN;
INSERT INTO ddl_a VALUES (1, 'before');
ALTER TABLE ddl_a ADD COLUMN w int;
INSERT INTO ddl_a VALUES (2, 'after', 2);
DROP TABLE ddl_a;
COMMIT;
SELECT line::json ->> 'kind' AS kind, line::json -> 'new' AS new,
       split_part(line::json ->> 'content', E'\n', 2)::json ->> 'text' AS text
    FROM changes('ddl') line WHERE line::json ->> 'kind' IN ('insert', 'message');

-- several statements in a string, with what surrounds them
\o /dev/null
SELECT 1\; CREATE TABLE ddl_b (id int) ;;\;  CREATE /* kept */ INDEX ON ddl_b (id) \;
  ALTER TABLE ddl_b -- and this
      RENAME TO "ddl ""B";
\o
SELECT number, tag, said, objects FROM statements('ddl');

-- SQL functions, DO blocks, procedures that commit, EXECUTE
CREATE FUNCTION ddl_make(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE ddl_fixed (id int);
    EXECUTE format('CREATE TABLE %I (id int)', name);
END $$;
CREATE FUNCTION ddl_make_sql() RETURNS void LANGUAGE sql AS 'CREATE TABLE ddl_by_sql (id int); CREATE INDEX ON ddl_by_sql (id); SELECT';
CREATE PROCEDURE ddl_make_and_commit() LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE ddl_first (id int);
    COMMIT;
    CREATE TABLE ddl_second (id int);
END $$;
SELECT count(*) FROM statements('ddl');
SELECT ddl_make('ddl dynamic'), ddl_make_sql();
CALL ddl_make_and_commit();
DO $$ BEGIN DROP TABLE ddl_fixed, "ddl dynamic"; DROP TABLE ddl_by_sql, ddl_first, ddl_second; END $$;
SELECT * FROM statements('ddl');

-- statements that fail, roll back, or change nothing
CREATE TABLE IF NOT EXISTS "ddl ""B" (id int);
DROP TABLE IF EXISTS ddl_nothing;
ALTER TABLE IF EXISTS ddl_nothing ADD COLUMN x int;
CREATE TABLE "ddl ""B" (id int);
BEGIN;
CREATE TABLE ddl_c (id int);
SAVEPOINT a;
CREATE TABLE ddl_d (id int);
ROLLBACK TO a;
CREATE TABLE ddl_e (id int);
COMMIT;
DO $$ BEGIN
    BEGIN
        CREATE TABLE ddl_f (id int);
        RAISE 'no';
    EXCEPTION WHEN OTHERS THEN
        CREATE TABLE ddl_g (id int);
    END;
END $$;
SELECT * FROM statements('ddl');

-- cascades
CREATE TABLE ddl_parent (id int PRIMARY KEY);
CREATE TABLE ddl_child (id int REFERENCES ddl_parent);
CREATE VIEW ddl_view AS SELECT * FROM ddl_parent;
SELECT count(*) FROM statements('ddl');
SET client_min_messages = warning;
DROP TABLE ddl_parent CASCADE;
RESET client_min_messages;
SELECT stable(o) AS dropped FROM ddl('ddl') d, jsonb_array_elements(d -> 'dropped') o
    WHERE o ->> 'identity' NOT LIKE '%\_not\_null %' ORDER BY o ->> 'identity' COLLATE "C"; -- constraints from 18 on

-- one message for a schema with its elements, for an index that commits on its way
CREATE SCHEMA ddl_schema CREATE TABLE inside (id serial PRIMARY KEY) CREATE VIEW seen AS SELECT * FROM inside;
CREATE INDEX CONCURRENTLY ddl_concurrent ON ddl_child (id);
ALTER TABLE ddl_schema.inside SET SCHEMA public;
ALTER TABLE inside RENAME COLUMN id TO identifier;
ALTER SCHEMA ddl_schema RENAME TO ddl_schema_2;
SELECT number, tag, said, objects FROM statements('ddl');
REINDEX TABLE ddl_child;
DROP INDEX CONCURRENTLY ddl_concurrent;
DROP SCHEMA ddl_schema_2 CASCADE;
SELECT number, tag, said, dropped FROM statements('ddl');
DROP TABLE inside, ddl_child, "ddl ""B", ddl_c, ddl_e, ddl_g;
SELECT number, tag, said, dropped FROM statements('ddl');

SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
