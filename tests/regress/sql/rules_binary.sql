-- rules_binary.sql: records of the wire protocol under rules, byte by byte.
CREATE TABLE rbin (id int PRIMARY KEY, t text, n int, secret text);
SELECT new_slot('rules');
CREATE FUNCTION ruled_frames(rules text) RETURNS TABLE (n bigint, f bytea) LANGUAGE sql
    AS $$ SELECT n, data FROM pg_logical_slot_get_binary_changes('rules', NULL, NULL, 'proto_version', '1', 'counter', '5', 'rules', rules)
          WITH ORDINALITY c (lsn, xid, data, n) $$;
INSERT INTO rbin VALUES (1, 'a', 4, 'secret');
INSERT INTO rbin VALUES (2, 'b', 5, 'secret');
UPDATE rbin SET id = 1002 WHERE id = 2;
UPDATE rbin SET id = 3 WHERE id = 1002;
UPDATE rbin SET t = NULL WHERE id = 3;
UPDATE rbin SET id = 4 WHERE id = 3;
DELETE FROM rbin WHERE id = 1;
DELETE FROM rbin WHERE id = 4;
-- an insert of four columns: integer, text, two integers; a row outside of the filter leaves no frame, and no number is used for its
-- transaction; a delete and an insert where the row goes out and comes in
SELECT n, position('\x084901fb0401420a14'::bytea IN f) > 0 AS insert_2, position('\x054401010304'::bytea IN f) > 0 AS delete_2,
       position('\x084901fb0601420a14'::bytea IN f) > 0 AS insert_3, position('\x07550100f3060a14'::bytea IN f) > 0 AS update_3,
       position('\x095501010306f3080a14'::bytea IN f) > 0 AS update_4, position('\x054401010308'::bytea IN f) > 0 AS delete_4,
       position('secret'::bytea IN f) > 0 AS secret, position('double'::bytea IN f) > 0 AS described
FROM ruled_frames('[{"table": "public.rbin", "where": "id BETWEEN 2 AND 1000", "exclude_columns": ["secret"],
    "columns": {"t": "upper(t)", "double": "n * 2"}}]');
-- the flags of the columns: key alone for one under an expression; identity FULL adds it to an added one, and the old row has all four
ALTER TABLE rbin ALTER n SET NOT NULL, REPLICA IDENTITY FULL;
INSERT INTO rbin VALUES (5, 'c', 6, 'secret');
DELETE FROM rbin WHERE id = 5;
SELECT n, position('\x026964'::bytea || '\x11'::bytea IN f) > 0 AS id_flags, position('\x016e'::bytea || '\x11'::bytea IN f) > 0 AS n_flags,
       position('\x0174'::bytea || '\x01'::bytea IN f) > 0 AS t_flags, position('\x06646f75626c65'::bytea || '\x01'::bytea IN f) > 0 AS double_flags,
       position('\x09440102fb0a01430c18'::bytea IN f) > 0 AS delete_5, position('secret'::bytea IN f) > 0 AS secret
FROM ruled_frames('[{"table": "public.rbin", "exclude_columns": ["secret"], "columns": {"t": "upper(t)", "double": "n * 2"}}]');
SELECT pg_drop_replication_slot('rules');
DROP TABLE rbin;
DROP FUNCTION ruled_frames;
