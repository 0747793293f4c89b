-- binary.sql: frames of the wire protocol byte by byte, where the bytes do not depend on the installation.
CREATE TABLE bin (id int PRIMARY KEY, t text);
SELECT new_slot('bin');
CREATE FUNCTION frames_of(slot name) RETURNS SETOF bytea LANGUAGE sql
    AS $$ SELECT data FROM pg_logical_slot_get_binary_changes(slot, NULL, NULL, 'proto_version', '1', 'counter', '5') $$;
-- the first frame begins with flags, length and kind of the session record: version 1, plugin 1.0
INSERT INTO bin VALUES (1, 'a');
SELECT substr(encode(f, 'hex'), 1, 2) AS flags, substr(encode(f, 'hex'), 5, 2) AS kind, position('\x010103312e30'::bytea IN f) AS version_at,
       position('\x04'::bytea || 'UTF8' IN f) > 0 AS encoding
FROM frames_of('bin') f;
-- one frame per transaction; an insert: length, 'I', relation 1, two columns (binary, text), the number as
-- a signed varint, the text behind its length
INSERT INTO bin VALUES (2, 'b');
INSERT INTO bin VALUES (3, NULL);
DELETE FROM bin WHERE id = 2;
UPDATE bin SET id = 4 WHERE id = 3;
SELECT n, position('\x0649010b04'::bytea || '\x0162' IN f) > 0 AS insert_2, position('\x0449010306'::bytea IN f) > 0 AS insert_3,
       position('\x054401010304'::bytea IN f) > 0 AS delete_2, position('\x07550101030603'::bytea || '\x08' IN f) > 0 AS update_3
FROM frames_of('bin') WITH ORDINALITY frames (f, n);
-- many small transactions, each flushed; one large transaction in full frames
INSERT INTO bin SELECT g, repeat('x', 100) FROM generate_series(10, 2000) g;
SELECT count(*) AS frames, max(length(f)) > 65000 AND max(length(f)) <= 65536 AS full FROM frames_of('bin') f;
-- compressed frames say so in their flags and are shorter; small ones stay plain
INSERT INTO bin SELECT g, repeat('x', 100) FROM generate_series(3001, 4000) g;
INSERT INTO bin VALUES (5000, 'small');
SELECT method, get_byte(data, 0) AS flags, length(data) < 10000 AS compressed
FROM (VALUES ('none'), ('lz4'), ('zstd')) methods (method),
     pg_logical_slot_peek_binary_changes('bin', NULL, NULL, 'proto_version', '1', 'compression', method) WITH ORDINALITY frames (lsn, xid, data, n)
ORDER BY method, n;
SELECT pg_drop_replication_slot('bin');
