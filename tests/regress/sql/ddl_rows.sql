-- ddl_rows.sql: statements whose rows come before their end announce themselves before the first row: CREATE TABLE AS and
-- SELECT INTO with their columns, ALTER TABLE once per table that it rewrites. Fast defaults carry the value that old rows show.
SELECT capture(true);
SELECT new_slot('ddl');

-- The stream in short: rows, and messages by number, phase and what the phase is about.
CREATE FUNCTION stream_of_ddl() RETURNS TABLE (kind text, relation text, rewrite boolean, new json, number text, phase text, about jsonb)
    LANGUAGE sql VOLATILE AS $$
    SELECT l ->> 'kind', l ->> 'relation', l ->> 'rewrite_of' IS NOT NULL, l -> 'new', d ->> 'number', d ->> 'phase',
           coalesce(stable(d -> 'rewritten'), d -> 'columns', d -> 'text')
    FROM (SELECT line::json, CASE WHEN line::json ->> 'prefix' = 'walbridge.ddl'
                                  THEN split_part(line::json ->> 'content', E'\n', 2)::jsonb END
          FROM changes('ddl', 'rewrites', 'on') line) AS lines (l, d)
    WHERE l ->> 'kind' IN ('insert', 'message') $$;
SET DateStyle = 'ISO, DMY';
SET TimeZone = 'Asia/Tokyo';
SET bytea_output = 'escape';

-- columns of the query, with modifiers and collations that are not the type's own
CREATE TYPE ddl_mood AS ENUM ('sad', 'ok');
CREATE DOMAIN ddl_short AS varchar(5);
CREATE TABLE ddl_from (id int, price numeric(8,2), name text COLLATE "C", at timestamptz(3), mood ddl_mood, moods ddl_mood[], short ddl_short);
INSERT INTO ddl_from VALUES (1, 2.5, 'n', '2024-01-01', 'ok', '{sad,ok}', 'abc');
SELECT count(*) FROM stream_of_ddl();
CREATE TABLE ddl_as AS SELECT *, 'x' AS "unknown", id * 2 AS "double" FROM ddl_from ORDER BY name;
SELECT * FROM stream_of_ddl();
CREATE TABLE ddl_as_named (a, "B b") AS SELECT id, name, price FROM ddl_from WITH NO DATA;
SELECT id, count(*) AS n INTO ddl_into FROM ddl_from GROUP BY id;
PREPARE ddl_query (int) AS SELECT $1 AS given, name FROM ddl_from;
CREATE TABLE ddl_as_prepared (first) AS EXECUTE ddl_query(7);
CREATE TABLE ddl_as_nothing AS SELECT FROM ddl_from;
SELECT * FROM stream_of_ddl();
-- exists: nothing is announced
CREATE TABLE IF NOT EXISTS ddl_as AS SELECT 1 AS one;
CREATE TABLE ddl_as AS SELECT 1 AS one;
CREATE TEMP TABLE ddl_temp AS SELECT 1 AS one;
CREATE UNLOGGED TABLE ddl_unlogged AS SELECT 1 AS one;
CREATE TABLE pg_temp.ddl_temp_2 AS SELECT 1 AS one;
SET search_path = pg_temp, public;
CREATE TABLE ddl_temp_3 AS SELECT 1 AS one;
RESET search_path;
SELECT * FROM stream_of_ddl();
-- with variables of a function, whose text nobody else could run
DO $$ DECLARE wanted int := 1; BEGIN CREATE TABLE ddl_as_do AS SELECT wanted AS w; END $$;
-- inside of another: what a function of the query creates has the table as its parent
CREATE FUNCTION ddl_side_effect() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE ddl_side (id int); RETURN 1; END $$;
SELECT * FROM stream_of_ddl();
CREATE TABLE ddl_as_nested AS SELECT ddl_side_effect() AS one;
SELECT number, parent, phase, said, objects FROM statements('ddl');
-- materialized views stand for their query
CREATE MATERIALIZED VIEW ddl_mv AS SELECT id FROM ddl_from;
REFRESH MATERIALIZED VIEW ddl_mv;
SELECT number, parent, phase, tag, objects FROM statements('ddl');

-- rewrites, several tables of one statement, and a second one of the same table
CREATE TABLE ddl_whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE ddl_low PARTITION OF ddl_whole FOR VALUES FROM (0) TO (10);
CREATE TABLE ddl_high PARTITION OF ddl_whole FOR VALUES FROM (10) TO (20);
INSERT INTO ddl_whole VALUES (1, 1), (11, 2);
SELECT count(*) FROM stream_of_ddl();
BEGIN;
ALTER TABLE ddl_whole ALTER v TYPE text USING 'v' || v;
ALTER TABLE ddl_low ADD COLUMN extra int;
ROLLBACK;
BEGIN;
ALTER TABLE ddl_whole ALTER v TYPE text USING 'v' || v;
ALTER TABLE ddl_whole ADD COLUMN r text DEFAULT 'r' || (random() * 0)::int;
COMMIT;
SELECT * FROM stream_of_ddl();

-- fast defaults: of the session's time zone and settings the value must not depend
CREATE TABLE ddl_fast (id int PRIMARY KEY);
INSERT INTO ddl_fast VALUES (1);
SELECT count(*) FROM stream_of_ddl();
ALTER TABLE ddl_fast ADD COLUMN n int DEFAULT 5, ADD COLUMN at timestamptz NOT NULL DEFAULT '2024-06-01 12:00+09',
    ADD COLUMN d date DEFAULT '2024-02-01', ADD COLUMN empty text DEFAULT '', ADD COLUMN none text, ADD COLUMN b bytea DEFAULT '\x00ff',
    ADD COLUMN f float8 DEFAULT 0.1::float4, ADD COLUMN mood ddl_mood DEFAULT 'sad', ADD COLUMN list int[] DEFAULT '{1,NULL}',
    ADD COLUMN length interval DEFAULT '1 day 2 hours', ADD COLUMN rel regclass DEFAULT 'ddl_fast';
ALTER TABLE ddl_fast ADD COLUMN IF NOT EXISTS n int DEFAULT 6, ADD COLUMN IF NOT EXISTS m int DEFAULT 7;
ALTER TABLE ddl_fast ALTER n SET DEFAULT 8, DROP COLUMN m;
ALTER TABLE ddl_whole ADD COLUMN shared int DEFAULT 3;
ALTER TABLE ddl_fast ADD COLUMN s serial, ADD COLUMN q int DEFAULT 9;
SELECT d ->> 'phase' AS phase, m ->> 'table' AS "table", m ->> 'column' AS "column", m ->> 'value' AS value
    FROM ddl('ddl') d LEFT JOIN jsonb_array_elements(d -> 'missing') m ON true;
-- a stable default: the value that was stored, not one that is computed later
BEGIN;
ALTER TABLE ddl_fast ADD COLUMN created timestamptz DEFAULT now();
SELECT id, created = now() AS is_now FROM ddl_fast;
COMMIT;
SELECT (m ->> 'value')::timestamptz = (SELECT created FROM ddl_fast) AS same, m ->> 'column' AS "column"
    FROM ddl('ddl') d, jsonb_array_elements(d -> 'missing') m;

SET client_min_messages = warning;
DROP TABLE ddl_from, ddl_as, ddl_as_named, ddl_into, ddl_as_prepared, ddl_as_nothing, ddl_unlogged, ddl_as_do, ddl_as_nested, ddl_side,
    ddl_whole, ddl_fast CASCADE;
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
