-- ddl_definitions.sql: a message says how the tables that a statement has changed look after it: the same as the applier's queries
-- (applier/schema/mysql/catalog) give at that moment, whatever the session has set.
SET client_min_messages = warning;
CREATE SCHEMA definitions;

-- ---- what the queries give, put together as a message has it
\set columns `cat "$WALBRIDGE_CATALOG"/columns.sql`
\set indexes `cat "$WALBRIDGE_CATALOG"/indexes.sql`
\set constraints `cat "$WALBRIDGE_CATALOG"/constraints.sql`
\set comments `cat "$WALBRIDGE_CATALOG"/comments.sql`
CREATE VIEW catalog_columns (tab, number, name, type, type_name, kind, typmod, element, element_name, not_null, identity, generated,
                             expression, comment, labels, type_sql) AS :columns;
CREATE VIEW catalog_indexes (tab, name, method, is_primary, is_unique, immediate, valid, partial, expressions, exclusion,
                             nulls_not_distinct, columns, options, comment, replica_identity) AS :indexes;
CREATE VIEW catalog_constraints (tab, name, type, is_deferrable, validated, columns, foreign_table, foreign_columns, on_update,
                                 on_delete, match, sets_some_columns, expression) AS :constraints;
CREATE VIEW catalog_comments (tab, comment) AS :comments;

CREATE FUNCTION brief(object jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(object)
    WHERE key IN ('number', 'name', 'typmod') OR value NOT IN ('null', 'false', '0', '""', '" "', '[]') $$;
CREATE FUNCTION numbers(list text) RETURNS int[] LANGUAGE sql IMMUTABLE AS $$ SELECT string_to_array(list, ' ')::int[] $$;
CREATE FUNCTION definition_of(wanted oid) RETURNS jsonb LANGUAGE sql STABLE
    SET search_path = pg_catalog SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC'
    SET extra_float_digits = 3 SET bytea_output = 'hex' SET standard_conforming_strings = on SET quote_all_identifiers = off AS $$
    SELECT public.brief(jsonb_build_object(
        'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
        'comment', (SELECT comment FROM public.catalog_comments WHERE tab = c.oid),
        'columns', (SELECT jsonb_agg(public.brief(jsonb_build_object('number', a.number, 'name', a.name,
                        'type', public.brief(jsonb_build_object('oid', a.type::bigint, 'name', a.type_name, 'kind', a.kind, 'typmod', a.typmod,
                            'element_oid', a.element::bigint, 'element_name', a.element_name, 'enum_labels', a.labels)),
                        'type_sql', a.type_sql, 'not_null', a.not_null, 'identity', a.identity, 'generated', a.generated,
                        'expression', a.expression, 'comment', a.comment)) ORDER BY a.number)
                    FROM public.catalog_columns a WHERE a.tab = c.oid),
        'indexes', (SELECT jsonb_agg(public.brief(jsonb_build_object('name', i.name, 'method', i.method, 'primary', i.is_primary,
                        'unique', i.is_unique, 'immediate', i.immediate, 'valid', i.valid, 'partial', i.partial,
                        'expressions', i.expressions, 'exclusion', i.exclusion, 'nulls_not_distinct', i.nulls_not_distinct,
                        'replica_identity', i.replica_identity, 'columns', public.numbers(i.columns),
                        'descending', ARRAY(SELECT o & 1 = 1 FROM unnest(public.numbers(i.options)) o), 'comment', i.comment)))
                    FROM (SELECT * FROM public.catalog_indexes WHERE tab = c.oid) i),
        'constraints', (SELECT jsonb_agg(public.brief(jsonb_build_object('name', k.name, 'type', k.type, 'deferrable', k.is_deferrable,
                            'validated', k.validated, 'columns', public.numbers(k.columns), 'foreign_table', k.foreign_table::bigint,
                            'foreign_columns', public.numbers(k.foreign_columns), 'on_update', k.on_update, 'on_delete', k.on_delete,
                            'match', k.match, 'sets_some_columns', k.sets_some_columns, 'expression', k.expression)))
                        FROM (SELECT * FROM public.catalog_constraints WHERE tab = c.oid) k)))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = wanted $$;

-- ---- what the messages have said: the last word on each table
CREATE TEMP TABLE said (tab oid PRIMARY KEY, definition jsonb);
CREATE TEMP TABLE messages (message jsonb); -- those of the last call
-- Follows the messages: of which tables each one speaks, with their number of columns; and for which tables the last word is not what
-- the catalog says.
CREATE FUNCTION follow() RETURNS TABLE (phase text, said text, tables text, wrong text) LANGUAGE plpgsql AS $$
DECLARE
    message jsonb;
    one jsonb;
    new_messages jsonb[] := ARRAY(SELECT public.ddl('ddl'));
    differing text;
BEGIN
    TRUNCATE pg_temp.messages;
    INSERT INTO pg_temp.messages SELECT unnest(new_messages);
    FOREACH message IN ARRAY new_messages LOOP
        FOR one IN SELECT * FROM jsonb_array_elements(message -> 'definitions') WHERE value ? 'oid' LOOP
            INSERT INTO pg_temp.said VALUES ((one ->> 'oid')::oid, one) ON CONFLICT (tab) DO UPDATE SET definition = EXCLUDED.definition;
        END LOOP;
    END LOOP;
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname) INTO differing FROM pg_class c LEFT JOIN pg_temp.said s ON s.tab = c.oid
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.relnamespace = 'definitions'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          AND s.definition IS DISTINCT FROM public.definition_of(c.oid);
    FOREACH message IN ARRAY new_messages LOOP
        RETURN QUERY SELECT message ->> 'phase', message ->> 'text',
            (SELECT string_agg(format('%s (%s)', d ->> 'name', coalesce(jsonb_array_length(d -> 'columns'), 0)), ', ' ORDER BY position)
             FROM jsonb_array_elements(message -> 'definitions') WITH ORDINALITY AS a (d, position)),
            differing;
    END LOOP;
