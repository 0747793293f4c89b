-- basic.sql: begin, relation, insert, update, delete, commit; nothing for transactions that change nothing selected.
CREATE TABLE basic (id int PRIMARY KEY, name text, amount numeric(10, 2));
SELECT new_slot('basic');

-- rows, an unchanged key, a changed key
BEGIN;
INSERT INTO basic VALUES (1, 'one', 1.10), (2, NULL, NULL), (3, '', -0.01);
UPDATE basic SET name = 'uno' WHERE id = 1;
UPDATE basic SET id = 20 WHERE id = 2;
DELETE FROM basic WHERE id = 3;
COMMIT;
SELECT changes('basic');

-- the next connection sends the relation again, counts from the seed, and commits are numbered without gaps
INSERT INTO basic VALUES (4, 'four', 4);
BEGIN;
INSERT INTO basic VALUES (5, 'five', 5);
ROLLBACK;
CREATE TEMP TABLE basic_temp (x int);
INSERT INTO basic_temp VALUES (1);
CREATE UNLOGGED TABLE basic_unlogged (x int);
INSERT INTO basic_unlogged VALUES (1);
INSERT INTO basic VALUES (6, 'six', 6);
SELECT changes('basic', 'counter', '41');

-- nothing selected, nothing sent
SELECT count(*) FROM changes('basic');
INSERT INTO basic_temp VALUES (2);
CREATE TABLE basic_other (x int);
SELECT count(*) FROM changes('basic');

-- quotes, control characters, names that need quoting
CREATE SCHEMA "Sch.ema";
CREATE TABLE "Sch.ema"."Ta ""ble" (id int PRIMARY KEY, "Co,lumn" text);
INSERT INTO "Sch.ema"."Ta ""ble" VALUES (1, E'a"b\\c\nd\te\x01f é 日本');
SELECT changes('basic');

-- catalogs, information_schema and the tables of schema walbridge are never sent
CREATE TABLE walbridge.own (x int PRIMARY KEY);
INSERT INTO walbridge.own VALUES (1);
SELECT count(*) FROM changes('basic');
DROP TABLE walbridge.own;

-- a relation is sent again when its definition changes, and keeps its place in the order of changes
BEGIN;
INSERT INTO basic VALUES (7, 'seven', 7);
ALTER TABLE basic ADD COLUMN note text DEFAULT 'none';
INSERT INTO basic VALUES (8, 'eight', 8, 'new');
ALTER TABLE basic DROP COLUMN amount;
UPDATE basic SET note = 'changed' WHERE id = 1;
COMMIT;
SELECT changes('basic');

-- the session's own settings are as before
SET timezone = 'Asia/Tokyo';
INSERT INTO basic VALUES (10, 'ten');
SELECT count(*) FROM changes('basic');
SELECT current_setting('datestyle'), current_setting('intervalstyle'), current_setting('bytea_output'),
       current_setting('extra_float_digits'), current_setting('search_path'), current_setting('timezone');

-- peeking does not consume
INSERT INTO basic VALUES (9, 'nine');
SELECT data FROM pg_logical_slot_peek_changes('basic', NULL, NULL);
SELECT data FROM pg_logical_slot_peek_changes('basic', NULL, NULL);

SELECT pg_drop_replication_slot('basic');
