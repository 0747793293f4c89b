# Whoever owns a table makes the target run code while its rows are written: with the rights of walbridge's role, if nothing is done.
import pytest

from attack import EXCLUDE, ROLE, assert_nothing_gained, prepare

NO_DDL = {"classes": "none"}

PLACES = {
    "check": "CREATE TABLE weak.t (id int PRIMARY KEY, v text CHECK (weak.evil(v)))",
    "generated": "CREATE TABLE weak.t (id int PRIMARY KEY, v text, g int GENERATED ALWAYS AS (weak.evil_int(id)) STORED)",
    "index": "CREATE TABLE weak.t (id int PRIMARY KEY, v text); CREATE INDEX ON weak.t (weak.evil_int(id))",
    "partial_index": "CREATE TABLE weak.t (id int PRIMARY KEY, v text); CREATE INDEX ON weak.t (v) WHERE weak.evil(v)",
    "domain": "CREATE DOMAIN weak.d AS text CHECK (weak.evil(VALUE)); CREATE TABLE weak.t (id int PRIMARY KEY, v weak.d)",
    "domain_in_composite": "CREATE DOMAIN weak.d AS text CHECK (weak.evil(VALUE)); CREATE TYPE weak.c AS (a weak.d);"
                           "CREATE TABLE weak.t (id int PRIMARY KEY, v text, c weak.c DEFAULT ROW('x')::weak.c)",
    "partition_key": "CREATE TABLE weak.t (id int, v text) PARTITION BY LIST ((weak.evil_int(id) % 2));"
                     "CREATE TABLE weak.t0 PARTITION OF weak.t FOR VALUES IN (0); CREATE TABLE weak.t1 PARTITION OF weak.t DEFAULT;"
                     "ALTER TABLE weak.t0 REPLICA IDENTITY FULL; ALTER TABLE weak.t1 REPLICA IDENTITY FULL; ALTER TABLE weak.t REPLICA IDENTITY FULL",
    "trigger": "CREATE TABLE weak.t (id int PRIMARY KEY, v text); CREATE TRIGGER a BEFORE INSERT OR UPDATE ON weak.t FOR EACH ROW"
               " EXECUTE FUNCTION weak.evil_trigger(); ALTER TABLE weak.t ENABLE ALWAYS TRIGGER a",
    "deferred_trigger": "CREATE TABLE weak.t (id int PRIMARY KEY, v text); CREATE CONSTRAINT TRIGGER a AFTER INSERT OR UPDATE ON weak.t"
                        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION weak.evil_trigger(); ALTER TABLE weak.t ENABLE ALWAYS TRIGGER a",
    # No function of a user stands in it: one that is built in runs the text.
    "text_as_sql": "CREATE TABLE weak.t (id int PRIMARY KEY, v text CHECK (query_to_xml('SELECT weak.evil(1)', true, true, '') IS NOT NULL))",
}


def use(pair, applier, bulk_rows=400):
    """Copied rows, live single changes, set operations, COPY, a rolled back batch, TRUNCATE."""
    change = pair.source.psql
    applier.start()
    applier.wait_caught_up()
    change("INSERT INTO weak.t (id, v) VALUES (1000, 'live')")
    change("UPDATE weak.t SET v = 'changed' WHERE id = 1000")
    applier.wait_caught_up()
    change(f"INSERT INTO weak.t (id, v) SELECT i, 'bulk' FROM generate_series(2000, {2000 + bulk_rows}) i")
    change("UPDATE weak.t SET v = v || '!' WHERE id BETWEEN 2000 AND 2100")
    change("DELETE FROM weak.t WHERE id BETWEEN 2000 AND 2050; INSERT INTO weak.t (id, v) VALUES (3000, 'x')")
    applier.wait_caught_up()


@pytest.mark.parametrize("place", PLACES)
def test_code_of_a_table_runs_as_its_owner(pair, place):
    prepare(pair, PLACES[place])
    pair.source.psql("INSERT INTO weak.t (id, v) SELECT i, 'copied' FROM generate_series(1, 5) i")
    applier = pair.applier(exclude=EXCLUDE, ddl=NO_DDL)
    use(pair, applier)
    pair.compare(*(["weak.t0", "weak.t1"] if place == "partition_key" else ["weak.t"]))
    assert_nothing_gained(pair)
    applier.stop()


