-- ddl_encodings.sql: messages are UTF-8 whatever the server's encoding is; a text that UTF-8 cannot hold is a gap.
CREATE DATABASE ddl_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
CREATE DATABASE ddl_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\c ddl_latin1
SET client_encoding = 'UTF8';
CREATE EXTENSION walbridge;
SELECT count(*) FROM pg_create_logical_replication_slot('ddl_latin1', 'walbridge');
CREATE TABLE "größe" ("straße" text DEFAULT 'ÿ');
ALTER TABLE "größe" ADD COLUMN "é" text DEFAULT 'è';
-- a line for SQL functions is in the server's encoding, but contents of messages are bytes: here UTF-8 that looks like LATIN1
SELECT d ->> 'text' AS text, d -> 'objects' -> 0 ->> 'identity' AS identity, d -> 'missing' -> 0 ->> 'value' AS missing
    FROM (SELECT data::json FROM pg_logical_slot_get_changes('ddl_latin1', NULL, NULL)) AS lines (l),
         LATERAL (SELECT convert_from(convert_to(l ->> 'content', 'LATIN1'), 'UTF8')) AS c (content),
         LATERAL (SELECT substr(content, strpos(content, E'\n') + 1)::json) AS b (d)
    WHERE l ->> 'prefix' = 'walbridge.ddl';
SELECT pg_drop_replication_slot('ddl_latin1');
\c ddl_ascii
SET client_encoding = 'SQL_ASCII';
CREATE EXTENSION walbridge;
SELECT count(*) FROM pg_create_logical_replication_slot('ddl_ascii', 'walbridge');
CREATE TABLE plain (id int);
DO $$ BEGIN EXECUTE 'CREATE TABLE ' || quote_ident(convert_from('\x6bff', 'SQL_ASCII')) || ' (id int)'; END $$;
CREATE TABLE plain_again (id int);
SELECT d ->> 'kind' AS kind, d ->> 'tag' AS tag, coalesce(d ->> 'reason', d ->> 'text') AS said
    FROM (SELECT data::json FROM pg_logical_slot_get_changes('ddl_ascii', NULL, NULL)) AS lines (l),
         LATERAL (SELECT substr(l ->> 'content', strpos(l ->> 'content', E'\n') + 1)::json) AS b (d)
    WHERE l ->> 'prefix' = 'walbridge.ddl';
SELECT pg_drop_replication_slot('ddl_ascii');
\c regress
DROP DATABASE ddl_latin1;
DROP DATABASE ddl_ascii;
