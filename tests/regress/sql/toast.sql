-- toast.sql: values out of line: sent when they change, named as unchanged when they do not.
CREATE TABLE toast (id int PRIMARY KEY, big text, other text, small int);
ALTER TABLE toast ALTER big SET STORAGE EXTERNAL;
SELECT new_slot('toast');
CREATE FUNCTION shown(slot name) RETURNS SETOF text LANGUAGE sql
    AS $$ SELECT regexp_replace(line, '([a-z])\1{50,}', '\1...', 'g') || ' length ' || length(line) FROM rows_of(slot) line $$;
INSERT INTO toast VALUES (1, repeat('a', 10000), repeat('b', 100), 1);
UPDATE toast SET small = 2;
UPDATE toast SET big = repeat('c', 9000);
UPDATE toast SET id = 2;
UPDATE toast SET big = NULL;
UPDATE toast SET big = repeat('d', 5000), other = repeat('e', 8000);
DELETE FROM toast;
SELECT shown('toast');
-- compressed out of line and in line
ALTER TABLE toast ALTER big SET STORAGE EXTENDED;
INSERT INTO toast VALUES (3, repeat('f', 100000), repeat('g', 3000), 3);
INSERT INTO toast SELECT 4, string_agg(md5(i::text), ''), 'random', 4 FROM generate_series(1, 2000) i;
UPDATE toast SET small = 5 WHERE id = 4;
SELECT (line::json ->> 'new')::json ->> 'id' AS id, length((line::json ->> 'new')::json ->> 'big') AS big,
       md5((line::json ->> 'new')::json ->> 'big') = md5(big) AS same, line::json ->> 'unchanged' AS unchanged
FROM rows_of('toast') line LEFT JOIN toast ON id = ((line::json ->> 'new')::json ->> 'id')::int;
-- under REPLICA IDENTITY FULL the old row is whole and the new one still says unchanged
ALTER TABLE toast REPLICA IDENTITY FULL;
DELETE FROM toast WHERE id = 3;
UPDATE toast SET small = 6 WHERE id = 4;
SELECT line::json ->> 'kind' AS kind, length((line::json ->> 'old')::json ->> 'big') AS old_big, line::json ->> 'unchanged' AS unchanged,
       (line::json ->> 'new')::json ->> 'small' AS small
FROM rows_of('toast') line;
-- values larger than a frame, in binary: the frames are full, and all of it arrives
CREATE TABLE toast_large (id int PRIMARY KEY, t text, b bytea);
INSERT INTO toast_large SELECT 1, repeat('0123456789', 30000), decode(repeat('00ff', 100000), 'hex');
SELECT count(*) AS frames, max(length(data)) AS longest, sum(length(data)) AS bytes
FROM pg_logical_slot_get_binary_changes('toast', NULL, NULL, 'proto_version', '1', 'include', 'public.toast_large');
SELECT pg_drop_replication_slot('toast');
