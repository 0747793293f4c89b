# A difference that a verification does not find, or one that it invents: either way nobody can trust the cut-over.
import importlib.util
import json
import subprocess
from pathlib import Path

import pytest
from walbridge_testing.applier import Exit, binary
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


def test_changed_rows_only(pair):
    pair.source.psql(SCHEMA + ROWS)
    applier = pair.run(sequences={"interval": "1s"})
    report = verify(applier, "--mode=changed")
    assert report["equal"] and {t["how"] for t in report["tables"]} == {"whole table", "as a multiset"}
    report = verify(applier, "--mode=changed")
    assert report["equal"] and all(t["how"].startswith("unchanged since") for t in report["tables"]), report
    pair.source.psql("""UPDATE person SET name = 'changed' WHERE id BETWEEN 10 AND 14; DELETE FROM person WHERE id = 20;
        UPDATE person SET id = 50000 WHERE id = 30; INSERT INTO pair VALUES (-1, E'back\\\\slash\\n:', '{}')""")
    applier.wait_caught_up()
    # One of a changed row is found, one of an untouched row is not looked for: that is what the mode says it does.
    pair.target.psql("SET session_replication_role = replica; UPDATE person SET name = 'wrong' WHERE id IN (12, 1000); DELETE FROM pair WHERE a = -1")
    report = verify(applier, "--mode=changed", code=Exit.data_differs)
    person = table(report, "person")
    assert person["how"] == "changed rows" and person["source_rows"] == 6 and person["target_rows"] == 6, person
    assert [row["key"][0]["value"] for row in person["rows"]] == ["12"]
    assert table(report, "pair")["missing"] == 1 and table(report, "event")["how"].startswith("unchanged since")
    assert table(verify(applier, code=Exit.data_differs), "person")["differing"] == 2
    pair.target.psql("""SET session_replication_role = replica; UPDATE person SET name = 'changed' WHERE id = 12;
        UPDATE person SET name = 'name 1000' WHERE id = 1000; INSERT INTO pair VALUES (-1, E'back\\\\slash\\n:', '{}')""")
    assert verify(applier, "--mode=changed")["equal"]          # what was found different is compared as a whole
    pair.source.psql("TRUNCATE event; ALTER TABLE pair ADD extra int")
    applier.wait_caught_up()
    report = verify(applier, "--mode=changed")
    assert report["equal"] and table(report, "event")["how"] == "as a multiset" and report["notes"]
    applier.stop()
    applier.start()
    applier.wait_caught_up()
    assert table(verify(applier, "--mode=changed"), "person")["how"] == "whole table"   # a new process knows nothing


def test_changed_rows_under_load(pair):
    pair.source.psql(workload.SCHEMA + workload.fill(4000))
    applier = pair.run()
    verify(applier)
    with workload.Writers(pair.source, key_space=4000) as writers:
        for run in range(3):
            before = writers.transactions
            applier.wait_until(lambda: writers.transactions > before + 20, 30, "the load goes on")
            report = verify(applier, "--mode=changed")
            assert report["equal"], json.dumps(report, indent=1)
            assert table(report, "w_pairs")["how"] == "changed rows", json.dumps(report, indent=1)


