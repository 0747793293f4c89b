# A runbook that was true once. Its commands are read from the page and run in their order, under load, on two clusters.
# WALBRIDGE_NIGHT_SCALE=1300 makes it 20 GB, WALBRIDGE_NIGHT_RATE is of the load (transactions per second).
import os
import re
import subprocess
import threading
import time

import pytest
from walbridge_testing.application import Application, missing
from walbridge_testing.applier import ROOT, Applier, Exit
from walbridge_testing.fixtures import SOURCE_SETTINGS

SCALE = int(os.environ.get("WALBRIDGE_NIGHT_SCALE", "2"))
RATE = int(os.environ.get("WALBRIDGE_NIGHT_RATE", "100"))
PAGE = ROOT / "docs/migration-night.md"


def blocks():
    """The page's commands as (tags, lines)."""
    return [(match[1].split(), match[2].strip().splitlines()) for match in re.finditer(r"^```sh([^\n]*)\n(.*?)^```", PAGE.read_text(), re.M | re.S)]


class Load:
    """pgbench at a steady rate, started again when the cut ends it."""

    def __init__(self, database):
        self.database, self.stopping, self.transactions = database, threading.Event(), 0
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        while not self.stopping.is_set():
            database = self.database
            cluster = database.cluster
            running = subprocess.Popen([str(cluster.bin / "pgbench"), "-n", "-N", "-c", "4", "-j", "1", "-T", "86400", "-R", str(RATE), "-h", "127.0.0.1", "-p", str(cluster.port),
                                        "-U", "shop", database.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while running.poll() is None and not self.stopping.is_set() and self.database is database:
                time.sleep(0.02)
            running.terminate()
            running.wait()

    def stop(self):
        self.stopping.set()
        self.thread.join()


def test_the_runbook(own_pair, capsys):
    pair = own_pair(source={"max_wal_size": "8GB"}, target=SOURCE_SETTINGS | {"max_wal_size": "8GB"})
    for database in (pair.source, pair.target):
        database.psql("CREATE ROLE shop LOGIN")
    pair.target.psql("CREATE EXTENSION walbridge")
    cluster = pair.source.cluster
    subprocess.run([str(cluster.bin / "pgbench"), "-i", "-q", "-s", str(SCALE), "--foreign-keys", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres", pair.source.name],
                   check=True, capture_output=True)
    pair.source.psql("""ALTER TABLE pgbench_history ADD COLUMN id bigserial PRIMARY KEY; CREATE TABLE t (id bigserial PRIMARY KEY, v text, at timestamptz DEFAULT now());
        CREATE TABLE s (id int PRIMARY KEY, n int); INSERT INTO s SELECT i, 0 FROM generate_series(1, 100) i; CREATE MATERIALIZED VIEW richest AS SELECT bid, max(tbalance) FROM pgbench_tellers GROUP BY bid;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO shop; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop; ANALYZE;""")
    base = pair.applier(name="orders", precheck={"acknowledge": ["tables.unsupported"]})
    appliers = {}

    def applier(file):
        if file not in appliers:
            made = Applier(base.document, base.directory / "unused")
            made.name, made.task_file = file.removesuffix(".toml"), base.directory / file
            made.log = base.directory / f"{made.name}.log"
            pair.appliers.append(made)
            appliers[file] = made
        return appliers[file]

    load, application = Load(pair.source), Application(pair.source, clients=2)
    figures, began = [], time.monotonic()
    try:
        for tags, lines in blocks():
            for line in lines:
                words = line.split()
                assert words[0] == "walbridge", line
                at = next(i for i, word in enumerate(words) if word.endswith(".toml"))
                running = applier(words[at])
                if "end" in tags:
                    for left in appliers.values():
                        left.stop()
                if "run" in tags:
                    running.start()
                    continue
                started = time.monotonic()
                result = running.cli(" ".join(words[1:at]), *words[at + 1:], timeout=7200)
                figures.append(f"{time.monotonic() - started:8.1f} s  {line}")
                assert result.code == 0, (line, result)
                if "cut" in tags or "back" in tags:
                    assert "switched over" in result.out
                    outage = float(re.search(r"write outage was ([\d.]+) s", result.out)[1])
                    figures.append(f"            write outage {outage:.2f} s\n{result.out}")
                    assert outage < (5 if SCALE > 2 else 15), result       # promised are 5, on a machine that does nothing but this
                    there = pair.target if "cut" in tags else pair.source
                    assert not missing(there, application), "acknowledged writes are missing"
                    load.database = application.database = there
                    application.wait_for_writes(100)
    finally:
        load.stop()
        application.stop()
        with capsys.disabled():
            print(f"\nscale {SCALE}, {RATE} transactions/s, {time.monotonic() - began:.0f} s\n" + "\n".join(figures))
    assert not missing(pair.source, application)
