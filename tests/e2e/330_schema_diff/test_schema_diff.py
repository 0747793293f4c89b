# A target whose definitions drifted away unnoticed, and a repair that does not repair.
import difflib
import re
import subprocess

import pytest
from drifts import BASE, DRIFTS, ROLES, SHOWN_BY_PG_DUMP_ONLY
from walbridge_testing.applier import Exit
from walbridge_testing.cluster import quote
from walbridge_testing.schema_dump import schema_dump
from walbridge_testing.waiting import wait_until

KEEP = {"owner": "keep", "grants": "keep"}


class Databases:
    """Copies of a database with the schema of drifts.py, made from a template."""

    def __init__(self, pair):
        self.cluster = pair.source.cluster
        self.template = pair.source
        self.cluster.psql(ROLES)
        self.template.psql(BASE)
        self.made = []

    def copy(self, name):
        name = f"{self.template.name[:20]}_{name}"
        if name in self.made:
            self.cluster.drop_database(name)
        else:
            self.made.append(name)
        return self.cluster.create_database(name, f"TEMPLATE {quote(self.template.name)}")

    def drop(self):
        for name in self.made:
            self.cluster.drop_database(name)


@pytest.fixture
def databases(pair):
    made = Databases(pair)
    yield made
    made.drop()


def difference(pair, source, target, **options):
    applier = pair.applier(source_url=source.url(), target_url=target.url(), schema=KEEP, **options)
    return applier.cli("schema diff")


def full_dump(database):
    """The definition with owners and grants. The order of columns has no meaning, and of what is generated for partitions only
    that it is there: their lines are compared sorted."""
    cluster = database.cluster
    text = subprocess.run([str(cluster.bin / "pg_dump"), "-s", "-N", "walbridge", "-h", "127.0.0.1", "-p", str(cluster.port), "-U",
                           "postgres", database.name], capture_output=True, text=True, check=True).stdout
    lines = [line.strip().rstrip(",") for line in text.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))]
    return sorted(lines)


def repair(pair, source, target, what, **options):
    """The statements of a diff make the sides equal; a second diff finds nothing, and pg_dump agrees."""
    found = difference(pair, source, target, **options)
    assert found.code == Exit.schema_differs, (what, found)
    try:
        target.psql(found.out)
    except RuntimeError as error:
        raise AssertionError(f"{what}: {error}\n{found.out}") from None
    again = difference(pair, source, target, **options)
    assert again.code == Exit.ok, f"{what}: after\n{found.out}\nthere is still\n{again.text}"
    return found


def drift(database, names):
    """Applies what can be applied together; returns what was and what is left for another round."""
    done, left = [], []
    for name in names:
        try:
            with_new_labels = "ADD VALUE" in DRIFTS[name]
            database.psql(DRIFTS[name] if with_new_labels else f"BEGIN; {DRIFTS[name]}; COMMIT")
            done.append(name)
        except RuntimeError:
            left.append(name)
    return done, left


@pytest.mark.parametrize("where", ["target", "source"])
@pytest.mark.parametrize("part", range(4))
def test_what_a_diff_shows_removes_the_difference(pair, databases, where, part, seeded):
    """Every kind of drift, some at a time in an order of chance."""
    assert difference(pair, databases.copy("a"), databases.copy("b")).code == Exit.ok
    open_ = sorted(DRIFTS)[part::4]
    seeded.shuffle(open_)
    while open_:
        source, target = databases.copy("a"), databases.copy("b")
        done, left = drift(source if where == "source" else target, open_[:8])
        assert done, f"{left} cannot be applied to the schema it was made for"
        open_ = open_[8:] + left
        repair(pair, source, target, f"{done} on the {where}")
        if SHOWN_BY_PG_DUMP_ONLY.isdisjoint(done):
            one, other = full_dump(source), full_dump(target)
            assert one == other, f"{done}\n" + "\n".join(difflib.unified_diff(one, other, "source", "target", lineterm="", n=0))


