# A copy into tables that hold rows loses rows without a word when it takes one for another, or the target's own when it starts again.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.existing import check_kept, check_met, check_replaced, finding, proceeding, run_proceeding, table_of


# The target's person has other columns, wider types and a key more; rows that meet the source's by either key.
SOURCE = """CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE person (id int PRIMARY KEY, email text UNIQUE, name text, mood mood, note text);
    CREATE INDEX person_name ON person (name);
    INSERT INTO person SELECT i, 'p' || i, 'source', 'good', 'note' FROM generate_series(1, 100) i;
    CREATE TABLE fresh (id int PRIMARY KEY, v text); CREATE INDEX fresh_v ON fresh (v); INSERT INTO fresh SELECT i, 'v' FROM generate_series(1, 10) i;
    CREATE TABLE idle (id int PRIMARY KEY, v text); INSERT INTO idle SELECT i, 'v' FROM generate_series(1, 10) i;
    CREATE TABLE bare (a int, b text); ALTER TABLE bare REPLICA IDENTITY FULL; INSERT INTO bare VALUES (1, 'both'), (2, 'source');"""
TARGET = """CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE person (own text DEFAULT 'default', email varchar(100) UNIQUE, id bigint PRIMARY KEY, mood mood, name text);
    INSERT INTO person (own, id, email, name) VALUES ('mine', 1, 'x1', 'target'), ('mine', 1002, 'p2', 'target'), ('mine', 3, 'p4', 'target'), ('mine', 2000, 'x2000', 'target');
    CREATE TABLE idle (id int PRIMARY KEY, v text);
    CREATE TABLE bare (a int, b text); INSERT INTO bare VALUES (1, 'both');"""


@pytest.fixture
def both_sides(pair):
    pair.source.psql(SOURCE)
    pair.target.psql(TARGET)
    return pair


def test_rows_of_the_target_are_kept_and_counted(both_sides):
    pair = both_sides
    applier = run_proceeding(pair)
    check_kept(pair, applier)
    assert "public.person held rows before: 4 kept" in applier.cli("status").out
    # Without a key nothing tells rows apart: they are added.
    assert pair.target.sql("SELECT a, b, count(*) FROM bare GROUP BY 1, 2 ORDER BY 1") == [(1, "both", 2), (2, "source", 1)]


def test_rows_of_the_target_are_replaced(both_sides):
    pair = both_sides
    applier = run_proceeding(pair, "overwrite")
    check_replaced(pair, applier)
    assert "public.person held rows before: 3 overwritten" in applier.cli("status").out


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_changes_overwrite_what_was_kept(both_sides, bulk):
    pair = both_sides
    applier = run_proceeding(pair, apply={"bulk": bulk})
    pair.source.psql("UPDATE person SET name = 'live', note = 'nobody sees it'; DELETE FROM person WHERE id = 50; INSERT INTO person VALUES (2000, 'p2000', 'live')")
    applier.wait_caught_up()
    assert pair.source.sql("SELECT id, email, name, mood FROM person ORDER BY 1") == pair.target.sql("SELECT id, email, name, mood FROM person ORDER BY 1")
    log = applier.log_text()
    assert "takes a part of the columns" in log and "left_out=note" in log, applier.log_tail()


