-- latin1.sql: a database in another encoding. The wire protocol is UTF-8; JSON through SQL functions is in the database's encoding and
-- becomes the client's.
CREATE DATABASE walbridge_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\c walbridge_latin1
SET client_encoding = 'UTF8';
CREATE TYPE "Größe" AS ENUM ('klein', 'größer');
CREATE TABLE "Straße" (id int PRIMARY KEY, "Fläche" text, g "Größe", ga "Größe"[], j jsonb, n name, b bytea);
SELECT slot_name FROM pg_create_logical_replication_slot('latin1', 'walbridge');
INSERT INTO "Straße" VALUES (1, 'Zürich, £5', 'größer', '{größer}', '{"ä": "ö"}', 'é', '\xe9');
SELECT data FROM pg_logical_slot_peek_changes('latin1', NULL, NULL);
SELECT count(*) FROM pg_logical_slot_peek_changes('latin1', NULL, NULL, 'include', 'public.Stra?e') WHERE data LIKE '%insert%';
-- 'Zürich, £5' in UTF-8 behind its length, jsonb behind its version, names and labels; bytea as it is; and the name of the encoding
SELECT position('\x0c5ac3bc726963682c20c2a335'::bytea IN data) > 0 AS text, position('\x0d017b22c3a4223a2022c3b6227d'::bytea IN data) > 0 AS jsonb,
       position('\x0753747261c39f65'::bytea IN data) > 0 AS table_name, position('\x086772c3b6c39f6572'::bytea IN data) > 0 AS label_and_value, position('\x056b6c65696e'::bytea IN data) > 0 AS label,
       position('\x02c3a9'::bytea IN data) > 0 AS name, position('\x01e9'::bytea IN data) > 0 AS bytea,
       position('\x06'::bytea || 'LATIN1' IN data) > 0 AS encoding
FROM pg_logical_slot_get_binary_changes('latin1', NULL, NULL, 'proto_version', '1');
-- rules are UTF-8 in JSON and become the database's encoding: names, literals, added columns
INSERT INTO "Straße" VALUES (2, 'Köln', 'klein', NULL, NULL, NULL, NULL);
SELECT data FROM pg_logical_slot_peek_changes('latin1', NULL, NULL, 'rules',
    '[{"table": "public.Stra*", "where": "\"Fläche\" ~ ''ö'' AND g = ''klein''", "include_columns": ["F*"], "columns": {"Länge": "length(\"Fläche\")::text || ''é''"}}]');
SELECT position('\x0633c3a9'::bytea IN data) > 0 OR position('\x34c3a9'::bytea IN data) > 0 AS value, position('\x064cc3a46e6765'::bytea IN data) > 0 AS name
FROM pg_logical_slot_get_binary_changes('latin1', NULL, NULL, 'proto_version', '1', 'rules',
    '[{"table": "public.Stra*", "columns": {"Länge": "length(\"Fläche\")::text || ''é''"}}]');
INSERT INTO "Straße" VALUES (3, 'x', 'klein', NULL, NULL, NULL, NULL);
\set VERBOSITY terse
SELECT data FROM pg_logical_slot_peek_changes('latin1', NULL, NULL, 'rules', '[{"table": "public.Straße", "where": "\"Fläche\" = ''\u20ac''"}]');
SELECT pg_drop_replication_slot('latin1');
\c regress
DROP DATABASE walbridge_latin1;
