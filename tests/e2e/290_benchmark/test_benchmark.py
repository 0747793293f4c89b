# The benchmark itself: broken, it would print figures of runs that went wrong, or of targets that nobody compared.
import json
import subprocess
import xml.etree.ElementTree

import pytest
from walbridge_testing.applier import ROOT
from walbridge_bench import measure, report
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