def test_equal_sides_after_the_schema_stage(pair):
    pair.source.psql("CREATE TABLE t (id serial PRIMARY KEY, v text); CREATE VIEW w AS SELECT v FROM t")
    applier = pair.run()
    found = applier.cli("schema diff")
    assert found.code == Exit.ok and "same definitions" in found.out, found
    as_json = applier.cli("schema diff", "--json").json()
    assert as_json == {"task": applier.name, "equal": True, "objects": 0, "differences": []}


def test_json_names_kind_object_reason_and_statements(pair):
    pair.both("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TYPE e AS ENUM ('a', 'b')")
    pair.target.psql("ALTER TABLE t DROP COLUMN v; CREATE TABLE only_here (a int); ALTER TYPE e RENAME VALUE 'a' TO 'z'")
    result = pair.applier().cli("schema diff", "--json")
    assert result.code == Exit.schema_differs, result
    found = {}
    for d in result.json()["differences"]:
        found.setdefault((d["difference"], d["kind"], d["object"]), d)
    assert found[("different", "table", "public.t")]["statements"] == ["ALTER TABLE public.t ADD COLUMN v text"]
    assert found[("extra", "table", "public.only_here")]["statements"] == ["DROP TABLE public.only_here"]
    assert "needs a decision" in found[("different", "type", "public.e")]["note"]
    assert result.json()["objects"] == 3


def test_only_selected_objects_count(pair):
    pair.both("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int PRIMARY KEY); CREATE TABLE a.other (id int PRIMARY KEY); CREATE TABLE b.t (id int PRIMARY KEY)")
    pair.target.psql("DROP TABLE b.t; CREATE TABLE b.u (a int); CREATE VIEW a.v AS SELECT 1 AS one; DROP TABLE a.other")
    assert pair.applier(include=["a.t"]).cli("schema diff").code == Exit.ok
    found = pair.applier(name="two", include=["a.*"], exclude=["a.other"]).cli("schema diff")
    assert found.code == Exit.schema_differs and "a.v" in found.out and "a.other" not in found.out and "b." not in found.out, found


def test_a_schema_diff_changes_nothing_and_needs_no_task(pair):
    pair.both("CREATE TABLE t (id int PRIMARY KEY)")
    assert pair.applier().cli("schema diff").code == Exit.ok
    assert not pair.target.scalar("SELECT to_regnamespace('walbridge') IS NOT NULL")
    assert pair.source.sql("SELECT 1 FROM pg_replication_slots WHERE database = %s", (pair.name,)) == []


def test_command_words(pair):
    applier = pair.applier()
    assert applier.cli("schema diff", "--truncate").code == Exit.usage
    lonely = applier.cli("schema")
    assert lonely.code == Exit.usage and "diff" in lonely.err, lonely
    assert "exit code 48" in applier.cli("schema", "--help", file=False).out.lower()


# -- drift at the start of the incremental stage

def drift_of(applier):
    applier.wait_until(lambda: applier.status().get("schema_drift"), 60, "the definitions were compared")
    return applier.status()["schema_drift"]


def test_drift_is_reported_at_a_start_and_stops_nothing(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)")
    applier = pair.run(source={"heartbeat": "1s"})
    drift = drift_of(applier)
    assert drift["count"] == 0 and drift["checked_at"] > 0
    applier.wait_log("definitions of source and target are equal")
    applier.stop()
    pair.target.psql("CREATE INDEX by_hand ON t (v); DROP TABLE u; CREATE TABLE u (id int PRIMARY KEY, w int DEFAULT 1)")
    applier.start()
    applier.wait_until(lambda: applier.status().get("schema_drift", {}).get("count"), 60, "drift is counted")
    assert applier.status()["schema_drift"]["count"] == 2
    applier.wait_log(r"schema drift.*by_hand")
    applier.wait_log(r"schema drift.*public\.u")
    assert "2 objects differ" in applier.cli("status").out
    pair.source.psql("INSERT INTO t VALUES (1, 'x'); INSERT INTO u VALUES (1)")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM u") == 1


