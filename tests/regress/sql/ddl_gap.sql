-- ddl_gap.sql: what cannot be captured says so in its place, and never makes the statement fail.
SELECT capture(true);
SELECT new_slot('ddl');

-- switched off by a superuser; nobody else can
SET walbridge.capture_ddl = off;
CREATE TABLE gap_off AS SELECT 1 AS id;
ALTER TABLE gap_off ALTER id TYPE bigint;
DROP TABLE gap_off;
SELECT jsonb_pretty(stable(d)) FROM ddl('ddl') d WHERE d ->> 'tag' = 'ALTER TABLE';
RESET walbridge.capture_ddl;
CREATE ROLE gap_user;
SET ROLE gap_user;
SET walbridge.capture_ddl = off;
SET walbridge.debug_capture_failure = 'collect';
RESET ROLE;
DROP ROLE gap_user;

-- failures while objects are collected
CREATE FUNCTION gap_some() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE gap_a (id int PRIMARY KEY, v int);
    INSERT INTO gap_a VALUES (1, 1);
    ALTER TABLE gap_a ALTER v TYPE text;
    ALTER TABLE gap_a ADD COLUMN w int DEFAULT 1;
    CREATE TABLE gap_b AS SELECT * FROM gap_a;
    DROP TABLE gap_a, gap_b;
END $$;
SELECT count(*) FROM statements('ddl');
SET walbridge.debug_capture_failure = 'collect';
SELECT gap_some();
SELECT * FROM statements('ddl');
-- without a seal nobody takes it for genuine
SET walbridge.debug_capture_failure = 'seal';
SELECT gap_some();
RESET walbridge.debug_capture_failure;
SELECT split_part(line::json ->> 'content', E'\n', 1) AS seal, split_part(line::json ->> 'content', E'\n', 2)::json ->> 'reason' AS reason,
       split_part(line::json ->> 'content', E'\n', 2)::json ->> 'tag' AS tag
    FROM changes('ddl') line WHERE line::json ->> 'kind' = 'message';

-- without a key
BEGIN;
CREATE TEMP TABLE gap_keys AS SELECT * FROM walbridge.capture_key;
DELETE FROM walbridge.capture_key;
CREATE TABLE gap_c (id int);
INSERT INTO walbridge.capture_key OVERRIDING SYSTEM VALUE SELECT * FROM gap_keys;
DROP TABLE gap_c;
COMMIT;
SELECT split_part(line::json ->> 'content', E'\n', 1) LIKE '1 0 0000%' AS unsealed,
       split_part(line::json ->> 'content', E'\n', 2)::json ->> 'reason' AS reason,
       split_part(line::json ->> 'content', E'\n', 2)::json ->> 'text' AS text
    FROM changes('ddl') line WHERE line::json ->> 'kind' = 'message';

-- a transaction that may not write is told so by the server
BEGIN READ ONLY;
CREATE TABLE gap_read_only AS SELECT 1 AS id;
ROLLBACK;
SELECT * FROM statements('ddl');

-- somebody wants the statement to end: that is not for us to hold up
SET statement_timeout = '200ms';
CREATE TABLE gap_canceled AS SELECT pg_sleep(20)::text AS slept;
RESET statement_timeout;
SELECT * FROM statements('ddl');

-- sessions in which the library was not loaded from the start: the first statement's event trigger loads it
\connect -reuse-previous=on "options='-c session_preload_libraries='"
SELECT current_setting('session_preload_libraries') AS preloaded;
CREATE TABLE gap_early AS SELECT 1 AS id;
CREATE TABLE gap_late AS SELECT 1 AS id;
ALTER TABLE gap_late ALTER id TYPE bigint;
SELECT * FROM statements('ddl');
\connect -reuse-previous=on "options='-c session_preload_libraries='"
DROP TABLE gap_early, gap_late;
SELECT * FROM statements('ddl');
\connect -reuse-previous=on "options='-c session_preload_libraries='"
DROP TABLE IF EXISTS gap_none;
CREATE TEMP TABLE gap_temp (id int);
DROP TABLE gap_temp;
SELECT * FROM statements('ddl');
\connect -reuse-previous=on "options=''"
DROP FUNCTION gap_some();
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
