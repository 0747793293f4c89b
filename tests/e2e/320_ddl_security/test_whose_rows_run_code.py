# A table that is taken for harmless runs its owner's code with walbridge's rights; one that is not is written slower for nothing.
import re

ROLE = "security_author"

TYPES = """
CREATE FUNCTION f(x anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION i(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN x; END';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN checked AS int CHECK (f(VALUE));
CREATE DOMAIN over_checked AS checked;
CREATE TYPE composite AS (a int, b over_checked);
CREATE TYPE ranged AS RANGE (subtype = composite);
CREATE FUNCTION difference(float8, float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 - $2; END';
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = difference);
CREATE TYPE mood AS ENUM ('a');
CREATE TYPE cast_mood AS ENUM ('a');
CREATE FUNCTION to_json(cast_mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
CREATE CAST (cast_mood AS json) WITH FUNCTION to_json(cast_mood);
"""

CODE = {
    "check": "(id int PRIMARY KEY CHECK (weak.f(id)))",
    "sql_as_text": "(id int PRIMARY KEY CHECK (query_to_xml('SELECT 1', true, true, '') IS NOT NULL))",
    "view_as_xml": "(id int PRIMARY KEY CHECK (table_to_xml('pg_class', true, true, '') IS NOT NULL))",
    "large_object": "(id int PRIMARY KEY CHECK (lo_unlink(id::oid) > 0))",
    "setting": "(id int PRIMARY KEY CHECK (set_config('a.b', 'c', false) = 'c'))",
    "record": "(id int PRIMARY KEY CHECK ((jsonb_populate_record(NULL::weak.composite, '{}')).a IS NULL))",
    "generated": "(id int PRIMARY KEY, g int GENERATED ALWAYS AS (weak.i(id)) STORED)",
    "index": "(id int PRIMARY KEY); CREATE INDEX ON weak.index (weak.i(id))",
    "predicate": "(id int PRIMARY KEY); CREATE INDEX ON weak.predicate (id) WHERE weak.f(id)",
    "domain": "(id int PRIMARY KEY, d weak.over_checked)",
    "array": "(id int PRIMARY KEY, d weak.over_checked[])",
    "composite_column": "(id int PRIMARY KEY, d weak.composite)",
    "range_column": "(id int PRIMARY KEY, d weak.ranged)",
    "difference_column": "(id int PRIMARY KEY, d weak.floats)",
    "cast_column": "(id int PRIMARY KEY, m weak.cast_mood)",
    "partitioned": "(id int) PARTITION BY LIST (weak.i(id)); CREATE TABLE weak.leaf PARTITION OF weak.partitioned DEFAULT",
    "leaf_checked": "(id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE weak.checked_leaf PARTITION OF weak.leaf_checked DEFAULT;"
                    "ALTER TABLE weak.checked_leaf ADD CHECK (weak.f(id))",
    "triggered": "(id int PRIMARY KEY); CREATE TRIGGER a BEFORE INSERT ON weak.triggered FOR EACH ROW EXECUTE FUNCTION weak.g();"
                 "ALTER TABLE weak.triggered ENABLE ALWAYS TRIGGER a",
    "replica_triggered": "(id int PRIMARY KEY); CREATE TRIGGER a AFTER DELETE ON weak.replica_triggered FOR EACH ROW EXECUTE FUNCTION weak.g();"
                         "ALTER TABLE weak.replica_triggered ENABLE REPLICA TRIGGER a",
}

PLAIN = {
    "built_in": "(id int PRIMARY KEY CHECK (id > 0), v text CHECK (v ~ 'a' AND length(v) < 9 AND v = lower(v)), n numeric(9, 2), j jsonb,"
                " at timestamptz CHECK (at < now() + '1 day'), g int GENERATED ALWAYS AS (id * 2) STORED);"
                "CREATE INDEX ON weak.built_in (lower(v)) WHERE id > 3; CREATE INDEX ON weak.built_in USING gin (j)",
    "defaults": "(id serial PRIMARY KEY, u uuid DEFAULT gen_random_uuid(), w int DEFAULT weak.i(1))",
    "harmless_domain": "(id weak.positive PRIMARY KEY, d weak.positive[])",
    "enumerated": "(id int PRIMARY KEY, m weak.mood)",
    "quiet_trigger": "(id int PRIMARY KEY); CREATE TRIGGER a BEFORE INSERT ON weak.quiet_trigger FOR EACH ROW EXECUTE FUNCTION weak.g()",
    "of_an_extension": "(id int PRIMARY KEY, c public.citext CHECK (c <> 'x'), v text); CREATE INDEX ON weak.of_an_extension USING gin (v public.gin_trgm_ops)",
    "plain_partitions": "(id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE weak.plain_leaf PARTITION OF weak.plain_partitions DEFAULT",
}


def test_tables_are_told_apart(pair):
    available = pair.source.scalar("SELECT count(*) FROM pg_available_extensions WHERE name IN ('citext', 'pg_trgm')") == 2
    plain = {name: body for name, body in PLAIN.items() if available or name != "of_an_extension"}
    pair.source.psql(f"DO $$ BEGIN IF to_regrole('{ROLE}') IS NULL THEN CREATE ROLE {ROLE}; END IF; END $$;"
                     f"CREATE SCHEMA weak AUTHORIZATION {ROLE};" + ("CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;" if available else ""))
    pair.source.psql(f"SET ROLE {ROLE}; SET search_path = weak; {TYPES}" + "".join(
        f"CREATE TABLE weak.{name} {body};" for name, body in {**CODE, **plain}.items()))
    leaves = {"partitioned": ["weak.leaf"], "leaf_checked": ["weak.checked_leaf"], "plain_partitions": ["weak.plain_leaf"]}

    def judged(*names):
        tables = [table for name in names for table in (f"weak.{name}", *leaves.get(name, []))]
        applier = pair.applier(name=f"{pair.name[:20]}_{names[0][:18]}", include=tables)
        (item,) = applier.cli("precheck", "--json", "--only", "target.user_code").json()["findings"]
        return item["result"], set(re.findall(r'weak\."?(\w+)', item["reason"]))

    # A finding names five tables: so many are judged together, and each has to be named.
    single = [name for name in CODE if name not in leaves]
    for first in range(0, len(single), 5):
        group = single[first:first + 5]
        assert judged(*group) == ("warning", set(group))
    for name in (name for name in CODE if name in leaves):
        assert judged(name)[0] == "warning", name
    assert judged(*plain) == ("ok", set())