END $$;
\set follow 'SELECT * FROM public.follow();'

-- ---- one of everything, in a session with settings of its own
SELECT capture(true);
SELECT new_slot('ddl');
\pset format unaligned
SET search_path = definitions, public;
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"');
CREATE DOMAIN amount AS numeric(10,2) NOT NULL;
CREATE DOMAIN price AS amount CHECK (VALUE >= 0);
CREATE DOMAIN short AS varchar(5);
CREATE DOMAIN feeling AS mood;
CREATE FUNCTION twice(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
:follow
CREATE TABLE maker (id int, country char(2), PRIMARY KEY (country, id));
:follow
SELECT public.stable(definition) FROM said;
SET DateStyle = 'German';
SET TimeZone = 'Asia/Tokyo';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -5;
SET bytea_output = 'escape';
SET quote_all_identifiers = on;
SET escape_string_warning = off;
SET standard_conforming_strings = off;
CREATE TABLE item (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(20) NOT NULL DEFAULT 'a\\b',
    cost price, tax amount, label short, mood mood DEFAULT 'sad', moods mood[], feeling feeling, feelings feeling[],
    at timestamptz(3) DEFAULT '2024-06-01 12:00+09',
    day date DEFAULT '2024-02-01',
    span interval DEFAULT '1 day 2 hours',
    raw bytea DEFAULT '\\x00ff',
    ratio float8 DEFAULT 0.1::float4::float8,
    doubled numeric GENERATED ALWAYS AS (twice(tax)) STORED,
    serial serial, country char(2), maker int, during tsrange, pair point,
    CONSTRAINT positive CHECK (tax > 0 AND twice(tax) < 1000),
    CONSTRAINT late CHECK (at > '2020-01-01 00:00+09') NOT VALID,
    CONSTRAINT sane CHECK (true),
    CONSTRAINT once UNIQUE (code, serial) DEFERRABLE,
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&),
    CONSTRAINT made FOREIGN KEY (country, maker) REFERENCES maker MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE);
CREATE INDEX item_down ON item (day DESC, code) INCLUDE (raw);
CREATE INDEX item_part ON item (lower(code), mood) WHERE mood = 'sad';
CREATE INDEX "item ""hash" ON item USING hash (label);
CREATE UNIQUE INDEX item_code ON item (code);
ALTER TABLE item REPLICA IDENTITY USING INDEX item_code;
COMMENT ON TABLE item IS 'what is sold';
COMMENT ON COLUMN item.code IS 'say ''code''';
COMMENT ON INDEX item_down IS 'downwards';
RESET standard_conforming_strings;
:follow
SELECT jsonb_pretty(public.stable(definition)) FROM said WHERE definition ->> 'name' = 'item';