def test_existing_tables_stay_as_they_are_and_missing_ones_are_created(both_sides):
    pair = both_sides
    applier = run_proceeding(pair)
    indexes = [name for (name,) in pair.target.sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")]
    assert "fresh_v" in indexes and "person_name" not in indexes
    assert pair.target.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'person'::regclass AND attnum > 0 ORDER BY attnum") == [(c,) for c in ("own", "email", "id", "mood", "name")]
    assert "left as they are" in applier.log_text()


def test_verification_compares_what_both_sides_have(both_sides):
    pair = both_sides
    applier = run_proceeding(pair)
    report = applier.cli("verify", "--json", "--table", "public.person")
    assert report.code == Exit.data_differs
    person = report.json()["tables"][0]
    # 1 and 3 differ, 2 and 4 are missing, 1002 and 2000 are extra.
    assert (person["missing"], person["extra"], person["differing"]) == (2, 2, 2), person
    notes = " ".join(report.json()["notes"])
    assert "public.person is compared without note (only on the source) and own (only on the target)" in notes and "rows that the target held before" in notes, notes
    assert "own" not in str(person["rows"]) and "note" not in str(person["rows"])
    pair.source.psql("UPDATE person SET name = 'live'")
    applier.wait_caught_up()
    person = applier.cli("verify", "--json", "--table", "public.person").json()["tables"][0]
    assert (person["missing"], person["extra"], person["differing"]) == (0, 1, 0), person
    for name in ("fresh", "idle"):
        assert applier.cli("verify", "--table", f"public.{name}").code == Exit.ok


def test_precheck_says_what_differs(both_sides):
    pair = both_sides
    found = finding(proceeding(pair))
    person = next(f for f in found if "public.person" in f["reason"] and f["result"] == "warning")
    for words in ("(holds rows)", "only on the source and not replicated: note", "only on the target: own", "id (integer, there bigint)"):
        assert words in person["reason"], person
    rest = next(f for f in found if f["result"] == "ok")
    assert "public.idle" in rest["reason"] and "which are kept" in rest["reason"], rest
    pair.target.psql("ALTER TABLE person DROP CONSTRAINT person_email_key; ALTER TABLE person ADD UNIQUE (own, id)")
    person = next(f for f in finding(proceeding(pair)) if "public.person" in f["reason"])
    assert "unique keys that the target lacks and does not get: (email)" in person["reason"] and "only the target has: (id, own)" in person["reason"], person


REFUSED = {
    "a required column": ("ALTER TABLE person ADD COLUMN must int; UPDATE person SET must = 1; ALTER TABLE person ALTER COLUMN must SET NOT NULL", "must", "DROP NOT NULL"),
    "no key": ("ALTER TABLE person DROP COLUMN id", "column id of the key", 'ADD COLUMN "id" integer'),
    "nothing in common": ("DROP TABLE idle; CREATE TABLE idle (x int)", "no column in common", "objects.exclude"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_precheck_refuses_what_cannot_work(both_sides, what):
    pair = both_sides
    change, reason, fix = REFUSED[what]
    pair.target.psql(change)
    errors = [f for f in finding(proceeding(pair)) if f["result"] == "error"]
    assert len(errors) == 1 and reason in errors[0]["reason"] and fix in errors[0]["fix"], errors
    assert proceeding(pair).start().wait_exit() == Exit.precheck


def test_going_on_needs_a_policy_and_is_asked_for(both_sides):
    pair = both_sides
    silent = pair.applier(objects={"existing": "proceed"})
    errors = [f for f in finding(silent) if f["result"] == "error"]
    assert len(errors) == 1 and 'conflict.policy = "overwrite"' in errors[0]["fix"], errors
    assert silent.start().wait_exit() == Exit.precheck
    assert not [f for f in finding(pair.applier(objects={"existing": "proceed"}, stages=["schema", "full"])) if f["result"] == "error"]
    for options in ({}, {"stages": ["full", "incremental"], "include": ["public.person", "public.idle", "public.bare"]}):
        refused = finding(pair.applier(**options), "tables.target")[0]
        assert refused["result"] == "error" and 'existing = "proceed"' in refused["fix"], refused


# Rows meet by keys of every kind: of the table, what the target held, and the keys of the source's rows that met one.
KEYS = {
    "expression": ("CREATE UNIQUE INDEX ON t (lower(v))", "(100, 'V1'), (101, 'V2')", {1, 2}),
    "partial": ("CREATE UNIQUE INDEX ON t (n) WHERE v <> 'v3'", "(100, 'other', 1), (103, 'other', 3), (104, 'v3', 4)", {1}),
    "several": ("ALTER TABLE t ADD UNIQUE (v), ADD UNIQUE (n)", "(1, 'v2', 3)", {1, 2, 3}),
    "deferrable": ("ALTER TABLE t ADD UNIQUE (v) DEFERRABLE INITIALLY DEFERRED", "(100, 'v1', 0), (2, 'x', 0)", {1, 2}),
    "exclusion": ("ALTER TABLE t ADD EXCLUDE USING gist (int4range(n * 10, n * 10 + 5) WITH &&) WHERE (n IS NOT NULL)", "(100, 'other', 3)", {3}),
    "deferrable exclusion": ("ALTER TABLE t ADD EXCLUDE USING gist (int4range(n * 10, n * 10 + 5) WITH &&) WHERE (n IS NOT NULL) DEFERRABLE", "(100, 'other', 3)", {3}),
    "nulls": ("ALTER TABLE t ADD UNIQUE (n)", "(100, 'other', NULL), (101, 'another', 2)", {2}),
    "identity always": ("ALTER TABLE t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY", "(4, 'kept', 40)", {4}),
    "partitioned": (None, "(1, 'kept', 1), (9, 'kept', 9)", {1, 9}),
    "covering": ("CREATE UNIQUE INDEX ON t (n) INCLUDE (v)", "(100, 'other', 5)", {5}),
}


@pytest.mark.parametrize("rows", ["keep", "overwrite"])
@pytest.mark.parametrize("kind", KEYS)
def test_rows_meet_by_every_kind_of_key(pair, kind, rows):
    definition, held, met = KEYS[kind]
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text, n int); INSERT INTO t SELECT i, 'v' || i, nullif(i, 8) FROM generate_series(1, 10) i")
    if definition is None:
        pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text, n int) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5) TO (1000)")
    else:
        pair.target.psql(f"CREATE TABLE t (id int PRIMARY KEY, v text, n int); {definition}")
    pair.target.psql(f"INSERT INTO t OVERRIDING SYSTEM VALUE VALUES {held}")
    before = pair.target.sql("SELECT * FROM t ORDER BY id")
    applier = run_proceeding(pair, rows)
    now = pair.target.sql("SELECT * FROM t ORDER BY id")
    left = check_met(pair, rows, table_of(applier, "t"), before, now, met)
    if rows == "overwrite":
        # Those that nothing met are still there.
        assert len(left) == {"partial": 2, "nulls": 1}.get(kind, 0), left


