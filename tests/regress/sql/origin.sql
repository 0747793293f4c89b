-- origin.sql: transactions that were applied here by others.
CREATE TABLE origin (id int PRIMARY KEY);
SELECT pg_replication_origin_create('origin_one') > 0, pg_replication_origin_create('origin_two') > 0;
SELECT new_slot('origin');
INSERT INTO origin VALUES (0);
SELECT pg_replication_origin_session_setup('origin_one');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/AABBCCDD', '2024-01-01 00:00:00+00');
INSERT INTO origin VALUES (1);
COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT pg_replication_origin_session_setup('origin_two');
INSERT INTO origin VALUES (2);
SELECT pg_logical_emit_message(true, 'origin', 'two') IS NOT NULL;
SELECT pg_replication_origin_session_reset();
SELECT data::json ->> 'origin' AS origin, data::json ->> 'origin_lsn' AS lsn
FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'include_lsns', 'on') WHERE data::json ->> 'kind' = 'begin';
SELECT data FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'local');
SELECT data FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'origin_o*');
SELECT data FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'nobody, origin_?wo');
SELECT count(*) FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'any');
-- an origin dropped since: the transaction's own snapshot still knows it, a list given at start does not and lets it through to begin
SELECT pg_replication_origin_drop('origin_two');
SELECT count(*) FROM pg_logical_slot_peek_changes('origin', NULL, NULL) WHERE data::json ->> 'origin' = 'origin_two';
SELECT count(*) FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'origin_*');
SELECT count(*) FROM pg_logical_slot_peek_changes('origin', NULL, NULL, 'origin', 'local');
SELECT pg_drop_replication_slot('origin');
SELECT pg_replication_origin_drop('origin_one');
