-- rules_streaming.sql: rules in transactions that are streamed while they run, with subtransactions and DDL of their own.
CREATE TABLE streamed (id int PRIMARY KEY, t text, n int);
ALTER TABLE streamed REPLICA IDENTITY FULL;
SELECT new_slot('rules');
-- rows of a slot in order of arrival, without those of the subtransaction that is rolled back: some were sent before that was known
CREATE FUNCTION streamed_rows(rules text) RETURNS TABLE (kind text, rows bigint, ids bigint, digest text) LANGUAGE sql AS $$
    SELECT kind, count(*), sum(id), md5(string_agg(id || ' ' || coalesce(t, ''), ',' ORDER BY n))
    FROM (SELECT n, line ->> 'kind' AS kind, coalesce(line -> 'new' ->> 'id', line -> 'old' ->> 'id')::int AS id, coalesce(line -> 'new' ->> 't', line -> 'old' ->> 't') AS t
          FROM (SELECT n, data::jsonb AS line FROM pg_logical_slot_peek_changes('rules', NULL, NULL, 'streaming', 'on', 'include_xids', 'on', 'rules', rules)
                WITH ORDINALITY c (lsn, xid, data, n)) l
          WHERE line ->> 'kind' IN ('insert', 'update', 'delete')) r WHERE id <= 5000 GROUP BY kind ORDER BY kind $$;
BEGIN;
INSERT INTO streamed SELECT g, md5(g::text), g % 7 FROM generate_series(1, 3000) g;
UPDATE streamed SET n = n + 1 WHERE id % 3 = 0;
SAVEPOINT a;
INSERT INTO streamed SELECT g, md5(g::text), 3 FROM generate_series(5001, 6000) g;
ROLLBACK TO a;
UPDATE streamed SET t = NULL WHERE id % 10 = 0;
SAVEPOINT b;
DELETE FROM streamed WHERE id % 11 = 0;
RELEASE b;
COMMIT;
-- some of it was sent in blocks
SELECT line::json ->> 'kind' AS kind, count(*) > 0 AS some FROM (SELECT data FROM pg_logical_slot_peek_changes('rules', NULL, NULL, 'streaming', 'on',
    'rules', '[{"table": "public.streamed", "where": "n = 3", "columns": {"t": "reverse(t)"}}]')) c (line) WHERE line::json ->> 'kind' ~ 'stream' GROUP BY 1 ORDER BY 1;
SELECT * FROM streamed_rows('[{"table": "public.streamed", "where": "n = 3", "columns": {"t": "reverse(t)"}}]');
-- whole, it is the same
SELECT kind, count(*), sum(id), md5(string_agg(id || ' ' || coalesce(t, ''), ',' ORDER BY n)) AS digest
FROM (SELECT n, line ->> 'kind' AS kind, coalesce(line -> 'new' ->> 'id', line -> 'old' ->> 'id')::int AS id, coalesce(line -> 'new' ->> 't', line -> 'old' ->> 't') AS t
      FROM (SELECT n, data::jsonb AS line FROM pg_logical_slot_get_changes('rules', NULL, NULL, 'rules',
                '[{"table": "public.streamed", "where": "n = 3", "columns": {"t": "reverse(t)"}}]') WITH ORDINALITY c (lsn, xid, data, n)) l
      WHERE line ->> 'kind' IN ('insert', 'update', 'delete')) r GROUP BY kind ORDER BY kind;
-- and what is there is what should be
SELECT count(*), sum(id) FROM streamed WHERE n = 3;

-- a table that the transaction itself alters
BEGIN;
INSERT INTO streamed SELECT g, 'before', 1 FROM generate_series(10001, 11500) g;
ALTER TABLE streamed ADD COLUMN extra int DEFAULT 5;
INSERT INTO streamed SELECT g, 'after', 1, 6 FROM generate_series(11501, 13000) g;
SAVEPOINT a;
ALTER TABLE streamed DROP COLUMN extra;
INSERT INTO streamed SELECT g, 'dropped', 1 FROM generate_series(13001, 14500) g;
ROLLBACK TO a;
INSERT INTO streamed SELECT g, 'again', 1, 7 FROM generate_series(14501, 16000) g;
COMMIT;
SELECT line -> 'new' ->> 't' AS t, line -> 'new' ->> 'double' AS double, count(*)
FROM (SELECT line::jsonb FROM changes('rules', 'streaming', 'on', 'rules', '[{"table": "public.streamed", "where": "id % 2 = 0", "columns": {"double": "n * 2"}}]') line) l
WHERE line ->> 'kind' = 'insert' GROUP BY 1, 2 ORDER BY 1, 2;
-- an error inside of a block
BEGIN;
INSERT INTO streamed SELECT g, 'error', 1 FROM generate_series(20001, 23000) g;
COMMIT;
SELECT * FROM refusal('rules', '[{"table": "public.streamed", "where": "10 / (id - 22000) >= 0"}]', 'streaming', 'on');
SELECT count(*) > 3000 FROM changes('rules', 'streaming', 'on');
-- nothing is left of it: no block, no transaction
INSERT INTO streamed SELECT g, 'nothing', 1 FROM generate_series(30001, 33000) g;
SELECT * FROM changes('rules', 'streaming', 'on', 'rules', '[{"table": "public.streamed", "where": "id < 0"}]');
SELECT pg_drop_replication_slot('rules');
DROP TABLE streamed;
DROP FUNCTION streamed_rows;
