# A difference that a verification does not find, or one that it invents: either way nobody can trust the cut-over.
import json

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing import workload

SCHEMA = """CREATE TABLE person (id int PRIMARY KEY, name text, score numeric, at timestamptz DEFAULT now(), raw bytea, ratio float8);
    CREATE TABLE event (person_id int, what text);
    ALTER TABLE event REPLICA IDENTITY FULL;
    CREATE TABLE pair (a int, b text COLLATE "C", v jsonb, PRIMARY KEY (a, b));
    CREATE INDEX person_name ON person (name);
    CREATE SEQUENCE ticket;"""
ROWS = """INSERT INTO person SELECT i, 'name ' || i, i / 7.0, now(), decode(md5(i::text), 'hex'), i / 3.0 FROM generate_series(1, 3000) i;
    INSERT INTO event SELECT i % 50, 'what ' || i % 7 FROM generate_series(1, 2000) i;
    INSERT INTO pair SELECT i % 100, 'b' || i, jsonb_build_object('i', i) FROM generate_series(1, 1000) i;
    SELECT setval('ticket', 42);"""


def verify(applier, *arguments, code=0):
    result = applier.cli("verify", "--json", *arguments)
    assert result.code == code, repr(result)
    return result.json()


def table(report, name):
    return next(t for t in report["tables"] if t["table"] == name)


@pytest.fixture
def running(pair):
    pair.source.psql(SCHEMA + ROWS)
    return pair, pair.run(sequences={"interval": "1s"})


def test_equal_sides_are_found_equal(running):
    pair, applier = running
    report = verify(applier)
    assert report["equal"] and {t["table"] for t in report["tables"]} == {"person", "event", "pair"}
    assert table(report, "person")["source_rows"] == table(report, "person")["target_rows"] == 3000
    assert table(report, "event")["how"] == "as a multiset"
    assert report["aligned_by"] == "process" and report["sequences_compared"] == 1
    for mode in ("count", "schema"):
        assert verify(applier, f"--mode={mode}")["equal"], mode
    sampled = verify(applier, "--sample=20")
    assert sampled["equal"] and 300 < table(sampled, "person")["source_rows"] < 900
    text = applier.cli("verify")
    assert text.code == 0 and "3 tables and 1 sequences compared: 0 differences" in text.out


def test_every_injected_difference_is_named(running):
    pair, applier = running
    pair.target.psql("""SET session_replication_role = replica;
        UPDATE person SET name = overlay(name placing 'N' from 1) WHERE id = 17;
        UPDATE person SET score = 3.000 WHERE id = 21; UPDATE person SET ratio = '-0' WHERE id = 22;
        DELETE FROM person WHERE id = 1234; INSERT INTO person VALUES (9999, 'extra');
        UPDATE pair SET v = '{"i": 5.0}' WHERE b = 'b5';
        DELETE FROM event WHERE ctid IN (SELECT ctid FROM event WHERE what = 'what 3' AND person_id = 3 LIMIT 2);
        INSERT INTO event VALUES (NULL, 'never');
        SELECT setval('ticket', 7); DROP INDEX person_name; ALTER TABLE person ALTER at SET DEFAULT '2000-01-01';""")
    pair.source.psql("UPDATE person SET score = 3.00 WHERE id = 21; UPDATE person SET ratio = 0 WHERE id = 22")
    applier.wait_caught_up()
    pair.target.psql("""SET session_replication_role = replica; UPDATE person SET score = 3.000 WHERE id = 21;
        UPDATE person SET ratio = '-0' WHERE id = 22""")
    report = verify(applier, code=Exit.data_differs)
    person = table(report, "person")
    assert (person["missing"], person["extra"], person["differing"]) == (1, 1, 3), json.dumps(person, indent=1)
    found = {row["key"][0]["value"]: row for row in person["rows"]}
    assert found["1234"]["kind"] == "missing" and found["9999"]["kind"] == "extra"
    assert found["17"]["columns"] == [{"column": "name", "source": "name 17", "target": "Name 17"}]
    assert found["21"]["columns"] == [{"column": "score", "source": "3.00", "target": "3.000"}]
    assert found["22"]["columns"] == [{"column": "ratio", "source": "0", "target": "-0"}]
    row, = table(report, "pair")["rows"]
    assert [k["value"] for k in row["key"]] == ["5", "b5"] and row["columns"][0]["column"] == "v"
    event = table(report, "event")
    assert (event["missing"], event["extra"]) == (2, 1)
    assert {row["kind"] for row in event["rows"]} == {"missing", "extra"}
    assert [s["sequence"] for s in report["sequences"]] == [] or report["sequences"][0]["on_target"].startswith("7")
    objects = json.dumps(report["definitions"])
    assert "person_name" in objects and "DEFAULT" in objects
    text = applier.cli("verify").out
    for part in ("missing  id='1234'", "extra    id='9999'", "name: source 'name 17', target 'Name 17'", "person_name"):
        assert part in text, text
    assert verify(applier, "--mode=count", code=Exit.data_differs)["differences"] > 0


