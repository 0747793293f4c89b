-- options.sql: every option, and what is refused and how.
\set VERBOSITY default
CREATE TABLE options_a (id int PRIMARY KEY);
CREATE TABLE options_b (id int PRIMARY KEY);
CREATE SCHEMA "Other";
CREATE TABLE "Other"."Table, one" (id int PRIMARY KEY);
SELECT new_slot('options');
INSERT INTO options_a VALUES (1);
INSERT INTO options_b VALUES (2);
INSERT INTO "Other"."Table, one" VALUES (3);

-- selection
CREATE FUNCTION selected(VARIADIC options text[]) RETURNS SETOF text LANGUAGE sql
    AS $$ SELECT data::json ->> 'relation' FROM pg_logical_slot_peek_changes('options', NULL, NULL, VARIADIC options)
          WHERE data::json ->> 'kind' = 'insert' $$;
SELECT selected('include', 'public.*');
SELECT selected('include', 'public.options_?', 'exclude', '*.*_b');
SELECT selected('include', '"Other"."Table, one" , public.options_b');
SELECT selected('exclude', '*.*');
SELECT selected('include', '');

-- text, positions and times
SELECT data::json ->> 'xid' IS NOT NULL AS xid, data::json ->> 'commit_lsn' ~ '^[0-9A-F]+/[0-9A-F]+$' AS lsn,
       abs(extract(epoch FROM now() - (data::json ->> 'commit_time')::timestamptz)) < 600 AS recent
FROM pg_logical_slot_peek_changes('options', NULL, NULL, 'include_xids', 'on', 'include_lsns', 'on', 'include_timestamps', 'on')
WHERE data::json ->> 'kind' = 'begin';
-- the two positions of a commit: where its record starts and where it ends
SELECT (data::json ->> 'commit_lsn')::pg_lsn < (data::json ->> 'end_lsn')::pg_lsn AS in_order, lsn = (data::json ->> 'end_lsn')::pg_lsn AS ends_here
FROM pg_logical_slot_peek_changes('options', NULL, NULL, 'include_lsns', 'on')
WHERE data::json ->> 'kind' = 'commit';

-- accepted forms
SELECT count(*) FROM pg_logical_slot_peek_changes('options', NULL, NULL, 'format', 'json', 'messages', 'off', 'streaming', 'false',
    'two_phase', '0', 'rewrites', 'off', 'origin', 'any', 'counter', '18446744073709551614');
SELECT count(*) > 0 FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL, 'proto_version', '1', 'binary', 'off');
SELECT count(*) > 0 FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL, 'proto_version', '1', 'format', 'binary');

SELECT count(*) FROM pg_logical_slot_peek_changes('options', NULL, NULL, 'rules', '[]');
SELECT count(*) > 0 FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL, 'proto_version', '1', 'rules', '[{"table": "*.*"}]');

-- refused: names
SELECT count(*) FROM changes('options', 'colour', 'red');
SELECT count(*) FROM changes('options', 'messages', 'on', 'messages', 'on');
-- values
SELECT count(*) FROM changes('options', 'format', 'xml');
SELECT count(*) FROM changes('options', 'proto_version', '2');
SELECT count(*) FROM changes('options', 'proto_version', 'one');
SELECT count(*) FROM changes('options', 'proto_version', '1', 'compression', 'gzip');
SELECT count(*) FROM changes('options', 'counter', '-1');
SELECT count(*) FROM changes('options', 'counter', '18446744073709551616');
SELECT count(*) FROM changes('options', 'messages', 'maybe');
SELECT count(*) FROM changes('options', 'include', 'options_a');
SELECT count(*) FROM changes('options', 'exclude', 'public."open');
SELECT count(*) FROM changes('options', 'origin', 'a,,b');
SELECT count(*) FROM changes('options', 'rewrites', 'maybe');
SELECT count(*) FROM changes('options', 'rules', '{}');
SELECT count(*) FROM changes('options', 'rules', '[{"table": "a"}]');
SELECT count(*) FROM changes('options', 'rules', '[{"table": "a.b", "filter": "true"}]');
SELECT count(*) FROM changes('options', 'rules', '[{"table": "a.b"}, {"table": "a.c", "operations": ["merge"]}]');
-- combinations
SELECT count(*) FROM changes('options', 'format', 'binary');
SELECT count(*) FROM changes('options', 'format', 'json', 'proto_version', '1');
SELECT count(*) FROM changes('options', 'binary', 'on');
SELECT count(*) FROM changes('options', 'proto_version', '1', 'include_xids', 'on');
-- SQLSTATEs
DO $$
BEGIN
    PERFORM changes('options', 'colour', 'red');
EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE 'invalid_parameter_value';
END $$;
-- the binary format is not text
SELECT count(*) FROM pg_logical_slot_get_changes('options', NULL, NULL, 'proto_version', '1');

-- after all these errors settings and slot are as before
SELECT current_setting('datestyle'), current_setting('bytea_output'), current_setting('lc_monetary');
SELECT count(*) FROM changes('options');
SELECT pg_drop_replication_slot('options');