def test_the_exact_path_and_conflicts(pair):
    """One statement at a time, and rows shown in conflict records: a cast to json is code as well."""
    prepare(pair, PLACES["check"])
    pair.source.psql(f"""SET ROLE {ROLE};
        CREATE TYPE weak.mood AS ENUM ('a', 'b');
        CREATE FUNCTION weak.mood_json(weak.mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM weak.evil(1); RETURN '1'; END $$;
        CREATE CAST (weak.mood AS json) WITH FUNCTION weak.mood_json(weak.mood);
        ALTER TABLE weak.t ADD COLUMN m weak.mood DEFAULT 'a'""")
    applier = pair.applier(exclude=EXCLUDE, ddl=NO_DDL, apply={"bulk": False}, conflict={"policy": "overwrite"})
    use(pair, applier, bulk_rows=60)
    pair.target.psql("INSERT INTO weak.t (id, v) VALUES (7000, 'in the way')")
    pair.source.psql("INSERT INTO weak.t (id, v) VALUES (7000, 'new')")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM walbridge.conflict") == 1
    pair.compare("weak.t")
    assert_nothing_gained(pair)


def test_a_truncate_that_fires_a_trigger(pair):
    prepare(pair, PLACES["trigger"])
    pair.source.psql(f"""SET ROLE {ROLE}; CREATE TABLE weak.u (id int PRIMARY KEY);
        CREATE TRIGGER b BEFORE TRUNCATE ON weak.t FOR EACH STATEMENT EXECUTE FUNCTION weak.evil_trigger();
        ALTER TABLE weak.t ENABLE ALWAYS TRIGGER b""")
    applier = pair.applier(exclude=EXCLUDE, ddl=NO_DDL)
    applier.start()
    applier.wait_caught_up()
    pair.source.psql("INSERT INTO weak.t (id) VALUES (1); INSERT INTO weak.u VALUES (1); TRUNCATE weak.t, weak.u, public.kept")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM weak.t") == 0
    assert_nothing_gained(pair)


def test_a_role_of_ours_that_is_no_superuser(pair):
    """It acts as the owner by being a member, and nothing that runs meanwhile gets at its other rights."""
    prepare(pair, PLACES["check"])
    pair.target.psql(f"""DO $$ BEGIN IF to_regrole('security_applier') IS NULL THEN CREATE ROLE security_applier LOGIN; END IF; END $$;
        GRANT {ROLE} TO security_applier; GRANT CREATE ON DATABASE {pair.name} TO security_applier; GRANT CREATE ON SCHEMA public TO security_applier;
        GRANT SET ON PARAMETER session_replication_role TO security_applier; GRANT USAGE, CREATE ON SCHEMA walbridge TO security_applier""")
    pair.source.psql("DROP TABLE public.kept")
    applier = pair.applier(target_url=pair.target.url(user="security_applier"), exclude=["loot.*"], ddl=NO_DDL)
    use(pair, applier)
    pair.compare("weak.t")
    assert_nothing_gained(pair)


def test_without_the_extension_it_is_reported(pair):
    prepare(pair, PLACES["check"], extension=False)
    (item,) = pair.applier(exclude=EXCLUDE, ddl=NO_DDL).cli("precheck", "--json", "--only", "target.user_code").json()["findings"]
    assert item["result"] == "warning" and "weak.t" in item["reason"] and "CREATE EXTENSION walbridge" in item["fix"], item
    pair.target.psql("CREATE EXTENSION walbridge")
    (item,) = pair.appliers[0].cli("precheck", "--json", "--only", "target.user_code").json()["findings"]
    assert item["result"] == "ok", item


def test_ordinary_tables_are_written_as_ever(pair):
    """No role is entered where nobody's code runs, whoever owns the table."""
    prepare(pair, PLACES["check"])
    pair.source.psql(f"""SET ROLE {ROLE}; DROP TABLE weak.t; CREATE TYPE weak.mood AS ENUM ('a'); CREATE DOMAIN weak.positive AS int CHECK (VALUE > 0);
        CREATE TABLE weak.t (id weak.positive PRIMARY KEY, v text CHECK (v <> 'y' AND length(v) < 100), m weak.mood DEFAULT 'a',
                             at timestamptz DEFAULT now() CHECK (at < now() + '1 day'), g int GENERATED ALWAYS AS (length(v)) STORED);
        CREATE INDEX ON weak.t (lower(v)) WHERE id > 3""")
    applier = pair.applier(exclude=EXCLUDE, ddl=NO_DDL, log={"level": "debug"})
    use(pair, applier)
    pair.compare("weak.t")
    assert "written as role" not in applier.log_text()