def test_swapped_values_do_not_cancel_out(running):
    pair, applier = running
    pair.target.psql("""SET session_replication_role = replica;
        UPDATE person SET name = CASE id WHEN 5 THEN 'name 6' ELSE 'name 5' END WHERE id IN (5, 6);""")
    person = table(verify(applier, "--table=public.person", code=Exit.data_differs), "person")
    assert person["differing"] == 2 and person["missing"] == person["extra"] == 0


def test_a_changed_sequence_is_named(pair):
    pair.source.psql(SCHEMA + ROWS)
    applier = pair.run(sequences={"interval": "0s"})
    pair.target.psql("SELECT setval('ticket', 7)")
    report = verify(applier, code=Exit.data_differs)
    assert [(s["sequence"], s["on_source"], s["on_target"]) for s in report["sequences"]] == [("ticket", "42", "7")]


def test_no_false_differences_under_load(pair):
    pair.source.psql(workload.SCHEMA + workload.fill(4000))
    applier = pair.run(apply={"workers": 2})
    with workload.Writers(pair.source, key_space=4000) as writers:
        for run in range(10):
            before = writers.transactions
            report = verify(applier)
            assert report["equal"] and report["differences"] == 0, json.dumps(report, indent=1)
            assert report["held_seconds"] < 5
            applier.wait_until(lambda: writers.transactions > before, 30, "the load goes on")
    applier.wait_caught_up()
    pair.compare()


def test_renamed_tables(pair):
    pair.source.psql(SCHEMA + ROWS)
    applier = pair.run(schemas=[{"name": "public", "rename": "crm"}], tables=[{"name": "public.person", "rename": "client"}])
    report = verify(applier)
    assert table(report, "person")["target"] == {"schema": "crm", "table": "client"}
    pair.target.psql("SET session_replication_role = replica; DELETE FROM crm.client WHERE id = 3")
    assert table(verify(applier, "--table=public.person", code=Exit.data_differs), "person")["missing"] == 1


def test_a_table_is_cut_into_ranges(running):
    pair, applier = running
    pair.both("ANALYZE person")
    report = verify(applier, "--range-size=64kB", "--table=public.person")
    assert table(report, "person")["how"] == "key ranges" and table(report, "person")["source_rows"] == 3000
    pair.target.psql("""SET session_replication_role = replica; UPDATE person SET name = NULL WHERE id = 1500;
        INSERT INTO person VALUES (-5, 'below'), (100000, 'above')""")
    person = table(verify(applier, "--range-size=64kB", "--table=public.person", code=Exit.data_differs), "person")
    assert (person["extra"], person["differing"]) == (2, 1)
    assert {row["key"][0]["value"] for row in person["rows"]} == {"-5", "1500", "100000"}


def test_partitions_that_differ_are_compared_as_a_whole(pair):
    pair.source.psql("""CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100); CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200);
        INSERT INTO part SELECT i, 'v' || i FROM generate_series(0, 199) i""")
    applier = pair.run()
    assert {t["table"] for t in verify(applier)["tables"]} == {"part_1", "part_2"}
    pair.target.psql("CREATE TABLE part_3 PARTITION OF part FOR VALUES FROM (200) TO (300); INSERT INTO part VALUES (250, 'extra')")
    report = verify(applier, code=Exit.data_differs)
    assert [(t["table"], t["source_rows"], t["extra"]) for t in report["tables"]] == [("part", 200, 1)]


def test_stopped_tasks_are_verified_where_they_stand(running):
    pair, applier = running
    applier.stop()
    assert verify(applier)["aligned_by"] == "stopped"
    pair.source.psql("DELETE FROM person WHERE id = 1")
    refused = applier.cli("verify")
    assert refused.code == Exit.task_state and "moved on" in refused.text
    report = verify(applier, "--still", code=Exit.data_differs)
    assert table(report, "person")["extra"] == 1


def test_a_paused_task_is_refused(running):
    pair, applier = running
    applier.cli("pause", check=True)
    refused = applier.cli("verify")
    assert refused.code == Exit.task_state and "resume" in refused.text
