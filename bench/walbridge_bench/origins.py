"""The cost of conflict.origins without conflicts: a backlog of updates and deletes by key, applied with and without it, alternating in one run.

Every row was copied by the task, so it is its own writer of all of them. The target tracks commit timestamps in both ways.
"""
import sys
import time

from walbridge_testing.cluster import Cluster
from walbridge_testing.fixtures import SOURCE_SETTINGS, Pair
from walbridge_testing.waiting import wait_until

ROWS = 200_000
TABLE = f"CREATE TABLE item (id bigint PRIMARY KEY, n int NOT NULL, v text); INSERT INTO item SELECT i, 0, md5(i::text) FROM generate_series(1, {ROWS}) i; ANALYZE item;"
LOAD = """DO $$ BEGIN FOR i IN 1..{count} LOOP UPDATE item SET n = n + 1 WHERE id = 1 + floor(random() * {half}); COMMIT; END LOOP; END $$;
DO $$ BEGIN FOR i IN 1..{deletes} LOOP DELETE FROM item WHERE id = {half} + i; COMMIT; END LOOP; END $$;"""


def one(clusters, origins, number, count):
    pair = Pair(f"origins_{origins}_{number}", *clusters)
    try:
        pair.source.psql(TABLE)
        applier = pair.run(conflict={"origins": origins})
        applier.cli("pause", check=True)
        pair.source.psql("SET synchronous_commit = off; " + LOAD.format(count=count, deletes=count // 5, half=ROWS // 2))
        goal = pair.source.scalar("SELECT pg_current_wal_insert_lsn()")
        pair.source.sql("SELECT pg_logical_emit_message(false, 'walbridge.wait', '')")
        began = time.monotonic()
        applier.cli("resume", check=True)
        wait_until(lambda: pair.target.scalar("SELECT position >= %s::pg_lsn FROM walbridge.progress", (goal,)), 300, "the backlog is applied", 0.02)
        taken = time.monotonic() - began
        pair.compare()
        assert pair.target.scalar("SELECT count(*) FROM walbridge.conflict") == 0
        return taken
    finally:
        pair.close()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150_000
    fast = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
    clusters = [Cluster("origins_source", {**SOURCE_SETTINGS, **fast}), Cluster("origins_target", {"track_commit_timestamp": "on", **fast})]
    for cluster in clusters:
        cluster.start()
    try:
        taken = {"off": [], "on": []}
        for number in range(5):
            for origins in ("off", "on") if number % 2 else ("on", "off"):
                taken[origins].append(one(clusters, origins, number, count))
        medians = {way: sorted(seconds)[len(seconds) // 2] for way, seconds in taken.items()}
        for way, seconds in taken.items():
            print(f"conflict.origins = {way:3}  {medians[way]:6.2f} s (all: {', '.join(f'{s:.2f}' for s in seconds)})")
        print(f"{count * 6 // 5} transactions; with against without: {medians['on'] / medians['off']:.2f}")
    finally:
        for cluster in clusters:
            cluster.destroy()


if __name__ == "__main__":
    main()