@pytest.mark.parametrize("rows", ["keep", "overwrite"])
@pytest.mark.parametrize("deferrable", ["", "DEFERRABLE"])
def test_a_key_over_a_column_of_the_target_alone(pair, deferrable, rows):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 4)")
    pair.target.psql(f"CREATE TABLE t (id int PRIMARY KEY, own int UNIQUE {deferrable}); INSERT INTO t VALUES (1, 5), (9, 6)")
    applier = run_proceeding(pair, rows)
    assert pair.target.sql("SELECT id, own FROM t ORDER BY 1") == [(1, 5 if rows == "keep" else None), (2, None), (3, None), (4, None), (9, 6)]
    assert (table_of(applier, "t")["kept"], table_of(applier, "t")["overwritten"]) == ((1, 0) if rows == "keep" else (0, 1))


def test_what_the_server_refuses_is_told(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 4)")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, own int DEFAULT 7 UNIQUE); INSERT INTO t VALUES (9, 6)")
    applier = proceeding(pair, "overwrite")
    assert applier.start().wait_exit() == Exit.copy_stage, applier.log_tail()
    assert "t_own_key" in applier.status()["error"]["reason"] and pair.target.sql("SELECT * FROM t") == [(9, 6)]


@pytest.mark.parametrize("rows", ["keep", "overwrite"])
def test_a_killed_copy_goes_on_inside_the_table(pair, rows):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('s', 100) FROM generate_series(1, 30000) i; VACUUM ANALYZE t")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'target' FROM generate_series(10, 40000, 10) i")
    applier = proceeding(pair, rows, copy={"workers": 2, "chunk_bytes": "256kB", "key_chunk_bytes": "256kB"}, throttle={"copy_rows": 8000})
    for chunks in (2, 6):
        applier.start()
        applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done") >= chunks, 60, f"{chunks} chunks are done")
        applier.kill()
        pair.source.psql(f"UPDATE t SET v = 'changed' WHERE id % 1000 = {chunks}; DELETE FROM t WHERE id % 1000 = {chunks + 1}; INSERT INTO t SELECT 50000 + {chunks}, 'new'")
    assert pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE NOT done") > 0
    applier.start()
    applier.cli("throttle set", after=["copy_rows=0"], check=True)
    applier.wait_caught_up()
    expected = dict(pair.source.sql("SELECT * FROM t")) | {i: "target" for i in range(10, 40001, 10) if rows == "keep" or i > 30000}
    assert dict(pair.target.sql("SELECT * FROM t")) == expected
    table = table_of(applier, "t")
    assert (table["kept"], table["overwritten"]) == ((3000, 0) if rows == "keep" else (0, 3000)), table
    pair.source.psql("UPDATE t SET v = 'live'")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT count(*), sum(id) FROM t WHERE v = 'live'") == pair.source.sql("SELECT count(*), sum(id) FROM t")


def test_a_table_that_holds_rows_of_both_cannot_start_again(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('s', 100) FROM generate_series(1, 20000) i; VACUUM ANALYZE t")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (7, 'target'), (70000, 'target')")
    applier = proceeding(pair, copy={"workers": 1, "chunk_bytes": "256kB", "key_chunk_bytes": "256kB"}, throttle={"copy_rows": 5000})
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done") >= 1, 60, "a chunk is done")
    applier.kill()
    pair.source.psql("ALTER TABLE t ALTER COLUMN id TYPE bigint")       # written anew
    assert applier.start().wait_exit() == Exit.copy_stage, applier.log_tail()
    error = applier.status()["error"]
    assert "nothing tells them apart any more" in error["reason"] and "walbridge reset" in error["remedy"], error
    assert pair.target.sql("SELECT id FROM t WHERE v = 'target' ORDER BY 1") == [(7,), (70000,)]


