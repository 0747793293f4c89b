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

CREATE FUNCTION new_slot(slot name) RETURNS void LANGUAGE sql
    AS $$ SELECT pg_create_logical_replication_slot(slot, 'walbridge') $$;
