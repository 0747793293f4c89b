# A request that cannot be carried out has to be refused before anything is touched, with the reason and the way out; what a command left
# behind must not outlive its task.
import json

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until
from walbridge_testing.objects import objects, settled

TABLES = """CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text); CREATE TABLE skipped_1 (id int PRIMARY KEY);
CREATE SCHEMA other; CREATE TABLE other.x (id int PRIMARY KEY); INSERT INTO b SELECT i, 'b' FROM generate_series(1, 20000) i; ANALYZE"""


def refused(result, code, *words):
    assert result.code == code, result
    for word in ("error: ", "reason: ", "remedy: ", *words):
        assert word in result.text, (word, result)


def slots(pair):
    return sorted(s for (s,) in pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,)))


def test_requests_that_cannot_be_carried_out(pair):
    pair.source.psql(TABLES)
    applier = pair.applier(include=["public.*"], exclude=["public.skipped_*", "public.b"])
    refused(applier.cli("objects add", after=["public.b"]), Exit.task_state, "not started yet")
    applier.start()
    applier.wait_caught_up()
    refused(applier.cli("objects add", after=["public.no_such"]), Exit.usage, "public.no_such", "no table of the source")
    refused(applier.cli("objects add", after=["nonsense"]), Exit.usage, "schema.table")
    refused(applier.cli("objects add", after=["public.a"]), Exit.task_state, "has it already")
    refused(applier.cli("objects add", after=["public.skipped_1"]), Exit.configuration, "objects.exclude", "public.skipped_*")
    refused(applier.cli("objects add"), Exit.usage, "no table is given")
    refused(applier.cli("objects remove", after=["public.b"]), Exit.task_state, "no table of this name")
    refused(applier.cli("objects remove", after=["public.a"]), Exit.task_state, "no table would be left")
    refused(applier.cli("objects remove", "--truncate", after=["public.a"]), Exit.usage, "--truncate")
    refused(applier.cli("resync", after=["public.*"]), Exit.usage, "not a pattern")
    refused(applier.cli("resync", after=["other.x"]), Exit.task_state, "not one of the task's tables")
    refused(applier.cli("objects cancel"), Exit.task_state, "nothing is under way")
    refused(applier.cli("objects frobnicate"), Exit.usage)
    pair.target.psql("CREATE SCHEMA other; CREATE TABLE other.x (id int PRIMARY KEY); INSERT INTO other.x VALUES (7)")
    refused(applier.cli("objects add", after=["other.x"]), Exit.target_shape, "hold rows", "--truncate")
    applier.cli("pause", check=True)
    refused(applier.cli("objects add", after=["other.x"]), Exit.task_state, "paused", "resume")
    applier.cli("resume", check=True)
    applier.stop()
    refused(applier.cli("objects add", after=["other.x"]), Exit.task_state, "no process runs it", "walbridge run")
    assert pair.target.scalar("SELECT count(*) FROM walbridge.object_change") == 0
    assert slots(pair) == [f"walbridge_{pair.name}"]
    assert pair.target.scalar("SELECT count(*) FROM other.x") == 1


def test_what_is_shown(pair):
    pair.source.psql(TABLES)
    applier = pair.run(include=["public.*", "other.x"], exclude=["public.skipped_*"], tables=[{"name": "other.x", "rename": "public.renamed"}])
    applier.cli("objects remove", after=["other.x"], check=True)
    pair.target.psql("DROP TABLE renamed")
    applier.cli("objects add", "--wait", after=["other.x"], check=True)
    applier.cli("objects remove", after=["public.b"], check=True)
    everything = objects(applier, "--all")
    assert everything["public.a"]["why"] == "objects.include public.* of the task file" and everything["public.a"]["state"] == "streaming"
    assert everything["public.skipped_1"]["why"] == "objects.exclude public.skipped_* of the task file" and not everything["public.skipped_1"]["selected"]
    assert everything["other.x"]["target"] == {"schema": "public", "table": "renamed"} and "command 2 (add other.x" in everything["other.x"]["why"]
    assert everything["public.b"]["state"] == "removed" and everything["public.b"]["lsn"]
    assert set(objects(applier)) == {"public.a", "other.x"}
    text = applier.cli("objects", "--all", check=True).out
    for words in ("public.a", "streaming since ", "on the target public.renamed", "removed at ", "not selected"):
        assert words in text, text
    # The other commands go by it as well.
    pair.target.psql("UPDATE b SET v = 'nobody looks any more'; CREATE INDEX only_here ON b (v)")
    result = applier.cli("verify", "--json")
    assert result.code == Exit.ok and "public.b" not in json.dumps(result.json()["tables"]) if "tables" in result.json() else result.code == Exit.ok, result
    assert applier.cli("schema diff").code == Exit.ok
    # A restart as well.
    applier.stop()
    applier.start()
    pair.source.psql("INSERT INTO other.x VALUES (1); INSERT INTO a VALUES (1, 'x'); DELETE FROM b")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM renamed") == 1 and pair.target.scalar("SELECT count(*) FROM b") == 20000


