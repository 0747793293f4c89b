-- rules_toast.sql: values out of line under rules: what reads an unchanged one, and where the value comes from.
CREATE TABLE toasted (id int PRIMARY KEY, big text, other text, small int);
ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER other SET STORAGE EXTERNAL;
SELECT new_slot('rules');
CREATE FUNCTION short(line text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(line, '([A-Za-z])\1{50,}', '\1...', 'g') $$;
INSERT INTO toasted VALUES (1, repeat('a', 9000), repeat('b', 9000), 1);
-- an expression of an unchanged value alone is unchanged
UPDATE toasted SET small = 2;
UPDATE toasted SET big = repeat('c', 8000);
UPDATE toasted SET big = NULL;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "include_columns": ["id"],
    "columns": {"big": "upper(big)", "size": "length(big)", "other": "other", "both": "length(big) + length(big)"}}]') line;
-- where it meets another one, the expression cannot be evaluated; not even for rows where it would not matter
UPDATE toasted SET big = repeat('d', 9000);
UPDATE toasted SET small = 3;
SELECT short(line) FROM refusal('rules', '[{"table": "public.toasted", "columns": {"sum": "length(big) + small"}}]') line;
SELECT short(line) FROM refusal('rules', '[{"table": "public.toasted", "columns": {"other": "left(big, id)"}}]') line;
SELECT short(line) FROM refusal('rules', '[{"table": "public.toasted", "columns": {"id": "id + 1", "other": "left(big, id)"}}]') line;
SELECT count(*) FROM changes('rules');
-- two that are absent both
UPDATE toasted SET small = 4;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "include_columns": ["id"], "columns": {"sum": "length(big) + length(other)"}}]') line;
-- into the filter with a value that is absent: an insert that the receiver completes; out of it as ever
UPDATE toasted SET id = 100;
UPDATE toasted SET id = 2;
UPDATE toasted SET id = 101, big = 'small again', other = NULL;
UPDATE toasted SET id = 3;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "where": "id < 100"}]') line;
INSERT INTO toasted VALUES (102, repeat('e', 9000), NULL, 1);
UPDATE toasted SET id = 4 WHERE id = 102;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "where": "id < 100", "include_columns": ["id"], "columns": {"big": "lower(big)"}}]') line;

-- identity FULL: the old row has it
ALTER TABLE toasted REPLICA IDENTITY FULL;
INSERT INTO toasted VALUES (5, repeat('f', 9000), repeat('g', 7000), 1);
UPDATE toasted SET small = 2 WHERE id = 5;
UPDATE toasted SET small = 3 WHERE id = 5;
UPDATE toasted SET small = 2 WHERE id = 5;
UPDATE toasted SET small = 4 WHERE id = 5;
DELETE FROM toasted WHERE id = 5;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "where": "length(big) = 9000 AND small > 1",
    "columns": {"other": "left(other, small)", "size": "length(big)"}}]') line;
-- a change into the filter is an insert with the whole value
INSERT INTO toasted VALUES (6, repeat('h', 9000), repeat('i', 7000), 1);
UPDATE toasted SET small = 2 WHERE id = 6;
UPDATE toasted SET small = 1 WHERE id = 6;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted", "where": "small > 1", "exclude_columns": ["other"]}]') line;

-- a long key that stays
CREATE TABLE toasted_key (k text PRIMARY KEY, n int);
ALTER TABLE toasted_key ALTER k SET STORAGE EXTERNAL;
INSERT INTO toasted_key SELECT repeat('x', 2100), 1;
UPDATE toasted_key SET n = 2;
SELECT short(line) FROM ruled('rules', '[{"table": "public.toasted_key", "where": "length(k) > 2000", "columns": {"k": "upper(k)", "m": "n + length(k)"}}]') line;
-- compressed, in line and out of it
CREATE TABLE compressed (id int PRIMARY KEY, t text);
INSERT INTO compressed VALUES (1, repeat('abc', 1000)), (2, repeat('abc', 300000));
UPDATE compressed SET id = id + 10;
SELECT short(line) FROM ruled('rules', '[{"table": "public.compressed", "columns": {"t": "md5(t)"}}]') line;
SELECT id, md5(t) FROM compressed;
SELECT pg_drop_replication_slot('rules');
DROP TABLE toasted, toasted_key, compressed;
DROP FUNCTION short;
