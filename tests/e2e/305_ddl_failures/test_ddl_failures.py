# A statement that the target refuses is lost, half applied, or executed although nobody who may run DDL wrote it.
import pytest

from walbridge_testing.applier import Exit
from walbridge_testing.ddl import follow, same_schema

ITEMS = "CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL); INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 50) g;"
BLOCKED = "BEGIN; INSERT INTO item VALUES (100, 'with'); CREATE TABLE taken (id int PRIMARY KEY, v text); INSERT INTO taken VALUES (1, 'x'); COMMIT"


def listed(applier, state=None):
    rows = applier.cli("ddl", "list", "--json", check=True).json()
    return [row for row in rows if state in (None, row["state"])]


def decide(applier, what, id):
    return applier.cli("ddl", what, after=[id])


@pytest.fixture
def stopped(pair):
    """A task that has stopped at a table whose name is taken."""
    applier = follow(pair, ITEMS)
    pair.target.psql("CREATE TABLE taken (other int)")
    pair.source.psql(BLOCKED)
    assert applier.wait_exit(60) == Exit.ddl, applier.log_tail()
    return applier


def test_a_taken_name_stops_before_anything_is_visible_and_the_task_goes_on_when_it_is_free(pair, stopped):
    assert pair.target.scalar("SELECT count(*) FROM item WHERE id = 100") == 0
    text = stopped.log_text()
    assert "already exists" in text and "CREATE TABLE taken" in text and "role: postgres" in text and "walbridge ddl dismiss" in text
    (row,) = listed(stopped)
    assert row["state"] == "failed" and row["commands"] and "already exists" in row["error"]
    assert "CREATE TABLE taken" in stopped.cli("ddl", "list", check=True).out
    assert "for the target" in decide(stopped, "show", row["id"]).out
    assert decide(stopped, "retry", row["id"]).code == Exit.task_state
    pair.target.psql("DROP TABLE taken")
    stopped.start()
    stopped.wait_caught_up()
    pair.compare()
    same_schema(pair)
    assert [r["state"] for r in listed(stopped)] == ["retried"]


def test_a_dismissed_statement_is_passed_over(pair, stopped):
    pair.target.psql("DROP TABLE taken; CREATE TABLE taken (v varchar, id bigint PRIMARY KEY)")     # the operator's own version
    (row,) = listed(stopped)
    assert "dismissed" in decide(stopped, "dismiss", row["id"]).out
    stopped.start()
    stopped.wait_caught_up()
    pair.compare("item", "taken")
    assert listed(stopped)[0]["state"] == "dismissed"
    assert decide(stopped, "dismiss", row["id"]).code == Exit.task_state
    assert decide(stopped, "show", 999999).code == Exit.task_state


def test_skipped_statements_are_listed_and_retried(pair):
    applier = follow(pair, ITEMS, ddl={"on_error": "skip"})
    pair.target.psql("CREATE VIEW blocked AS SELECT 1 AS other")
    pair.source.psql("BEGIN; INSERT INTO item VALUES (100, 'a'); CREATE TABLE blocked (id int PRIMARY KEY); ALTER TABLE item ADD COLUMN more int; UPDATE item SET more = 5; COMMIT")
    applier.wait_caught_up()
    pair.compare("item")
    (row,) = listed(applier, "skipped")
    applier.wait_until(lambda: applier.status()["counters"]["ddl_skipped"] == 1, 10)      # it is written every second
    applier.wait_until(lambda: applier.status()["ddl_undecided"] == 1, 10)
    refused = decide(applier, "retry", row["id"])
    assert refused.code == Exit.ddl and "already exists" in refused.text
    pair.target.psql("DROP VIEW blocked")
    assert "executed" in decide(applier, "retry", row["id"]).out
    pair.source.psql("INSERT INTO blocked VALUES (1)")
    applier.wait_caught_up()
    pair.compare()
    same_schema(pair)
    assert listed(applier, "retried") and not listed(applier, "skipped")


def test_a_missing_role_is_named_with_its_remedy(pair):
    applier = follow(pair, ITEMS)
    pair.source.psql("CREATE ROLE only_here LOGIN; GRANT CREATE ON SCHEMA public TO only_here")
    try:
        pair.source.psql("CREATE TABLE owned (id int PRIMARY KEY)", user="only_here")
        assert applier.wait_exit(60) == Exit.ddl
        assert "only_here" in applier.log_text()
        pair.target.psql("CREATE ROLE only_here; GRANT CREATE ON SCHEMA public TO only_here")
        applier.start()
        applier.wait_caught_up()
        pair.compare()
        assert pair.target.scalar("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'owned'") == "only_here"
    finally:
        applier.stop()     # or it would follow what is cleaned up on the source
        for database in (pair.source, pair.target):
            database.sql("DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'only_here') THEN DROP OWNED BY only_here; DROP ROLE only_here; END IF; END $$")