-- what exists from 15 on
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN
        EXECUTE 'CREATE TABLE newer (id int UNIQUE NULLS NOT DISTINCT, country char(2), maker int,
                                     FOREIGN KEY (country, maker) REFERENCES maker ON DELETE SET NULL (maker))';
    END IF;
END $$;
SELECT wrong FROM public.follow() WHERE wrong IS NOT NULL;
DROP TABLE IF EXISTS newer;
SELECT wrong FROM public.follow() WHERE wrong IS NOT NULL;

-- long enough to be stored apart from its row, also where the server has no snapshot at hand
DO $$ BEGIN
    EXECUTE format('CREATE TABLE lengthy (id int, v text DEFAULT %L)', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i));
END $$;
CREATE INDEX CONCURRENTLY lengthy_id ON lengthy (id);
SELECT phase, left(said, 50) AS said, tables, wrong FROM public.follow();
SELECT length(definition -> 'columns' -> 1 ->> 'expression') FROM said WHERE definition ->> 'name' = 'lengthy';

-- ---- statements that change a table
ALTER TABLE item ALTER pair TYPE text USING pair::text;
ALTER TABLE item RENAME COLUMN pair TO place;
ALTER TABLE item DROP COLUMN ratio, ADD COLUMN added date DEFAULT '2024-03-01', ALTER day SET NOT NULL, ALTER code DROP DEFAULT;
ALTER TABLE item ADD CONSTRAINT item_code UNIQUE USING INDEX item_code, VALIDATE CONSTRAINT late;
ALTER TABLE item RENAME CONSTRAINT positive TO above_zero;
ALTER INDEX item_down RENAME TO item_downwards;
ALTER TABLE item RENAME TO article;
CREATE INDEX CONCURRENTLY item_later ON article (serial);
DROP INDEX CONCURRENTLY item_later;
DROP INDEX item_part, "item ""hash";
COMMENT ON COLUMN article.code IS NULL;
CREATE TRIGGER fire BEFORE UPDATE ON article FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
GRANT SELECT ON article TO PUBLIC;
:follow

-- types and domains below columns
ALTER TYPE mood ADD VALUE 'between' BEFORE 'it''s "ok"';
:follow
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE mood RENAME TO temper;
ALTER DOMAIN amount DROP NOT NULL;
ALTER DOMAIN short RENAME TO brief_text;
ALTER DOMAIN brief_text SET NOT NULL;
:follow
CREATE TYPE shape AS (a int, b text);
CREATE TABLE shaped OF shape;
ALTER TYPE shape ADD ATTRIBUTE c date CASCADE, ALTER ATTRIBUTE a TYPE bigint CASCADE;
:follow

-- what goes along with something else
CREATE TABLE holder (id int PRIMARY KEY, mood temper, v numeric DEFAULT twice(2), n int, CHECK (twice(v) > 0));
CREATE TABLE pointer (id int REFERENCES holder);
CREATE SEQUENCE counter;
ALTER TABLE holder ALTER n SET DEFAULT nextval('counter');
:follow
DROP SEQUENCE counter CASCADE;
ALTER TABLE article DROP COLUMN doubled, DROP CONSTRAINT above_zero;
DROP FUNCTION twice(numeric) CASCADE;
ALTER TABLE holder DROP CONSTRAINT holder_pkey CASCADE;
:follow
DROP TYPE temper CASCADE;
:follow
DROP TABLE maker CASCADE;
:follow
DROP DOMAIN price CASCADE;
:follow

