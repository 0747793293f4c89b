-- ddl_kinds.sql: every kind of object whose DDL event triggers report, with what the other side chooses by: class, name, table.
SELECT capture(true);
SELECT new_slot('ddl');
SET client_min_messages = warning;
\pset format unaligned

CREATE FUNCTION kinds(slot name) RETURNS TABLE (tag text, object text, of_table text, dropped text) LANGUAGE sql VOLATILE AS $$
    SELECT d ->> 'tag',
           (SELECT string_agg(concat_ws(' ', o ->> 'class', o ->> 'type', o ->> 'identity', '(' || (o ->> 'name') || ')'), ', ' ORDER BY o ->> 'identity' COLLATE "C")
            FROM jsonb_array_elements(d -> 'objects') o),
           (SELECT string_agg(DISTINCT (o ->> 'table_schema') || '.' || (o ->> 'table_name') || ' ' || (o ->> 'persistence'), ', ')
            FROM jsonb_array_elements(d -> 'objects') o WHERE o ? 'table_name'),
           (SELECT string_agg(concat_ws(' ', o ->> 'class', o ->> 'type', o ->> 'identity', array_to_string(ARRAY(SELECT jsonb_array_elements_text(o -> 'address_args')), ',')),
                              ', ' ORDER BY o ->> 'identity' COLLATE "C")
            FROM jsonb_array_elements(d -> 'dropped') o WHERE o ->> 'identity' NOT LIKE '%\_not\_null %') -- constraints from 18 on
    FROM ddl(slot) d $$;
SELECT count(*) FROM kinds('ddl');

-- schemas, tables and what belongs to them
CREATE SCHEMA kinds;
SET search_path = kinds, public;
CREATE SEQUENCE numbers START 10;
ALTER SEQUENCE numbers RESTART 20;
CREATE TABLE base (id int PRIMARY KEY DEFAULT nextval('numbers'), v text UNIQUE, EXCLUDE (v WITH =));
CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY, base int REFERENCES base) INHERITS (base);
CREATE TABLE alike (LIKE base INCLUDING ALL);
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parts_2 (id int, at date);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE parts DETACH PARTITION parts_1;
CREATE INDEX ON ONLY parts (id);
CREATE UNIQUE INDEX base_v ON base (lower(v));
ALTER INDEX base_v RENAME TO base_lower;
ALTER TABLE base REPLICA IDENTITY FULL;
ALTER TABLE base CLUSTER ON base_pkey, SET (fillfactor = 80);
ALTER TABLE base ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON base USING (true);
ALTER POLICY visible ON base USING (false);
ALTER POLICY visible ON base RENAME TO seen;
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER fire BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION fires();
ALTER TRIGGER fire ON base RENAME TO fire_2;
ALTER TABLE base DISABLE TRIGGER fire_2;
CREATE RULE nothing AS ON DELETE TO base DO INSTEAD NOTHING;
ALTER RULE nothing ON base RENAME TO nothing_2;
CREATE STATISTICS related ON id, v FROM base;
ALTER STATISTICS related SET STATISTICS 100;
CREATE VIEW seen AS SELECT id FROM base;
CREATE OR REPLACE VIEW seen AS SELECT id, v FROM base;
ALTER VIEW seen ALTER COLUMN v SET DEFAULT 'x';
CREATE MATERIALIZED VIEW kept AS SELECT id FROM base;
REFRESH MATERIALIZED VIEW kept;
SELECT * FROM kinds('ddl');

-- types and what works on them
CREATE TYPE mood AS ENUM ('sad', 'ok');
ALTER TYPE mood ADD VALUE 'happy' AFTER 'ok';
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
CREATE TYPE pair AS (a int, b int);
ALTER TYPE pair ADD ATTRIBUTE c int;
ALTER TYPE pair RENAME ATTRIBUTE c TO d;
CREATE TYPE spread AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 100);
CREATE TYPE shell;
CREATE COLLATION plain (provider = libc, locale = 'C');
CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
ALTER FUNCTION add(int, int) STRICT;
CREATE PROCEDURE act(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := 1; END';
CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = add);
ALTER OPERATOR <+> (int, int) SET (RESTRICT = NONE);
CREATE OPERATOR FAMILY family USING btree;
ALTER OPERATOR FAMILY family USING btree ADD OPERATOR 1 < (int, int8);
CREATE OPERATOR CLASS class FOR TYPE int USING btree FAMILY family AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int);
CREATE FUNCTION to_mood(int) RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT 'sad'::kinds.mood $$;
CREATE CAST (int AS mood) WITH FUNCTION to_mood(int);
CREATE CONVERSION convert FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION search (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION search ALTER MAPPING FOR word WITH words;
CREATE ACCESS METHOD another TYPE TABLE HANDLER heap_tableam_handler;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER server FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER server;
CREATE FOREIGN TABLE remote (id int) SERVER server;
SELECT * FROM kinds('ddl');

-- written in another way from 18 on
CREATE TRANSFORM FOR mood LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
DROP TRANSFORM FOR mood LANGUAGE sql;
SELECT tag, object IS NOT NULL AS made, dropped IS NOT NULL AS gone FROM kinds('ddl');

-- of all kinds
COMMENT ON SCHEMA kinds IS 'a';
COMMENT ON TABLE base IS 'a';
COMMENT ON CONSTRAINT base_pkey ON base IS 'a';
COMMENT ON TRIGGER fire_2 ON base IS 'a';
COMMENT ON FUNCTION add(int, int) IS 'a';
GRANT SELECT, UPDATE (v) ON base TO PUBLIC;
GRANT USAGE ON SCHEMA kinds TO PUBLIC;
REVOKE EXECUTE ON FUNCTION add(int, int) FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA kinds TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA kinds GRANT SELECT ON TABLES TO PUBLIC;
ALTER TABLE base OWNER TO CURRENT_USER;
ALTER FUNCTION add(int, int) OWNER TO CURRENT_USER;
ALTER FUNCTION add(int, int) RENAME TO plus;
ALTER TYPE mood SET SCHEMA public;
ALTER TABLE alike SET SCHEMA public;
SELECT * FROM kinds('ddl');

-- gone
DROP TRIGGER fire_2 ON base;
DROP POLICY seen ON base;
DROP RULE nothing_2 ON base;
DROP STATISTICS related;
DROP CAST (int AS mood);
DROP OPERATOR <+> (int, int);
DROP AGGREGATE total (int);
DROP FUNCTION plus(int, int);
ALTER TABLE base DROP COLUMN v CASCADE;
DROP INDEX IF EXISTS base_lower;
ALTER TABLE child DROP CONSTRAINT child_base_fkey;
DROP MATERIALIZED VIEW kept;
DROP TABLE alike;
DROP TYPE mood CASCADE;
DROP FOREIGN TABLE remote;
DROP FOREIGN DATA WRAPPER wrapper CASCADE;
DROP ACCESS METHOD another;
SELECT tag, object, dropped FROM kinds('ddl');
DROP SCHEMA kinds CASCADE;
-- how many there are differs between versions of the server
SELECT d ->> 'tag' AS tag, jsonb_array_length(d -> 'dropped') > 20 AS many,
       (SELECT string_agg(o ->> 'identity', ', ' ORDER BY o ->> 'identity' COLLATE "C") FROM jsonb_array_elements(d -> 'dropped') o WHERE o ->> 'type' = 'table') AS tables
    FROM ddl('ddl') d;

DROP FUNCTION kinds(name);
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
