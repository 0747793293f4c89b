-- rules_filter.sql: rows by condition and changes by operation; what an update across the filter becomes.
SELECT new_slot('rules');

-- identity FULL: any column
CREATE TABLE customer (id int PRIMARY KEY, region text, amount numeric);
ALTER TABLE customer REPLICA IDENTITY FULL;
INSERT INTO customer VALUES (1, 'EU', 10), (2, 'US', 20), (3, NULL, 30);
UPDATE customer SET amount = amount + 1;
UPDATE customer SET region = 'EU' WHERE id = 2;
UPDATE customer SET region = 'US' WHERE id = 1;
UPDATE customer SET region = NULL WHERE id = 2;
DELETE FROM customer;
SELECT ruled('rules', '[{"table": "public.customer", "where": "region = ''EU''"}]');

-- identity by key: the condition reads the key alone. Where the key does not change, the old row is judged by the new one.
CREATE TABLE keyed (id int PRIMARY KEY, t text);
INSERT INTO keyed VALUES (1, 'a'), (101, 'b');
UPDATE keyed SET t = t || '2';
UPDATE keyed SET id = 102 WHERE id = 1;
UPDATE keyed SET id = 2 WHERE id = 101;
UPDATE keyed SET id = 3 WHERE id = 2;
UPDATE keyed SET id = 103 WHERE id = 102;
DELETE FROM keyed;
SELECT ruled('rules', '[{"table": "public.*", "where": "id < 100"}]');

-- a condition beside the key: inserts work, updates and deletes are refused by name
INSERT INTO keyed VALUES (1, 'a'), (2, 'b');
SELECT ruled('rules', '[{"table": "public.keyed", "where": "t = ''a''"}]');
UPDATE keyed SET t = 'c';
SELECT refusal('rules', '[{"table": "public.keyed", "where": "t = ''a''"}]');
SELECT count(*) FROM ruled('rules', '[{"table": "public.keyed", "where": "id > 0"}]');
DELETE FROM keyed WHERE id = 1;
SELECT refusal('rules', '[{"table": "public.keyed", "where": "t = ''a'' AND id > 0"}]');
SELECT count(*) FROM changes('rules');

-- operations are those of the source: an update that leaves the filter is a delete of the target's, and an update
INSERT INTO customer VALUES (1, 'EU', 10), (2, 'US', 20);
UPDATE customer SET region = 'US' WHERE id = 1;
UPDATE customer SET region = 'EU' WHERE id = 2;
DELETE FROM customer;
TRUNCATE customer;
TRUNCATE customer, keyed;
SELECT kind, count(*) FROM (SELECT line::json ->> 'kind' AS kind FROM pg_logical_slot_peek_changes('rules', NULL, NULL, 'rules',
    '[{"table": "public.customer", "where": "region = ''EU''", "operations": ["update"]}]') AS c (lsn, xid, line)) k GROUP BY 1 ORDER BY 1;
SELECT kind, count(*) FROM (SELECT line::json ->> 'kind' AS kind FROM pg_logical_slot_peek_changes('rules', NULL, NULL, 'rules',
    '[{"table": "public.customer", "operations": ["insert", "truncate"]}]') AS c (lsn, xid, line)) k GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM changes('rules', 'rules', '[{"table": "*.*", "operations": []}]');

-- null is not true; a constant decides without reading anything
INSERT INTO customer VALUES (5, 'EU', NULL), (6, 'EU', 1);
SELECT ruled('rules', '[{"table": "public.customer", "where": "amount > 0"}]');
INSERT INTO customer VALUES (7, 'EU', NULL);
SELECT ruled('rules', '[{"table": "public.customer", "where": "false"}]');
INSERT INTO customer VALUES (8, 'EU', NULL);
SELECT ruled('rules', '[{"table": "public.customer", "where": "true"}]');

INSERT INTO customer VALUES (9, 'EU', 5);
SELECT ruled('rules', '[{"table": "public.customer", "where": "CASE WHEN id > 8 THEN true WHEN id > 7 THEN false END AND id IN (8, 9)"}]');

-- tables without an identity go on as unidentified
CREATE TABLE nokey (a int, b text);
INSERT INTO nokey VALUES (1, 'x'), (2, 'y');
UPDATE nokey SET b = 'z' WHERE a = 1;
DELETE FROM nokey;
SELECT ruled('rules', '[{"table": "public.nokey", "where": "a > 1", "columns": {"b": "upper(b)"}}]');

-- an error in a row: its own SQLSTATE, the row by its key
INSERT INTO keyed VALUES (10, 'ten'), (0, 'none');
SELECT refusal('rules', '[{"table": "public.keyed", "where": "100 / id > 1"}]');
SELECT refusal('rules', '[{"table": "public.keyed", "where": "t::int > 1", "columns": {"t": "md5(t)"}}]');
SELECT count(*) FROM changes('rules');
SELECT pg_drop_replication_slot('rules');
DROP TABLE customer, keyed, nokey;
