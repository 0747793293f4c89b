-- settings.sql: the settings for text never leave the decoding call, whichever way it ends.
CREATE TABLE settings (id int PRIMARY KEY, d date, m money, f float8, by bytea, da date[], ma money[]);
SELECT new_slot('settings');
INSERT INTO settings VALUES (1, '2024-01-31', '1234.5', 0.1, '\x01', '{2024-01-31}', '{1234.5}');
SET datestyle = 'German';
SET bytea_output = 'escape';
SET search_path = public, pg_temp;
CREATE FUNCTION state() RETURNS text LANGUAGE sql
    AS $$ SELECT concat_ws(' | ', current_setting('datestyle'), current_setting('bytea_output'), current_setting('search_path'), '2024-01-31'::date) $$;
SELECT state();
SELECT data FROM pg_logical_slot_peek_changes('settings', NULL, NULL) WHERE data LIKE '%insert%';
SELECT state();
-- an error while options are read, caught in a subtransaction
DO $$ BEGIN PERFORM * FROM pg_logical_slot_peek_changes('settings', NULL, NULL, 'no', 'such'); EXCEPTION WHEN OTHERS THEN NULL; END $$;
SELECT state();
-- an error in the middle of decoding: binary output for a text function is found once it starts
BEGIN;
SELECT count(*) FROM pg_logical_slot_peek_changes('settings', NULL, NULL, 'proto_version', '1');
ROLLBACK;
SELECT state();
-- inside a function with settings of its own
CREATE FUNCTION inner_settings() RETURNS text LANGUAGE plpgsql SET datestyle = 'SQL, MDY'
    AS $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM pg_logical_slot_peek_changes('settings', NULL, NULL); RETURN n || ' ' || state(); END $$;
SELECT inner_settings();
SELECT state();
SELECT pg_drop_replication_slot('settings');
RESET ALL;