def test_what_an_operator_made_beforehand_is_recognised(pair):
    applier = follow(pair, ITEMS + "CREATE TABLE old (id int PRIMARY KEY); CREATE VIEW gone AS SELECT 1 AS x;")
    pair.target.psql("""CREATE TABLE ready (id int PRIMARY KEY, v text DEFAULT 'x' NOT NULL); CREATE INDEX item_name ON item (name); ALTER TABLE item ADD COLUMN more int DEFAULT 4;
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE t AS ENUM ('a', 'b'); CREATE VIEW v AS SELECT id FROM item; CREATE SEQUENCE s; CREATE SCHEMA extra;
        DROP TABLE old; DROP VIEW gone""")
    pair.source.psql("""CREATE TABLE ready (id int PRIMARY KEY, v text DEFAULT 'x' NOT NULL); INSERT INTO ready VALUES (1); CREATE INDEX item_name ON item (name);
        ALTER TABLE item ADD COLUMN more int DEFAULT 4; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE t AS ENUM ('a', 'b');
        CREATE VIEW v AS SELECT id FROM item; CREATE SEQUENCE s; CREATE SCHEMA extra; DROP TABLE old; DROP VIEW gone; UPDATE item SET more = 7 WHERE id = 2""")
    applier.wait_caught_up()
    pair.compare()
    same_schema(pair)
    assert {row["tag"] for row in listed(applier, "recognised")} == {
        "CREATE TABLE", "CREATE INDEX", "ALTER TABLE", "CREATE FUNCTION", "CREATE TYPE", "CREATE VIEW", "CREATE SEQUENCE", "CREATE SCHEMA", "DROP TABLE", "DROP VIEW"}


@pytest.mark.parametrize("there, wanted", [
    ("CREATE TABLE ready (id int PRIMARY KEY, v varchar)", "CREATE TABLE ready (id int PRIMARY KEY, v text)"),
    ("CREATE INDEX ready ON item (id)", "CREATE INDEX ready ON item (name)"),
    ("CREATE TYPE ready AS ENUM ('a')", "CREATE TYPE ready AS ENUM ('a', 'b')"),
    ("ALTER TABLE item ADD COLUMN ready int", "ALTER TABLE item ADD COLUMN ready bigint"),
])
def test_what_only_looks_alike_is_not_recognised(pair, there, wanted):
    applier = follow(pair, ITEMS)
    pair.target.psql(there)
    pair.source.psql(wanted)
    assert applier.wait_exit(60) == Exit.ddl
    assert listed(applier)[0]["state"] == "failed"


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_ddl_that_was_not_captured(pair, policy):
    applier = follow(pair, ITEMS, ddl={"on_error": policy})
    pair.source.psql("SET walbridge.capture_ddl = off; CREATE TABLE unseen (id int PRIMARY KEY)")
    if policy == "stop":
        assert applier.wait_exit(60) == Exit.ddl
        (row,) = listed(applier, "failed")
        pair.target.psql("CREATE TABLE unseen (id int PRIMARY KEY)")
        decide(applier, "dismiss", row["id"])
        applier.start()
    else:
        applier.wait_until(lambda: listed(applier, "gap"), 30)
        pair.target.psql("CREATE TABLE unseen (id int PRIMARY KEY)")
    pair.source.psql("INSERT INTO unseen VALUES (1)")
    applier.wait_caught_up()
    pair.compare()


def emit(session, content, prefix="walbridge.ddl"):
    session.execute("SELECT pg_logical_emit_message(true, %s, %s)", (prefix, content))


def test_forged_altered_and_repeated_messages_are_refused_and_reported(pair):
    applier = follow(pair, ITEMS)
    slot = pair.name + "_peek"
    pair.source.sql("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (slot,))
    pair.source.psql("CREATE TABLE real (id int PRIMARY KEY)")
    rows = pair.source.sql("SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL)", (slot,))
    pair.source.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
    (content,) = [data.split("content:", 1)[1] for (data,) in rows if "prefix: walbridge.ddl" in data]
    with pair.source.connect() as connection:
        cursor = connection.cursor()
        emit(cursor, content)                                                   # repeated
        emit(cursor, content.replace("real", "evil"))                           # altered
        emit(cursor, '{"kind":"statement","text":"CREATE TABLE evil ()"}')      # without a signature
        emit(cursor, "1 1 " + "0" * 64 + "\n" + content.split("\n", 1)[1])      # with a made up one
        emit(cursor, "1 99 " + "0" * 64 + "\n" + content.split("\n", 1)[1])     # with a key that does not exist
        cursor.execute("INSERT INTO item VALUES (100, 'goes on')")
    pair.source.psql("INSERT INTO real VALUES (1)")
    applier.wait_caught_up()
    pair.compare()
    same_schema(pair)
    assert len(listed(applier, "refused")) == 5
    applier.wait_until(lambda: applier.status()["counters"]["ddl_refused"] == 5, 10)
    applier.wait_until(lambda: applier.log_text().count("claims to be DDL") == 5, 10)
    assert pair.target.scalar("SELECT to_regclass('evil') IS NULL")


def test_a_new_key_is_learned_while_the_task_runs(pair):
    applier = follow(pair, ITEMS)
    pair.source.psql("CREATE TABLE one (id int PRIMARY KEY); SELECT walbridge.rotate_capture_key(); CREATE TABLE two (id int PRIMARY KEY); INSERT INTO two VALUES (1)")
    applier.wait_caught_up()
    pair.compare()
    assert not listed(applier)