def test_a_table_that_changes_before_its_first_chunk_is_copied_as_it_is_then(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('s', 100) FROM generate_series(1, 20000) i; VACUUM ANALYZE t")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (7, 'target'), (70000, 'target')")
    applier = proceeding(pair, throttle={"copy_rows": 4000}, ddl={"classes": ["none"]})
    applier.start()
    applier.wait_until(lambda: applier.status().get("copy", {}).get("rows", 0) > 1000, 60, "the copy is under way")
    applier.kill()
    pair.source.psql("ALTER TABLE t ADD COLUMN more int DEFAULT 3; VACUUM FULL t")
    applier.start()
    applier.cli("throttle set", after=["copy_rows=0"], check=True)
    applier.wait_caught_up()
    assert pair.target.sql("SELECT count(*), count(*) FILTER (WHERE v = 'target') FROM t") == [(20001, 2)]
    assert table_of(applier, "t")["kept"] == 1


def test_many_small_tables_share_a_transaction(pair):
    for n in range(12):
        pair.source.psql(f"CREATE TABLE t{n} (id int PRIMARY KEY, v text); INSERT INTO t{n} SELECT i, 'source' FROM generate_series(1, 20) i")
        if n % 3:
            pair.target.psql(f"CREATE TABLE t{n} (id int PRIMARY KEY, v text);" + (f"INSERT INTO t{n} SELECT i, 'target' FROM generate_series(1, {n}) i" if n % 3 == 1 else ""))
    applier = run_proceeding(pair, copy={"workers": 1})
    for n in range(12):
        kept = n if n % 3 == 1 else 0
        assert pair.target.sql(f"SELECT count(*), count(*) FILTER (WHERE v = 'target') FROM t{n}") == [(20, kept)], n
        assert table_of(applier, f"t{n}").get("kept", 0) == kept
    assert "one by one" not in applier.log_text()


def test_rows_that_run_code_of_their_owner_meet_as_the_owner(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'source' FROM generate_series(1, 10) i")
    pair.target.psql("""CREATE EXTENSION walbridge; DO $$ BEGIN IF to_regrole('existing_owner') IS NULL THEN CREATE ROLE existing_owner; END IF; END $$;
        CREATE TABLE seen (who text); GRANT INSERT ON seen TO PUBLIC;
        CREATE FUNCTION watched(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN true; END $$;
        CREATE TABLE t (id int PRIMARY KEY, v text CHECK (watched(v))); INSERT INTO t VALUES (3, 'target'); ALTER TABLE t OWNER TO existing_owner; TRUNCATE seen""")
    applier = run_proceeding(pair, "overwrite")
    assert pair.target.sql("SELECT count(*), count(*) FILTER (WHERE v = 'source') FROM t") == [(10, 10)]
    assert pair.target.sql("SELECT DISTINCT who FROM seen") == [("existing_owner",)]
    assert table_of(applier, "t")["overwritten"] == 1


def test_a_new_life_of_the_task_finds_the_rows_of_the_last_one(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE own (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'source' FROM generate_series(1, 10) i; INSERT INTO own VALUES (1, 'v')")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'target')")
    applier = run_proceeding(pair)
    assert applier.stop() == Exit.ok
    applier.cli("reset", "--yes", check=True)
    applier.start()
    applier.wait_caught_up()
    assert table_of(applier, "t")["kept"] == 10 and table_of(applier, "own")["kept"] == 1
    assert pair.target.sql("SELECT count(*), count(*) FILTER (WHERE v = 'target') FROM t") == [(10, 1)]


def test_plan_and_prepare_know_existing_tables(both_sides):
    pair = both_sides
    assert proceeding(pair).cli("plan").code == Exit.ok
    assert pair.target.scalar("SELECT count(*) FROM person") == 4


def test_a_state_from_before_gets_the_new_columns(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    applier = pair.run()
    assert applier.stop() == Exit.ok
    pair.target.psql("ALTER TABLE walbridge.table_sync DROP COLUMN existing, DROP COLUMN kept, DROP COLUMN overwritten; UPDATE walbridge.state_version SET version = version - 1")
    applier.start()
    applier.wait_caught_up()
    assert table_of(applier, "t")["done"] and pair.target.sql("SELECT existing, kept, overwritten FROM walbridge.table_sync") == [("none", 0, 0)]
