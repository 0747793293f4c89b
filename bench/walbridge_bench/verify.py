"""Full verification of an equal table against fetching all rows of both sides to one client: ratios, ways alternating in one run.

The clients read both sides in the order of the key, which is how rows of two servers can be compared one by one:
- rows: psycopg2, named cursors of 10,000 rows, tuples compared;
- copy: two `psql COPY (SELECT ... ORDER BY key) TO STDOUT`, compared by cmp, which is as fast as a client can be.
Client and servers share one machine: no network stands between them, which favours the clients.
"""
import os
import subprocess
import sys
import tempfile
import time

from walbridge_testing.fixtures import SOURCE_SETTINGS, Pair
from walbridge_testing.cluster import Cluster

TABLE = """CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, n int, price numeric(12, 2), changed timestamptz, note text, mark uuid);
INSERT INTO item SELECT i, md5(i::text), i % 1000, i * 1.01, now(), CASE WHEN i % 3 <> 0 THEN 'some note about ' || i END, gen_random_uuid()
FROM generate_series(1, {rows}) i; ANALYZE item;"""
QUERY = "SELECT * FROM item ORDER BY id"


def by_rows(pair):
    def rows(database):
        connection = database.connect()
        cursor = connection.cursor(name="rows")
        cursor.itersize = 10_000
        cursor.execute(QUERY)
        return cursor
    return all(ours == theirs for ours, theirs in zip(rows(pair.source), rows(pair.target), strict=True))


def by_copy(pair):
    with tempfile.TemporaryDirectory() as folder:
        pipes, readers = [], []
        for side, database in (("source", pair.source), ("target", pair.target)):
            pipe = os.path.join(folder, side)
            os.mkfifo(pipe)
            pipes.append(pipe)
            readers.append(subprocess.Popen(f"psql -qX -d '{database.url()}' -c \"COPY ({QUERY}) TO STDOUT\" > {pipe}", shell=True))
        equal = subprocess.run(["cmp", "-s", *pipes]).returncode == 0
        for reader in readers:
            reader.wait()
        return equal


def by_verify(applier):
    result = applier.cli("verify", "--json", "--table=public.item", timeout=600)
    assert result.code == 0, result
    return result.json()


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    clusters = [Cluster("verify_source", {**SOURCE_SETTINGS, "shared_buffers": "1GB"}), Cluster("verify_target", {"shared_buffers": "1GB"})]
    for cluster in clusters:
        cluster.start()
    try:
        pair = Pair("verify_cost", *clusters)
        pair.source.psql(TABLE.format(rows=rows))
        applier = pair.run()
        pair.target.psql("VACUUM ANALYZE item")
        pair.source.psql("VACUUM ANALYZE item")
        taken = {"verify": [], "rows": [], "copy": []}
        for _ in range(3):
            for way, run in (("verify", lambda: by_verify(applier)), ("rows", lambda: by_rows(pair)), ("copy", lambda: by_copy(pair))):
                began = time.monotonic()
                assert run()
                taken[way].append(time.monotonic() - began)
        size = pair.source.scalar("SELECT pg_table_size('item')")
        print(f"{rows} rows, {size >> 20} MB on each side")
        best = min(taken["verify"])
        for way, seconds in taken.items():
            print(f"{way:8} {min(seconds):6.2f} s (all: {', '.join(f'{s:.2f}' for s in seconds)})   {min(seconds) / best:5.1f} x")
        pair.close()
    finally:
        for cluster in clusters:
            cluster.destroy()


if __name__ == "__main__":
    main()
