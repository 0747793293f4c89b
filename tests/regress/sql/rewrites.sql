-- rewrites.sql: with rewrites=on the rows that ALTER TABLE writes anew come under the table's own name, marked; without it
-- none of them comes.
SELECT new_slot('rewrites');
SELECT new_slot('rewrites_off');

-- The mark is the table's oid, which changes from run to run.
CREATE FUNCTION lines_of_rewrites(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql VOLATILE
    AS $$ SELECT regexp_replace(line, '"rewrite_of":\d+', '"rewrite_of":0')
          FROM changes('rewrites', VARIADIC ARRAY['rewrites', 'on', 'messages', 'off'] || options) line $$;

CREATE TABLE rewritten (id int PRIMARY KEY, old text, value text);
ALTER TABLE rewritten DROP COLUMN old;
INSERT INTO rewritten VALUES (1, '10'), (2, NULL), (3, repeat('7', 3000));
SELECT count(*) FROM lines_of_rewrites();

-- a new type, the key's among them, and rows of the same transaction before and after
BEGIN;
INSERT INTO rewritten VALUES (4, '40');
ALTER TABLE rewritten ALTER id TYPE bigint, ALTER value TYPE int USING length(value);
INSERT INTO rewritten VALUES (5000000000, 5);
COMMIT;
SELECT * FROM lines_of_rewrites();

-- a volatile default; a type and a name that changed in the same transaction
BEGIN;
ALTER TABLE rewritten RENAME TO rewritten_again;
ALTER TABLE rewritten_again ADD COLUMN kind text DEFAULT 'v' || (random() * 0)::int;
COMMIT;
SELECT * FROM lines_of_rewrites('exclude', 'public.rewritten');

-- identity full and none
ALTER TABLE rewritten_again REPLICA IDENTITY FULL;
ALTER TABLE rewritten_again ALTER value TYPE bigint;
ALTER TABLE rewritten_again REPLICA IDENTITY NOTHING;
ALTER TABLE rewritten_again ALTER value TYPE int;
SELECT line FROM lines_of_rewrites() line WHERE line::json ->> 'kind' = 'relation';

-- partitions come under their own names
CREATE TABLE rewritten_whole (id int PRIMARY KEY, value int) PARTITION BY RANGE (id);
CREATE TABLE rewritten_low PARTITION OF rewritten_whole FOR VALUES FROM (0) TO (10);
CREATE TABLE rewritten_high PARTITION OF rewritten_whole FOR VALUES FROM (10) TO (20);
INSERT INTO rewritten_whole VALUES (1, 1), (11, 1);
SELECT count(*) FROM lines_of_rewrites();
ALTER TABLE rewritten_whole ALTER value TYPE bigint;
SELECT line FROM lines_of_rewrites() line WHERE line::json ->> 'kind' = 'insert';

-- what is not sent: unlogged and unselected tables, materialized views; storage that is only copied
CREATE UNLOGGED TABLE rewritten_unlogged (id int PRIMARY KEY);
INSERT INTO rewritten_unlogged VALUES (1);
CREATE MATERIALIZED VIEW rewritten_view AS SELECT id FROM rewritten_again;
CREATE TEMP TABLE rewritten_temp (id int);
INSERT INTO rewritten_temp VALUES (1);
SELECT count(*) FROM lines_of_rewrites();
ALTER TABLE rewritten_unlogged ALTER id TYPE bigint;
ALTER TABLE rewritten_unlogged SET LOGGED;
INSERT INTO rewritten_unlogged VALUES (2);
REFRESH MATERIALIZED VIEW rewritten_view;
ALTER TABLE rewritten_temp ALTER id TYPE bigint;
VACUUM FULL rewritten_again;
CLUSTER rewritten_again USING rewritten_pkey;
SELECT * FROM lines_of_rewrites();
ALTER TABLE rewritten_again ALTER kind TYPE char(3);
SELECT * FROM lines_of_rewrites('exclude', 'public.rewritten_again');

-- large values are whole, and a rolled back rewrite leaves nothing
CREATE TABLE rewritten_large (id int PRIMARY KEY, large text, number int);
ALTER TABLE rewritten_large ALTER large SET STORAGE EXTERNAL;
INSERT INTO rewritten_large SELECT 1, string_agg(md5(i::text), ''), 7 FROM generate_series(1, 3000) i;
SELECT count(*) FROM lines_of_rewrites();
ALTER TABLE rewritten_large ALTER number TYPE bigint;
SELECT line::json -> 'new' ->> 'id' AS id, length(line::json -> 'new' ->> 'large'), line::json -> 'unchanged' AS unchanged
    FROM lines_of_rewrites() line WHERE line::json ->> 'kind' = 'insert';
BEGIN;
ALTER TABLE rewritten_large ALTER number TYPE text;
ROLLBACK;
SELECT * FROM lines_of_rewrites();

SELECT count(*) FILTER (WHERE line LIKE '%rewrite_of%') AS rewrites FROM changes('rewrites_off') line;
SELECT pg_drop_replication_slot('rewrites'), pg_drop_replication_slot('rewrites_off');