-- trees
CREATE TABLE tree (id int, v int, at date DEFAULT '2024-02-01') PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF tree FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF tree FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);
CREATE TABLE highest PARTITION OF high FOR VALUES FROM (20) TO (30);
CREATE TABLE joined (at date, id int NOT NULL, v int);
:follow
ALTER TABLE tree ATTACH PARTITION joined FOR VALUES FROM (100) TO (200);
ALTER TABLE tree ADD COLUMN w text DEFAULT 'w', ADD CHECK (v > 0);
ALTER TABLE tree ADD PRIMARY KEY (id);
CREATE INDEX tree_v ON tree (v DESC);
COMMENT ON COLUMN tree.v IS 'a number';
ALTER TABLE tree RENAME COLUMN v TO number;
ALTER TABLE joined ADD FOREIGN KEY (id) REFERENCES tree;
:follow
ALTER TABLE tree DETACH PARTITION low;
:follow
DROP INDEX tree_v;
:follow
CREATE TABLE parent (id int, v int CHECK (v > 0));
CREATE TABLE child (w int) INHERITS (parent);
ALTER TABLE parent ADD COLUMN u int, ALTER v TYPE bigint;
ALTER TABLE child NO INHERIT parent;
ALTER TABLE parent DROP COLUMN u;
:follow

-- ---- before the rows
CREATE TABLE source_rows (id int NOT NULL, label brief_text, costs amount, list int[], at timestamptz(3));
INSERT INTO source_rows VALUES (1, 'l', 2, '{3}', '2024-02-01');
SELECT count(*) FROM public.follow();
CREATE TABLE as_selected (first) AS SELECT *, 'x' AS word, id * 2.5 FROM source_rows;
:follow
SELECT message -> 'columns' AS columns, jsonb_pretty(public.stable(message -> 'definitions' -> 0)) AS definition,
       message -> 'definitions' -> 0 ? 'oid' AS oid FROM messages WHERE message ->> 'phase' = 'start';
SELECT id AS n, label INTO public.as_into FROM source_rows;
CREATE TABLE as_nothing AS SELECT;
:follow
SELECT message ->> 'phase' AS phase, d ->> 'schema' AS schema, d ->> 'name' AS name, d -> 'columns' ->> 0 AS column
    FROM messages, jsonb_array_elements(message -> 'definitions') d;
-- a rewritten table, as its new rows have it
ALTER TABLE source_rows ALTER id TYPE bigint, ADD COLUMN v int DEFAULT 7 + (random() * 0)::int;
:follow
SELECT message ->> 'phase' AS phase, message -> 'rewritten' ->> 'name' AS rewritten, c ->> 'name' AS name, c ->> 'type_sql' AS type, c ->> 'expression' AS expression
    FROM messages, jsonb_array_elements(message -> 'definitions' -> 0 -> 'columns') c WHERE c ->> 'name' IN ('id', 'v');

-- ---- what is left out
CREATE UNLOGGED TABLE unlogged (id int);
CREATE TEMP TABLE temporary (id int);
ALTER TABLE child SET UNLOGGED;
CREATE TABLE walbridge.own (id int);
DROP TABLE walbridge.own;
CREATE TABLE extended (id int);
:follow
ALTER EXTENSION plpgsql ADD TABLE extended;
ALTER TABLE extended ADD COLUMN v int;
ALTER EXTENSION plpgsql DROP TABLE extended;
DROP TABLE extended;
ALTER TABLE child SET LOGGED;
DROP TABLE child;
CREATE VIEW seen AS SELECT id FROM article;
CREATE SEQUENCE alone;
ALTER TABLE article ENABLE ROW LEVEL SECURITY;
:follow

-- ---- a failure is said, and the statement captured without
SET walbridge.debug_capture_failure = 'definitions';
CREATE TABLE failing (id int);
CREATE TABLE failing_as AS SELECT 1 AS id;
ALTER TABLE failing ALTER id TYPE bigint;
SELECT message ->> 'phase' AS phase, message ->> 'kind' AS kind, message ->> 'tag' AS tag, message ? 'definitions' AS definitions, message ->> 'definitions_failure' AS failure
    FROM (SELECT public.ddl('ddl') AS message) m;
RESET walbridge.debug_capture_failure;

RESET ALL;
SET client_min_messages = warning;
\pset format aligned
DROP SCHEMA definitions CASCADE;
DROP TABLE public.as_into;
SELECT pg_drop_replication_slot('ddl');
SELECT capture(false);
DROP FUNCTION follow();
DROP FUNCTION definition_of(oid);
DROP FUNCTION brief(jsonb);
DROP FUNCTION numbers(text);
DROP VIEW catalog_columns, catalog_indexes, catalog_constraints, catalog_comments;
