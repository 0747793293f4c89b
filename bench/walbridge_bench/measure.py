"""Clocks and proofs: time until a marker is visible, CPU in between, and whether two databases hold the same rows."""
import time

from walbridge_testing.cluster import quote
from walbridge_testing.compare import tables_of

POLL = 0.010


class DidNotFinish(Exception):
    """A peer that is still not there when its time is over."""


class Stopwatch:
    """Seconds of wall clock and of CPU of both servers since it was made."""

    def __init__(self, source, target):
        self.servers = {"source": source, "target": target}
        self.cpu = {name: server.cpu_seconds() for name, server in self.servers.items()}
        self.began = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.began

    def used(self):
        return {f"{name}_cpu": round(server.cpu_seconds() - self.cpu[name], 3) for name, server in self.servers.items()}


class MarkerWatch:
    """A session on the target that asks for the marker row again and again. Opened before the clock starts."""

    def __init__(self, database):
        self.connection = database.connect(autocommit=True)
        self.cursor = self.connection.cursor()

    def visible(self, marker):
        self.cursor.execute("SELECT 1 FROM bench_marker WHERE id = %s", (marker,))
        return self.cursor.fetchone() is not None

    def wait(self, marker, limit, check=lambda: None):
        began = time.monotonic()
        while not self.visible(marker):
            if time.monotonic() - began > limit:
                raise DidNotFinish(f"not within {limit:.0f} s")
            check()
            time.sleep(POLL)

    def close(self):
        self.connection.close()


def wait_for(condition, limit, what, interval=POLL, check=lambda: None):
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit:
            raise DidNotFinish(f"{what}: not within {limit:.0f} s")
        check()
        time.sleep(interval)


ROW_TEXT = "hashtextextended(t::text, 0)"
ROW_RECORD = "hash_record_extended(t.*, 0)"         # by the types' own hash functions: for tables too large to print


def checksum(database, row=ROW_TEXT, parallel=2):
    """{table: (rows, sum of a 64-bit hash of each row)} of all tables but walbridge's and extensions'."""
    found = {}
    connection = database.connect(autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET extra_float_digits = 3; SET TimeZone = 'UTC'; SET min_parallel_table_scan_size = '8MB'")
            cursor.execute("SET max_parallel_workers_per_gather = %s", (parallel,))
            for schema, table in tables_of(database):
                cursor.execute(f"SELECT count(*), coalesce(sum({row}), 0)::text FROM {quote(schema)}.{quote(table)} t")
                found[f"{schema}.{table}"] = cursor.fetchone()
    finally:
        connection.close()
    return found


def differences(source, target):
    """The tables in which two checksums differ."""
    return sorted(table for table in source.keys() | target.keys() if source.get(table) != target.get(table))


def prewarm(database):
    """Tables and indexes of a fresh copy into shared buffers, so that nobody measures the first read."""
    database.sql("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    database.sql("SELECT sum(pg_prewarm(c.oid::regclass)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                 "WHERE c.relkind IN ('r', 'i', 't') AND c.relpersistence = 'p' AND n.nspname IN ('public', 'pg_toast')")
