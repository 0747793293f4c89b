-- messages.sql: logical messages, inside and outside of transactions.
SELECT new_slot('messages');
SELECT pg_logical_emit_message(false, 'outside', 'at once') IS NOT NULL;
BEGIN;
SELECT pg_logical_emit_message(true, 'inside', 'with the transaction') IS NOT NULL;
SELECT pg_logical_emit_message(false, 'outside', 'before the commit') IS NOT NULL;
COMMIT;
BEGIN;
SELECT pg_logical_emit_message(true, 'inside', 'rolled back') IS NOT NULL;
SELECT pg_logical_emit_message(false, 'outside', 'not rolled back') IS NOT NULL;
ROLLBACK;
SELECT pg_logical_emit_message(true, 'bytes', '\x00ff'::bytea) IS NOT NULL, pg_logical_emit_message(true, '', '') IS NOT NULL;
SELECT data FROM pg_logical_slot_peek_changes('messages', NULL, NULL);
SELECT count(*) FROM pg_logical_slot_peek_changes('messages', NULL, NULL, 'messages', 'off');
-- larger than a frame
SELECT pg_logical_emit_message(true, 'large', repeat('m', 200000)) IS NOT NULL;
SELECT count(*) AS frames, max(length(data)) AS longest
FROM pg_logical_slot_get_binary_changes('messages', NULL, NULL, 'proto_version', '1');
SELECT pg_drop_replication_slot('messages');
