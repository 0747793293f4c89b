-- setup.sql: what the other files use. Runs first.
CREATE EXTENSION walbridge;
SELECT walbridge.version() = extversion AS version_matches FROM pg_extension WHERE extname = 'walbridge';

-- The lines of a slot since the last call; name and value of options in turn.
CREATE FUNCTION changes(slot name, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql VOLATILE
    AS $$ SELECT data FROM pg_logical_slot_get_changes(slot, NULL, NULL, VARIADIC options) $$;

-- The same without relation and transaction lines.
CREATE FUNCTION rows_of(slot name, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql VOLATILE
    AS $$ SELECT line FROM changes(slot, VARIADIC options) line
          WHERE line::json ->> 'kind' NOT IN ('relation', 'begin', 'commit') $$;

-- How many lines of each kind.
CREATE FUNCTION kinds_of(slot name, VARIADIC options text[] DEFAULT '{}') RETURNS TABLE (kind text, lines bigint) LANGUAGE sql VOLATILE
    AS $$ SELECT line::json ->> 'kind', count(*) FROM changes(slot, VARIADIC options) line GROUP BY 1 ORDER BY (line::json ->> 'kind') COLLATE "C" $$;

-- The rows of a slot under rules.
CREATE FUNCTION ruled(slot name, rules text, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql VOLATILE
    AS $$ SELECT rows_of(slot, VARIADIC ARRAY['rules', rules] || options) $$;

-- How decoding under rules fails, without positions.
CREATE FUNCTION refusal(slot name, rules text, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text; name text;
BEGIN
    RETURN NEXT (SELECT 'nothing is wrong: ' || count(*) || ' rows' FROM ruled(slot, rules, VARIADIC options));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, name = TABLE_NAME;
    RETURN NEXT SQLSTATE || ' ' || message;
    RETURN NEXT detail;
    RETURN NEXT hint;
END $$;

CREATE FUNCTION new_slot(slot name) RETURNS void LANGUAGE sql
    AS $$ SELECT pg_create_logical_replication_slot(slot, 'walbridge') $$;

-- DDL is captured where a topic is about it; the others read their own lines only.
CREATE FUNCTION capture(wanted boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT evtname FROM pg_event_trigger WHERE evtname LIKE '00\_walbridge\_%' LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I %s', name, CASE WHEN wanted THEN 'ENABLE' ELSE 'DISABLE' END);
    END LOOP;
END $$;
SELECT capture(false);

-- Bodies of the DDL messages since the last call.
CREATE FUNCTION ddl(slot name, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF jsonb LANGUAGE sql VOLATILE
    AS $$ SELECT split_part(line::json ->> 'content', E'\n', 2)::jsonb FROM changes(slot, VARIADIC options) line
          WHERE line::json ->> 'prefix' = 'walbridge.ddl' $$;

-- A body without what differs from run to run: proof of origin, oids, settings; and without definitions of tables, which have a
-- topic of their own.
CREATE FUNCTION stable(body jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE jsonb_typeof(value)
               WHEN 'object' THEN stable(value)
               WHEN 'array' THEN (SELECT jsonb_agg(CASE jsonb_typeof(element) WHEN 'object' THEN stable(element) ELSE element END
                                                   ORDER BY position)
                                  FROM jsonb_array_elements(value) WITH ORDINALITY AS e (element, position))
               ELSE value END), '{}')
    FROM jsonb_each(body) WHERE key NOT IN ('system', 'database', 'xid', 'oid', 'element_oid', 'foreign_table', 'settings', 'role',
                                             'definitions')
$$;

-- One line per message: place, kind, phase, tag, text or reason, what was made and what was dropped.
CREATE FUNCTION statements(slot name) RETURNS TABLE (number bigint, parent bigint, phase text, tag text, said text, objects text, dropped text)
    LANGUAGE sql VOLATILE AS $$
    SELECT (d ->> 'number')::bigint, (d ->> 'parent')::bigint, CASE d ->> 'kind' WHEN 'gap' THEN 'gap' ELSE d ->> 'phase' END,
           d ->> 'tag', coalesce(d ->> 'reason', d ->> 'text'),
           (SELECT string_agg(o ->> 'identity', ', ' ORDER BY o ->> 'identity' COLLATE "C") FROM jsonb_array_elements(d -> 'objects') o),
           (SELECT string_agg(o ->> 'identity', ', ' ORDER BY o ->> 'identity' COLLATE "C")
            FROM jsonb_array_elements(d -> 'dropped') o WHERE o ? 'original')
    FROM ddl(slot) d $$;