def test_a_killed_run_is_resumed(running):
    pair, applier = running
    pair.both("ANALYZE person")
    pair.target.psql("SET session_replication_role = replica; DELETE FROM person WHERE id = 3")
    throttled = pair.applier(verify={"bytes_per_second": "64kB", "workers": 1})
    throttled.write_task()
    process = subprocess.Popen([str(binary()), "verify", str(throttled.task_file), "--range-size=64kB", "--table=public.person"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = "SELECT count(*) FROM walbridge.verify_range WHERE result IS NOT NULL"
    applier.wait_until(lambda: pair.target.scalar(done) >= 2, 30, "two ranges are compared")
    process.kill()
    process.wait()
    before = pair.target.scalar(done)
    assert before < pair.target.scalar("SELECT count(*) FROM walbridge.verify_range")
    throttled.document["verify"] = {}
    throttled.write_task()
    report = verify(throttled, "--resume", "--range-size=64kB", "--table=public.person", code=Exit.data_differs)
    assert table(report, "person")["missing"] == 1 and table(report, "person")["source_rows"] == 3000
    refused = throttled.cli("verify", "--resume")
    assert refused.code == Exit.task_state


def spoil(pair):
    pair.target.psql("""SET session_replication_role = replica; UPDATE person SET name = 'wrong', raw = NULL WHERE id IN (12, 1000);
        DELETE FROM person WHERE id IN (5, 6); INSERT INTO person VALUES (9999, 'extra');
        DELETE FROM event WHERE ctid IN (SELECT ctid FROM event WHERE what = 'what 3' AND person_id = 3 LIMIT 2);
        INSERT INTO event VALUES (NULL, 'never'), (NULL, 'never'); DELETE FROM pair WHERE a = 7;""")


def test_repair_while_the_task_runs(running):
    pair, applier = running
    spoil(pair)
    assert applier.cli("verify", "--repair").code == Exit.usage
    result = applier.cli("verify", "--repair", "--yes")
    assert result.code == Exit.data_differs and "not repaired" not in result.out and "Repaired: " in result.out, result
    assert verify(applier)["equal"]
    pair.compare()
    kinds = pair.target.sql("SELECT kind, count(*) FROM walbridge.conflict WHERE policy = 'repair' GROUP BY 1 ORDER BY 1")
    assert dict(kinds) == {"verify_differs": 2, "verify_extra": 2, "verify_missing": 13}
    record, = pair.target.sql("SELECT source_row ->> 'name', target_row ->> 'name' FROM walbridge.conflict WHERE key ->> 'id' = '12'")
    assert record == ("name 12", "wrong")


def test_a_repair_carries_an_origin_of_the_task(running):
    """Else a task that follows the target brings the repaired rows back to the source, as if somebody had written them."""
    pair, applier = running
    slot = f"{pair.name}_seen"
    pair.target.sql("SELECT pg_create_logical_replication_slot(%s, 'walbridge')", (slot,))
    try:
        spoil(pair)
        written = pair.target.scalar("SELECT pg_current_wal_insert_lsn()")
        result = applier.cli("verify", "--repair", "--yes")
        assert result.code == Exit.data_differs and "not repaired" not in result.out and "no replication origin" not in result.text, result

        def seen(origin):
            lines = pair.target.sql("SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'format', 'json', 'include', 'public.*', 'origin', %s) "
                                    "WHERE lsn > %s::pg_lsn", (slot, origin, written))
            return "".join(line for line, in lines)
        assert f"walbridge_{pair.name}:repair" in seen("any") and "name 12" in seen("any")
        assert "name 12" not in seen(f"walbridge_{pair.name}*") and "name 12" not in seen("local")
    finally:
        pair.target.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
    # It is there twice and more often, and does not outlive the task.
    spoil(pair)
    assert applier.cli("verify", "--repair", "--yes").code == Exit.data_differs
    assert verify(applier)["equal"]
    applier.stop()
    applier.start()
    applier.wait_caught_up()
    applier.stop()
    applier.cli("release", "--yes", check=True)
    assert pair.target.sql("SELECT roname FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge\\_{pair.name}%",)) == []


def test_repair_script(running, tmp_path):
    pair, applier = running
    applier.stop()
    spoil(pair)
    script = tmp_path / "repair.sql"
    applier.cli("verify", f"--repair-script={script}")
    pair.target.psql(script.read_text())
    assert verify(applier)["equal"]
    spoil(pair)
    applier.cli("verify", f"--repair-script={script}")
    applier.start()
    pair.source.psql("INSERT INTO person VALUES (7000, 'newer')")
    applier.wait_caught_up()
    with pytest.raises(Exception, match="moved on"):
        pair.target.psql(script.read_text())


def types():
    path = Path(__file__).parents[1] / "130_types" / "test_types.py"
    spec = importlib.util.spec_from_file_location("types_of_130", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("encodings", ["alike", "different"])
def test_values_of_every_type(request, encodings):
    pair = request.getfixturevalue("pair" if encodings == "alike" else "latin1_pair")
    all_types = types()
    script = all_types.USER_TYPES + all_types.script("t", True)
    if encodings == "different":       # the portable form of the digest
        script = "".join(c if ord(c) < 256 else "x" for c in script)
    pair.source.psql(script)
    pair.target.psql("CREATE TABLE shift_the_oids (a int, b text); CREATE TYPE shift AS ENUM ('a');")
    applier = pair.run()
    report = verify(applier, code=Exit.data_differs)       # of the definitions: what shifts the oids
    assert len(report["tables"]) > len(all_types.VALUES) and report["differences"] == 0
    # One value less in each table: all of them are noticed.
    pair.target.psql("SET session_replication_role = replica;" + "".join(
        f"UPDATE t_{i:03} SET v = NULL WHERE id = 0;" for i in range(len(all_types.VALUES))))
    report = verify(applier, code=Exit.data_differs)
    blind = [t["table"] for t in report["tables"] if t["table"].startswith("t_") and t["differing"] != 1]
    assert not blind


def test_a_table_rewritten_meanwhile_is_compared_again(running):
    pair, applier = running
    throttled = pair.applier(verify={"bytes_per_second": "64kB", "workers": 1})
    process = subprocess.Popen([str(binary()), "verify", "--json", str(throttled.task_file)], stdout=subprocess.PIPE, text=True)
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.verify_range") >= 3, 30, "the run has begun")
    pair.source.psql("TRUNCATE pair; INSERT INTO pair VALUES (1, 'after', '{}')")
    out, _ = process.communicate(timeout=120)
    report = json.loads(out)
    assert process.returncode == 0 and table(report, "pair")["source_rows"] in (1, 1000), report