def test_a_failed_addition_leaves_the_task_alone(pair):
    pair.source.psql(TABLES + "; CREATE ROLE nobody_there; ALTER TABLE other.x OWNER TO nobody_there; CREATE TABLE late (id int PRIMARY KEY)")
    applier = pair.run(include=["public.a"])
    pair.target.psql("CREATE TABLE b (id int PRIMARY KEY)")        # lacks a column
    result = applier.cli("objects add", "--wait", after=["public.b"])
    refused(result, Exit.precheck, "columns are missing", "walbridge resume", "walbridge objects cancel")
    pair.source.psql("INSERT INTO a VALUES (5, 'goes on')")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM a") == 1
    status = applier.status()
    assert status["sync_tasks"][0]["state"] == "failed" and "columns are missing" in json.dumps(status["sync_tasks"][0]["error"]), status["sync_tasks"]
    assert "bringing:   public.b by " in applier.cli("status").text
    assert objects(applier)["public.b"]["state"] == "failed"
    applier.wait_until(lambda: any(f["event"] == "objects_failed" for f in (applier.status()["alerts"] or {}).get("firing", [])), 30, "an alert")
    refused(applier.cli("objects add", after=["public.b"]), Exit.task_state, "has it", "objects cancel")
    # Another one does not wait for it.
    applier.cli("objects add", "--wait", after=["public.late"], check=True)
    # Mended, it goes on.
    pair.target.psql("ALTER TABLE b ADD COLUMN v text")
    applier.cli("resume", check=True)
    applier.wait_until(lambda: objects(applier)["public.b"]["state"] == "streaming", 60, "it is tried again")
    settled(applier)
    applier.wait_caught_up()
    pair.compare("public.a", "public.b", "public.late")


def test_an_addition_is_given_up(pair):
    pair.source.psql(TABLES)
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 500}, copy={"chunk_bytes": "64kB"})
    applier.cli("objects add", after=["public.b"], check=True)
    applier.wait_until(lambda: pair.target.exists("public.b"), 30, "the copy begins")
    refused(applier.cli("resync", after=["public.b"]), Exit.task_state, "has it")
    waiting = applier.cli("objects add", after=["other.x"], check=True)
    assert "waits for an earlier command" in waiting.out, waiting
    assert len(slots(pair)) == 2
    given_up = applier.cli("objects cancel", check=True)
    assert given_up.out.count("is given up") == 2, given_up
    assert slots(pair) == [f"walbridge_{pair.name}"]
    assert set(objects(applier)) == {"public.a"}
    assert pair.target.scalar("SELECT count(*) FROM walbridge.task") == 1
    # And once more, with what is there.
    applier.cli("throttle set", after=["copy_rows=0"], check=True)
    applier.cli("objects add", "--truncate", "--wait", after=["public.b"], check=True)
    applier.wait_caught_up()
    pair.compare("public.a", "public.b")


@pytest.mark.parametrize("command", ["reset", "release"])
def test_the_end_of_a_task_takes_its_sync_tasks_along(pair, command):
    pair.source.psql(TABLES)
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 500}, copy={"chunk_bytes": "64kB"})
    applier.cli("objects add", after=["public.b"], check=True)
    applier.wait_until(lambda: pair.target.exists("public.b"), 30, "the copy begins")
    applier.kill()
    assert len(slots(pair)) == 2
    result = applier.cli(command, *(["--truncate"] if command == "reset" else []), "--yes", check=True)
    assert f"dropped slot walbridge_{pair.name}_sync_1" in result.out, result
    assert slots(pair) == []
    for table in ("task", "table_sync", "schema_item", "progress", "object_change"):
        assert pair.target.scalar(f"SELECT count(*) FROM walbridge.{table}") == 0, table
    assert pair.target.scalar("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge\\_{pair.name}%",)) == 0
    if command == "release":
        return
    assert "are forgotten" in result.out, result
    applier.start()
    applier.wait_caught_up()
    assert set(objects(applier)) == {"public.a"}
    pair.compare("public.a")


def test_tasks_of_two_ways_keep_their_tables(pair):
    pair.source.psql(TABLES)
    applier = pair.run(include=["public.a"])
    pair.target.psql(f"UPDATE walbridge.task SET reverse_task = 'the_way_back' WHERE task = '{pair.name}'")
    for command in ("objects add", "resync"):
        refused(applier.cli(command, after=["public.b" if "add" in command else "public.a"]), Exit.task_state, "opposite directions", "reverse --remove")
