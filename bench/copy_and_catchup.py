"""Measures, one after the other: copy of a large table, a backlog of small transactions, a backlog of one large transaction.

Both systems read the same source and write to servers of their own with the same settings and the same tables. While one of them
works the other is stopped. A phase ends when a marker row, the last one committed on the source, is visible on the target.
"""
import json
import os
import platform
import subprocess
import time

from walbridge_testing.applier import Applier, task
from walbridge_testing.cluster import Cluster, base_directory
from walbridge_testing.compare import compare
from walbridge_testing.waiting import wait_until

ROWS = int(os.environ.get("ROWS") or 1_000_000)
TRANSACTIONS = int(os.environ.get("TRANSACTIONS") or 40_000)
BULK = int(os.environ.get("BULK") or 300_000)
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "autovacuum": "off", "fsync": "on",
            "wal_retrieve_retry_interval": "10ms"}     # else a re-enabled subscription first waits up to 5 s

TABLES = """
CREATE TABLE wide (id bigint PRIMARY KEY, a int, b numeric(12,2), c timestamptz, d text, e jsonb);
CREATE TABLE accounts (id int PRIMARY KEY, balance int, filler char(80));
CREATE TABLE history (id bigserial PRIMARY KEY, account int, delta int, at timestamptz);
CREATE TABLE marker (id int PRIMARY KEY);
"""
DATA = f"""
INSERT INTO wide SELECT i, i % 1000, i / 7.0, timestamptz '2024-01-01' + i * interval '1 s', md5(i::text), jsonb_build_object('n', i)
  FROM generate_series(1, {ROWS}) i;
INSERT INTO accounts SELECT i, 0, '' FROM generate_series(1, 100000) i;
VACUUM ANALYZE;
"""
SMALL = """\\set a random(1, 100000)
\\set b random(1, 100000)
BEGIN;
UPDATE accounts SET balance = balance - 1 WHERE id = least(:a, :b);
UPDATE accounts SET balance = balance + 1 WHERE id = greatest(:a, :b);
INSERT INTO history (account, delta, at) VALUES (:a, 1, now());
COMMIT;
"""


class Native:
    name = "native"

    def __init__(self, source, target):
        self.source, self.target = source, target
        source.sql("CREATE PUBLICATION bench FOR ALL TABLES")

    def start_copy(self):
        self.target.sql(f"CREATE SUBSCRIPTION bench CONNECTION '{self.source.url()}' PUBLICATION bench WITH (slot_name = 'bench_native')")

    def copied(self):
        return self.target.scalar("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")

    def start(self):
        self.target.sql("ALTER SUBSCRIPTION bench ENABLE")

    def stop(self):
        self.target.sql("ALTER SUBSCRIPTION bench DISABLE")
        wait_until(lambda: not self.source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = 'bench_native'"), 30)

    check = staticmethod(lambda: None)


class Walbridge:
    name = "walbridge"

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.applier = Applier(task("bench", source.url(), target.url(), stages=["full", "incremental"]), base_directory() / "bench")
        self.check = self.applier.check_alive

    def start_copy(self):
        self.applier.start()

    def copied(self):
        return self.target.scalar("SELECT phase = 'follow' FROM walbridge.task WHERE task = 'bench'")

    def start(self):
        self.applier.start()

    def stop(self):
        self.applier.stop()
        wait_until(lambda: not self.source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = 'walbridge_bench'"), 30)


def timed(system, act, done):
    began = time.monotonic()
    act()
    wait_until(done, 1800, interval=0.02, check=system.check)
    return time.monotonic() - began


def main():
    source_cluster = Cluster("source", SETTINGS).start()
    targets = {kind: Cluster(f"target_{kind.name}", SETTINGS).start().create_database("bench") for kind in (Native, Walbridge)}
    source = source_cluster.create_database("bench")
    source.psql(TABLES)
    source.psql(DATA)
    systems = []
    seconds = {"copy": {}, "small": {}, "large": {}}
    for kind, target in targets.items():
        target.psql(TABLES)
        system = kind(source, target)
        systems.append(system)
        source_cluster.sql("CHECKPOINT")
        seconds["copy"][system.name] = timed(system, system.start_copy, system.copied)
        print(f"copy, {system.name}: {seconds['copy'][system.name]:.2f} s", flush=True)
        system.stop()

    marker = 0

    def backlog(phase, produce):
        nonlocal marker
        marker += 1
        produce()
        source.sql("INSERT INTO marker VALUES (%s)", (marker,))
        for system in systems:
            for cluster in (source_cluster, system.target.cluster):
                cluster.sql("CHECKPOINT")
            seconds[phase][system.name] = timed(system, system.start, lambda: system.target.scalar(
                "SELECT count(*) FROM marker WHERE id = %s", (marker,)))
            print(f"{phase}, {system.name}: {seconds[phase][system.name]:.2f} s", flush=True)
            system.stop()

    def small():
        script = base_directory() / "small.sql"
        script.write_text(SMALL)
        subprocess.run([str(source_cluster.bin / "pgbench"), "-n", "-c", "4", "-t", str(TRANSACTIONS // 4), "-f", str(script), "-h", "127.0.0.1", "-p",
                        str(source_cluster.port), "-U", "postgres", "bench"], check=True, capture_output=True,
                       env={**os.environ, "PGOPTIONS": "-c synchronous_commit=off"})

    backlog("small", small)
    backlog("large", lambda: source.psql(f"UPDATE wide SET a = a + 1, d = d || 'x' WHERE id <= {BULK}"))
    for system in systems:
        compare(source, system.target)

    amounts = {"copy": ROWS + 100_000, "small": TRANSACTIONS * 3, "large": BULK}
    texts = {"copy": f"copy of {ROWS + 100_000} rows", "small": f"catch-up, {TRANSACTIONS} transactions of 3 rows", "large": f"catch-up, one transaction of {BULK} updates"}
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, PostgreSQL {source_cluster.scalar('SHOW server_version')}; rows/s; every table compared equal")
    print(f"{'':48} {'native':>10} {'walbridge':>10} {'ratio':>6}")
    for phase, amount in amounts.items():
        native, own = amount / seconds[phase]["native"], amount / seconds[phase]["walbridge"]
        print(f"{texts[phase]:48} {native:10.0f} {own:10.0f} {own / native:6.2f}")
    print(json.dumps({"rows": amounts, "seconds": seconds}))


if __name__ == "__main__":
    main()
