"""Thousands of small tables in one task: plain against renamed by a pattern, alternating in one run.

load: from starting the process until the copy of every table is done and the task follows; changes: one row in every table, each in
a transaction of its own, until all are applied; restart: from starting a process of the loaded task until it has applied one more
row in every table; memory: the process's peak.
"""
import statistics
import sys
import time

from walbridge_testing.cluster import Cluster
from walbridge_testing.fixtures import SOURCE_SETTINGS, Pair

WAYS = {"plain": {}, "renamed": {"tables": [{"name": "public.t_*", "rename": "archive.invoice_$1", "rename_columns": {"v": "value"}}]}}
PARTS = ("load", "changes", "restart", "memory")


def until_caught_up(applier, began):
    applier.wait_caught_up(900)
    return time.monotonic() - began


def measure(clusters, tables, way, options):
    pair = Pair(f"many_{way}", *clusters)
    try:
        for first in range(0, tables, 500):
            pair.source.psql("".join(f"CREATE TABLE t_{n} (id int PRIMARY KEY, v text); INSERT INTO t_{n} VALUES (1, 'a');" for n in range(first, min(first + 500, tables))))
        everywhere = "".join(f"INSERT INTO t_{n} VALUES (%d, 'b');\n" for n in range(tables))
        figures = {}
        applier = pair.applier(**options)
        began = time.monotonic()
        applier.start()
        figures["load"] = until_caught_up(applier, began)
        began = time.monotonic()
        pair.source.psql(everywhere.replace("%d", "2"))
        figures["changes"] = until_caught_up(applier, began)
        applier.stop()
        pair.source.psql(everywhere.replace("%d", "3"))
        began = time.monotonic()
        applier.start()
        figures["restart"] = until_caught_up(applier, began)
        figures["memory"] = applier.peak_memory() / 2 ** 20
        last = tables - 1
        name, column = (f"archive.invoice_{last}", "value") if options else (f"t_{last}", "v")
        assert pair.target.sql(f"SELECT id, {column} FROM {name} ORDER BY 1") == [(1, "a"), (2, "b"), (3, "b")]
        return figures
    finally:
        pair.close()


def main():
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    more = {"max_locks_per_transaction": "512"}
    clusters = [Cluster("many_source", {**SOURCE_SETTINGS, **more}), Cluster("many_target", more)]
    for cluster in clusters:
        cluster.start()
    try:
        taken = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, options in WAYS.items():
                taken[way].append(measure(clusters, tables, way, options))
        print(f"{tables} tables, medians of {rounds}")
        for part in PARTS:
            plain, renamed = (statistics.median(run[part] for run in taken[way]) for way in WAYS)
            unit = "MiB" if part == "memory" else "s"
            print(f"{part:8} plain {plain:8.1f} {unit}   renamed {renamed:8.1f} {unit}   ratio {renamed / plain:.2f}")
    finally:
        for cluster in clusters:
            cluster.destroy()


if __name__ == "__main__":
    main()