def test_many_drifted_objects_are_counted_and_some_named(pair):
    pair.source.psql("DO $$ BEGIN FOR i IN 1..30 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i); END LOOP; END $$")
    applier = pair.run(source={"heartbeat": "1s"})
    applier.stop()
    pair.target.psql("DO $$ BEGIN FOR i IN 1..30 LOOP EXECUTE format('CREATE INDEX i%s ON t%s (id)', i, i); END LOOP; END $$")
    applier.start()
    applier.wait_until(lambda: applier.status().get("schema_drift", {}).get("count") == 30, 60, "drift is counted")
    applier.wait_log("further objects differ")
    assert len(re.findall(r"schema drift.*\bi\d+\b", applier.log_text())) == 20


def test_the_check_can_be_switched_off(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    applier = pair.run(schema={"check": "off"})
    applier.wait_state("running")
    assert applier.status().get("schema_drift") is None
    assert "compare" not in " ".join(row[0] for row in pair.source.sql("SELECT application_name FROM pg_stat_activity"))


def test_a_migration_does_not_die_of_the_comparison(pair):
    """pg_dump holds a lock on every table and waits for one that the migration has, which then waits for pg_dump's."""
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE VIEW w AS SELECT v FROM t")
    applier = pair.run(schema={"check": "off"}, ddl={"trust": "source"})
    with pair.source.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP VIEW w")
        comparison = applier.spawn("schema diff")
        wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%:pg_dump' AND wait_event_type = 'Lock' AND datname = current_database()") == 1, 30, "pg_dump waits")
        cursor.execute("ALTER TABLE t ALTER COLUMN v TYPE varchar(30)")         # "deadlock detected" before
        cursor.execute("CREATE VIEW w AS SELECT v FROM t")
        connection.commit()
    assert comparison.wait(60) in (Exit.ok, Exit.schema_differs)
    applier.wait_caught_up()
    assert applier.cli("schema diff").code == Exit.ok


# -- under other names

RENAMES = {"objects": {"schema": [{"name": "app", "rename": '"new app"'}]},
           "tables": [{"name": "app.customer", "rename": "crm.client"}, {"name": '"Odd Names"."Table; x"', "rename": '"Odd Names".plain'}]}


def test_renamed_objects_are_compared_under_the_targets_names(pair, databases):
    source = databases.copy("a")
    pair.target.cluster.psql(ROLES)
    pair.target.psql("CREATE SCHEMA \"new app\"; CREATE TABLE \"new app\".ours (a int)")
    repair(pair, source, pair.target, "everything", **RENAMES)
    assert pair.target.scalar("SELECT count(*) FROM crm.client") == 0
    assert not pair.target.exists('"new app".ours')
    pair.target.psql("ALTER TABLE crm.client DROP COLUMN feelings, ALTER balance SET DEFAULT 7; DROP VIEW \"new app\".moods; ALTER TYPE \"new app\".mood ADD VALUE 'x'; "
                     "CREATE TABLE crm.theirs (a int); CREATE SCHEMA app; CREATE TABLE app.theirs (a int)")
    found = repair(pair, source, pair.target, "drift", **RENAMES)
    assert pair.target.exists("app.theirs"), "nobody's copy lives under the old name"
    assert "crm.client" in found.out


def test_mapped_roles_are_compared_under_the_targets_names(pair):
    pair.source.cluster.psql(ROLES)
    pair.target.cluster.psql(ROLES)
    schema = {"owner": "map", "grants": "map"}
    roles = {"diff_reader": "diff_writer", "postgres": "diff_owner"}
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO diff_reader; CREATE POLICY p ON t TO diff_reader USING (true)")
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY); CREATE POLICY p ON t TO diff_reader USING (true)")
    applier = pair.applier(schema=schema, roles=roles)
    found = applier.cli("schema diff")
    assert found.code == Exit.schema_differs, found
    for statement in ("OWNER TO diff_owner", "GRANT SELECT ON TABLE public.t TO diff_writer", "TO diff_writer USING (true)"):
        assert statement in found.out, found
    pair.target.psql(found.out)
    assert applier.cli("schema diff").code == Exit.ok
