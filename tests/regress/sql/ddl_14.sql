-- ddl_14.sql: statements of 14 and newer, and DDL in transactions that are sent in other ways: prepared, in blocks.
SELECT capture(true);
SELECT new_slot('ddl');
SELECT count(*) FROM pg_create_logical_replication_slot('ddl_two_phase', 'walbridge', false, true);

-- commits on its way, inside of which partitions change
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10);
SELECT count(*) FROM statements('ddl');
ALTER TABLE whole DETACH PARTITION part CONCURRENTLY;
SELECT number, phase, said, objects FROM statements('ddl');

-- prepared
BEGIN;
CREATE TABLE prepared (id int);
INSERT INTO prepared VALUES (1);
PREPARE TRANSACTION 'ddl';
SELECT count(*) FROM statements('ddl');
COMMIT PREPARED 'ddl';
SELECT number, phase, said, objects FROM statements('ddl');
SELECT l ->> 'kind' AS kind, substr(l ->> 'content', strpos(l ->> 'content', E'\n') + 1)::json ->> 'text' AS text
    FROM (SELECT line::json FROM changes('ddl_two_phase', 'two_phase', 'on', 'include', 'public.prepared') line) AS lines (l)
    WHERE l ->> 'kind' LIKE '%prepare%' OR l ->> 'content' LIKE '%prepared%';

-- in blocks: a message keeps its place among the rows, and goes with its subtransaction
BEGIN;
CREATE TABLE streamed (id int PRIMARY KEY, filler text);
INSERT INTO streamed SELECT i, repeat('a', 100) FROM generate_series(1, 1000) i;
SAVEPOINT a;
ALTER TABLE streamed ADD COLUMN dropped int;
INSERT INTO streamed SELECT i, repeat('b', 100), 0 FROM generate_series(1001, 2000) i;
ROLLBACK TO a;
INSERT INTO streamed SELECT i, repeat('c', 100) FROM generate_series(2001, 3000) i;
COMMIT;
BEGIN;
ALTER TABLE streamed ALTER filler TYPE varchar(200), ALTER id TYPE bigint;
INSERT INTO streamed SELECT i, repeat('d', 100) FROM generate_series(3001, 4000) i;
COMMIT;
-- taken back: with its subtransaction, which stream_abort names
SELECT n, kind, rewrite, count(*) AS lines, min(text) AS text, xid IN (SELECT jsonb_path_query(aborted, '$[*]')) AS taken_back
    FROM (SELECT l ->> 'kind', l ->> 'rewrite_of' IS NOT NULL, substr(l ->> 'content', strpos(l ->> 'content', E'\n') + 1)::json ->> 'text',
                 count(*) FILTER (WHERE l ->> 'kind' = 'message') OVER (ORDER BY position), (l -> 'xid')::jsonb,
                 jsonb_agg(l -> 'subxid') FILTER (WHERE l ->> 'kind' = 'stream_abort') OVER (), l ->> 'kind'
          FROM (SELECT line::json, ordinality FROM changes('ddl', 'streaming', 'on', 'rewrites', 'on', 'include_xids', 'on') WITH ORDINALITY AS c (line, ordinality)) AS lines (l, position)
         ) AS rows (kind, rewrite, text, n, xid, aborted)
    WHERE kind IN ('insert', 'message')
    GROUP BY n, kind, rewrite, taken_back ORDER BY n, kind DESC, rewrite;

SELECT pg_drop_replication_slot('ddl'), pg_drop_replication_slot('ddl_two_phase');
DROP TABLE whole, part, prepared, streamed;
SELECT capture(false);
