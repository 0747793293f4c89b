# The benchmark itself: broken, it would print figures of runs that went wrong, or of targets that nobody compared.
import json
import subprocess
import xml.etree.ElementTree

import pytest
from walbridge_testing import mysql_compare
from walbridge_testing.applier import ROOT
from walbridge_bench import measure, report
from walbridge_bench.mariadb import by_hand, checksum
from walbridge_bench.results import Results


@pytest.mark.heavy
def test_a_tiny_run_verifies_every_target_and_writes_table_and_picture(tmp_path):
    ended = subprocess.run([ROOT / "bench/run", "--smoke", "--workloads", "small_inserts", "small_tables", "--out", tmp_path, "--name", "tiny"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout
    data = json.loads((tmp_path / "tiny.json").read_text())
    assert {row["peer"] for row in data["apply"]} == {"native", "walbridge"}
    assert all(row["ok"] and row["seconds"] > 0 for row in data["apply"] + data["copy"]), ended.stdout
    sent = {row["decoder"]: row for row in data["bytes"]}
    assert sent["pgoutput binary"]["messages"] > 3 * data["workloads"]["small_inserts"]["changes"]
    assert 0 < sent["walbridge"]["wire"] < sent["pgoutput binary"]["wire"]
    text = (tmp_path / "tiny.md").read_text()
    assert "| small inserts, one row per transaction | **" in text and "Not the official sizes" in text
    for picture in ("tiny.svg", "tiny-decode.svg"):
        assert xml.etree.ElementTree.parse(tmp_path / picture).getroot().tag.endswith("svg")


@pytest.mark.heavy
def test_a_tiny_run_into_mariadb_is_measured_against_the_same_by_hand(tmp_path):
    ended = subprocess.run([ROOT / "bench/run", "--smoke", "--workloads", "mariadb_inserts", "mariadb_tpcb", "--out", tmp_path, "--name", "tiny"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout
    rows = json.loads((tmp_path / "tiny.json").read_text())["mariadb"]
    assert {(row["workload"], row["peer"]) for row in rows} == {(w, p) for w in ("mariadb_inserts", "mariadb_tpcb") for p in ("single-row prepared statements", "walbridge")}
    assert all(row["ok"] and row["seconds"] > 0 for row in rows), ended.stdout
    assert "## PostgreSQL to MariaDB" in (tmp_path / "tiny.md").read_text()


def test_a_changed_row_of_mariadb_is_a_difference(mariadb_cluster, source_cluster):
    source, target = source_cluster.create_database("sums"), mariadb_cluster.create_database("sums")
    try:
        source.psql("CREATE TABLE t (id int, v text, c char(5), at timestamptz); INSERT INTO t SELECT i, E'ü\\\\|' || i, 'c', timestamptz '2024-01-01 00:00+02' + i * interval '1 ms' FROM generate_series(1, 50) i;"
                    "INSERT INTO t VALUES (51, NULL, '', NULL), (52, '\\N', NULL, NULL)")
        target.sql("CREATE TABLE t (id int, v longtext, c char(5), at datetime(6)) CHARACTER SET utf8mb4")
        with target.connect(autocommit=True) as connection, connection.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s, %s, %s, %s)", source.sql("SELECT id, v, c, (at AT TIME ZONE 'UTC')::text FROM t"))
        assert checksum.wrong_tables(source, target, ["t"]) == []
        for change in ("UPDATE t SET v = concat(v, ' ') WHERE id = 3", "UPDATE t SET v = concat(v, ' ') WHERE id = 4", "UPDATE t SET at = at + interval 1 microsecond WHERE id = 5", "DELETE FROM t WHERE id = 6"):
            target.sql(change)
            assert len(checksum.wrong_tables(source, target, ["t"])) == 1, change
            if "id = 3" in change:
                target.sql("UPDATE t SET v = trim(v) WHERE id = 3")
                assert checksum.wrong_tables(source, target, ["t"]) == []
        assert len(checksum.wrong_tables(source, target, ["missing"])) == 1
    finally:
        mariadb_cluster.clear()
        source_cluster.drop_database("sums")


def test_prepared_work_is_applied_and_a_row_that_is_not_there_is_told(mariadb_cluster, pair, tmp_path):
    """The baseline must do all of its work: one that passes over what it cannot do would be fast."""
    by_hand.compile_program()
    tables = "CREATE TABLE t (id int PRIMARY KEY, v text, at timestamptz, c char(5)); CREATE TABLE p (a int, b int, n bigint, PRIMARY KEY (a, b)); CREATE TABLE h (a int, b text)"
    pair.source.psql(tables)
    pair.source.sql("SELECT pg_create_logical_replication_slot('by_hand', 'walbridge')")
    pair.source.psql("""INSERT INTO t VALUES (1, E'tab\tnew\nline\\\\N ü🙂', '2024-01-01 00:00+02', 'c'), (2, NULL, NULL, NULL); BEGIN; UPDATE t SET id = 5, v = 'moved' WHERE id = 1; INSERT INTO h VALUES (1, ''), (NULL, 'x'); COMMIT;
        INSERT INTO p SELECT i, i, -i FROM generate_series(1, 10) i; UPDATE p SET n = 9223372036854775807 WHERE a = 3; DELETE FROM p WHERE a > 5; DELETE FROM t WHERE id = 2; UPDATE p SET n = n WHERE a = 1""")
    database = mariadb_cluster.create_database("by_hand")
    try:
        made = "CREATE TABLE t (id int PRIMARY KEY, v longtext, at datetime(6), c char(5)); CREATE TABLE p (a int, b int, n bigint, PRIMARY KEY (a, b)); CREATE TABLE h (a int, b longtext)"
        database.sql("ALTER DATABASE by_hand CHARACTER SET utf8mb4; " + made)
        assert by_hand.write_work(pair.source, "by_hand", tmp_path / "work") == (7, 23)
        assert by_hand.run_rows(database, tmp_path / "work")["changes"] == 23
        mysql_compare.compare(pair.source, database)
        with pytest.raises(RuntimeError, match="Duplicate entry|not one row"):
            by_hand.run_rows(database, tmp_path / "work")
    finally:
        mariadb_cluster.clear()
        pair.source.sql("SELECT pg_drop_replication_slot('by_hand')")


def test_a_changed_row_and_a_missing_table_are_differences(pair):
    for database in (pair.source, pair.target):
        database.psql("CREATE TABLE t (id int PRIMARY KEY, v numeric); INSERT INTO t SELECT i, 1.0 FROM generate_series(1, 100) i;")
    pair.source.sql("CREATE TABLE only_here ()")
    assert measure.differences(measure.checksum(pair.source), measure.checksum(pair.target)) == ["public.only_here"]
    pair.target.sql("UPDATE t SET v = 1.00 WHERE id = 50")       # equal as a number, not as what the source holds
    assert measure.differences(measure.checksum(pair.source), measure.checksum(pair.target)) == ["public.only_here", "public.t"]


def test_runs_whose_target_differs_do_not_count(tmp_path):
    results = Results(None)
    results.data["workloads"]["w"] = {"title": "work", "changes": 1000, "transactions": 1000, "aim": (2.0, 3.0)}
    results.data["meta"] = {"command": "bench/run", "rounds": 3, "scale": 1.0}

    def ran(peer, *outcomes):
        for number, (seconds, ok) in enumerate(outcomes):
            results.add("apply", workload="w", peer=peer, label=peer, round=number, seconds=seconds, ok=ok, outcome="verified" if ok else "differs: t")

    ran("native", (4.0, True), (2.0, True), (6.0, True))
    ran("walbridge", (0.1, False), (2.0, True), (2.0, True))
    applied = report.Applied(results)
    assert applied.speedup("w", "walbridge") == 2.0
    report.write(results, tmp_path / "r")
    text = (tmp_path / "r.md").read_text()
    assert "| work | **2.00x** | 2.0x | 3.0x |" in text
    assert "| 2/3 | " in text and "**differs: t**" in text
