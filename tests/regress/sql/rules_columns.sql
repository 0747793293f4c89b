-- rules_columns.sql: columns left out, replaced and added; keys and identities under rules.
SELECT new_slot('rules');
CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE person (id int PRIMARY KEY, email mail NOT NULL, phone varchar(12), secret text, secret2 text, favourite colour, born date,
    name_upper text GENERATED ALWAYS AS (upper(phone)) STORED);
INSERT INTO person VALUES (1, 'a@b.c', '+49-1234-567', 's1', 's2', 'red', '2000-01-02');
UPDATE person SET secret = 'other';
UPDATE person SET id = 2;
DELETE FROM person;
SELECT changes('rules', 'rules', '[{"table": "public.person", "exclude_columns": ["secret*"],
    "columns": {"email": "md5(email)", "phone": "left(phone, 4) || ''****''", "born": "date_trunc(''year'', born::timestamp)",
                "favourite": "''green''::public.colour", "source": "''shop''", "length": "length(secret)", "half": "id / 2.0"},
    "types": {"half": "numeric(10,2)"}}]');
-- include, and what the first entry that speaks of a part says
INSERT INTO person VALUES (1, 'a@b.c', '+49-1234-567', 's1', 's2', 'red', '2000-01-02');
SELECT rows_of('rules', 'rules', '[{"table": "public.person", "include_columns": ["id", "s*"], "exclude_columns": ["*2"]},
    {"table": "public.*", "include_columns": ["born"], "columns": {"phone": "upper(phone)"}}]');
-- a key by an expression: old and new keys by the same one
INSERT INTO person VALUES (3, 'a@b.c', NULL, NULL, NULL, NULL, NULL);
UPDATE person SET id = 4 WHERE id = 3;
UPDATE person SET phone = '1' WHERE id = 4;
DELETE FROM person WHERE id = 4;
SELECT rows_of('rules', 'rules', '[{"table": "public.person", "include_columns": ["id"], "columns": {"id": "id + 1000", "p": "phone"}}]');
-- a key left out, or by an expression of something else: inserts alone
INSERT INTO person VALUES (5, 'a@b.c', NULL, NULL, NULL, NULL, NULL);
SELECT rows_of('rules', 'rules', '[{"table": "public.person", "include_columns": ["phone"]}]');
UPDATE person SET phone = '2' WHERE id = 5;
SELECT refusal('rules', '[{"table": "public.person", "include_columns": ["phone"]}]');
SELECT refusal('rules', '[{"table": "public.person", "columns": {"id": "length(phone)"}}]');
SELECT count(*) FROM changes('rules');
-- under FULL the old row travels with the same columns and expressions
ALTER TABLE person REPLICA IDENTITY FULL;
UPDATE person SET phone = '3' WHERE id = 5;
DELETE FROM person WHERE id = 5;
SELECT changes('rules', 'rules', '[{"table": "public.person", "include_columns": ["id"], "columns": {"phone": "md5(phone)", "n": "id * 2"}}]');
-- plans follow the table and the enum
ALTER TYPE colour ADD VALUE 'blue';
INSERT INTO person VALUES (6, 'a@b.c', NULL, NULL, NULL, 'blue', NULL);
ALTER TABLE person ADD COLUMN more int DEFAULT 7;
INSERT INTO person VALUES (7, 'a@b.c', NULL, NULL, NULL, 'green', NULL);
SELECT changes('rules', 'rules', '[{"table": "public.person", "include_columns": ["id", "favourite"], "columns": {"last": "favourite = ''blue''"}}]');
-- also where only an expression knows the enum
ALTER TYPE colour RENAME VALUE 'blue' TO 'navy';
INSERT INTO person VALUES (9, 'a@b.c', NULL, NULL, NULL, 'navy', NULL);
ALTER TYPE colour RENAME VALUE 'navy' TO 'blue';
INSERT INTO person VALUES (10, 'a@b.c', NULL, NULL, NULL, 'blue', NULL);
SELECT refusal('rules', '[{"table": "public.person", "include_columns": ["id"], "where": "favourite = ''blue''"}]');
SELECT refusal('rules', '[{"table": "public.person", "include_columns": ["id"], "where": "favourite = ''navy''"}]');
SELECT count(*) FROM changes('rules');
-- rows of rewrites
INSERT INTO person VALUES (8, 'a@b.c', '123', NULL, NULL, 'green', NULL);
ALTER TABLE person ALTER id TYPE bigint;
SELECT line::jsonb - 'rewrite_of' FROM rows_of('rules', 'rewrites', 'on', 'rules', '[{"table": "public.person", "where": "id > 6", "include_columns": ["id"],
    "columns": {"phone": "reverse(phone)"}, "operations": ["update"]}]') line;
SELECT pg_drop_replication_slot('rules');
DROP TABLE person;
DROP TYPE colour;
DROP DOMAIN mail;
