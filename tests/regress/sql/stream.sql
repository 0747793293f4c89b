-- stream.sql: transactions sent while they run. How many blocks there are depends on memory layout; the sums do not.
-- A slot may start reading before what it has confirmed, and then the server streams an old transaction again and drops it when it
-- comes to its commit. So each part has a slot of its own.
CREATE TABLE stream (id int PRIMARY KEY, t text);
CREATE FUNCTION streamed(slot name, VARIADIC options text[] DEFAULT '{}') RETURNS TABLE (kind text, lines bigint, changes numeric) LANGUAGE sql
    AS $$ SELECT line::json ->> 'kind', CASE WHEN line::json ->> 'kind' IN ('stream_start', 'stream_stop') THEN NULL ELSE count(*) END,
                 sum((line::json ->> 'changes')::numeric)
          FROM changes(slot, VARIADIC array_cat(ARRAY['streaming', 'on'], options)) line GROUP BY 1 ORDER BY (line::json ->> 'kind') COLLATE "C" $$;
-- off by default
SELECT new_slot('stream_off');
INSERT INTO stream SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
SELECT kinds_of('stream_off');
SELECT pg_drop_replication_slot('stream_off');
-- on: blocks, then the commit with all changes
SELECT new_slot('stream_on');
BEGIN;
UPDATE stream SET t = repeat('y', 100);
SELECT pg_logical_emit_message(true, 'inside', 'the stream') IS NOT NULL;
DELETE FROM stream WHERE id % 2 = 0;
TRUNCATE stream;
INSERT INTO stream SELECT g, repeat('z', 100) FROM generate_series(1, 1000) g;
COMMIT;
SELECT * FROM streamed('stream_on');
-- small ones are sent whole
INSERT INTO stream VALUES (0, 'small');
SELECT * FROM streamed('stream_on') WHERE kind LIKE '%commit';
SELECT pg_drop_replication_slot('stream_on');
-- rolled back: aborted if it was seen at all, no commit, no counter used
SELECT new_slot('stream_back');
BEGIN;
INSERT INTO stream SELECT g, repeat('r', 100) FROM generate_series(3000, 5000) g;
ROLLBACK;
INSERT INTO stream VALUES (-1, 'after');
SELECT line FROM changes('stream_back', 'streaming', 'on') line WHERE line::json ->> 'kind' IN ('commit', 'stream_commit');
SELECT pg_drop_replication_slot('stream_back');
-- nothing selected, nothing sent
SELECT new_slot('stream_none');
UPDATE stream SET t = repeat('n', 100);
SELECT count(*) FROM changes('stream_none', 'streaming', 'on', 'exclude', 'public.stream');
SELECT pg_drop_replication_slot('stream_none');
-- a transaction that alters its table sees another relation than before
SELECT new_slot('stream_alter');
BEGIN;
INSERT INTO stream SELECT g, repeat('a', 100) FROM generate_series(10001, 11000) g;
ALTER TABLE stream ADD COLUMN extra int DEFAULT 1;
INSERT INTO stream SELECT g, repeat('b', 100), 2 FROM generate_series(11001, 12000) g;
COMMIT;
SELECT line::json ->> 'kind' AS kind, json_array_length(line::json -> 'columns') AS columns, count(*) AS lines,
       count(*) FILTER (WHERE (line::json -> 'new' ->> 'extra') IS NOT NULL) AS with_extra
FROM changes('stream_alter', 'streaming', 'on') line WHERE line::json ->> 'kind' IN ('insert', 'relation') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_drop_replication_slot('stream_alter');
