-- twophase.sql: prepared transactions, sent whole at COMMIT PREPARED by default and at PREPARE with two_phase=on.
CREATE TABLE twophase (id int PRIMARY KEY, t text);
SELECT new_slot('twophase');
BEGIN;
INSERT INTO twophase VALUES (1, 'one');
PREPARE TRANSACTION 'by default';
SELECT count(*) FROM changes('twophase');
COMMIT PREPARED 'by default';
SELECT changes('twophase');

-- 14 wants the slot made for it; newer servers enable it here
SELECT pg_drop_replication_slot('twophase');
SELECT slot_name FROM pg_create_logical_replication_slot('twophase', 'walbridge', false, true);
BEGIN;
INSERT INTO twophase VALUES (2, 'two');
PREPARE TRANSACTION 'kept';
SELECT changes('twophase', 'two_phase', 'on');
INSERT INTO twophase VALUES (3, 'three');
COMMIT PREPARED 'kept';
SELECT changes('twophase', 'two_phase', 'on');
BEGIN;
INSERT INTO twophase VALUES (4, 'four');
PREPARE TRANSACTION 'dropped';
ROLLBACK PREPARED 'dropped';
SELECT line FROM changes('twophase', 'two_phase', 'on') line WHERE line::json ->> 'kind' NOT IN ('begin_prepare', 'relation', 'insert', 'prepare');
-- a prepared transaction without selected changes is sent, because its commit may come later
BEGIN;
INSERT INTO twophase VALUES (5, 'five');
PREPARE TRANSACTION 'empty';
SELECT changes('twophase', 'two_phase', 'on', 'exclude', 'public.twophase');
COMMIT PREPARED 'empty';
SELECT changes('twophase', 'two_phase', 'on', 'exclude', 'public.twophase', 'counter', '8');
-- streamed and prepared
BEGIN;
INSERT INTO twophase SELECT g, repeat('s', 100) FROM generate_series(1000, 3000) g;
SAVEPOINT s;
INSERT INTO twophase SELECT g, repeat('s', 100) FROM generate_series(4000, 5000) g;
ROLLBACK TO s;
INSERT INTO twophase VALUES (6, 'six');
PREPARE TRANSACTION 'streamed';
SELECT line FROM changes('twophase', 'two_phase', 'on', 'streaming', 'on') line WHERE line::json ->> 'kind' LIKE '%prepare%';
COMMIT PREPARED 'streamed';
SELECT line FROM changes('twophase', 'two_phase', 'on', 'streaming', 'on') line WHERE line::json ->> 'kind' NOT LIKE 'stream%';
SELECT pg_drop_replication_slot('twophase');
