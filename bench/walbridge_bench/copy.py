"""Initial copy: one table of 10 million rows by five ways, and 2,000 small tables by two. Each into a fresh database, content compared."""
import os
import shutil
import signal
import subprocess
import time
import traceback

from walbridge_testing.applier import Applier, task
from walbridge_testing.cluster import base_directory

from . import slots
from .measure import ROW_RECORD, DidNotFinish, Stopwatch, checksum, differences, wait_for
from .workloads import ITEMS, item

LIMIT = 300
KEYLESS = ITEMS.replace(" PRIMARY KEY", " NOT NULL")


class Big:
    name = "one_table"

    def __init__(self, scale):
        self.rows = max(int(10_000_000 * scale), 1000)
        self.title = f"one table of {self.rows:,} rows, its primary key included"

    def fill(self, source):
        source.psql(KEYLESS + f"INSERT INTO items SELECT {item('i', 66)} FROM generate_series(1, {self.rows}) i;"
                    "ALTER TABLE items ADD PRIMARY KEY (id); VACUUM ANALYZE;")

    def ways(self):
        return [("COPY BINARY pipe, key in place", copy_with_key), ("COPY BINARY pipe, key afterwards", copy_then_key),
                ("native initial sync", native), ("pgcopydb clone", pgcopydb), ("walbridge", walbridge)]


class Small:
    name = "small_tables"

    def __init__(self, scale):
        self.tables = max(int(2000 * scale), 5)
        self.title = f"{self.tables:,} tables of 100 rows, a primary key and an index each"
        self.rows = self.tables * 100

    def fill(self, source):
        source.psql(f"""DO $$ BEGIN FOR n IN 1..{self.tables} LOOP
            EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, a int, note text)', n);
            EXECUTE format('INSERT INTO small_%s SELECT i, i * %s, md5(i::text) FROM generate_series(1, 100) i', n, n);
            EXECUTE format('CREATE INDEX ON small_%s (a)', n);
            COMMIT; END LOOP; END $$; VACUUM ANALYZE;""")

    def ways(self):
        return [("pgcopydb clone", pgcopydb), ("walbridge", walbridge)]


def command(words, **more):
    """Runs a program that may have children; all of them end with it, whatever happens."""
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True, **more)
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise DidNotFinish(f"not within {LIMIT} s") from None
        raise
    if process.returncode != 0:
        raise RuntimeError(f"{words[0]}: exit {process.returncode}: {output[-1500:]}")


def pipe(source, target):
    psql = source.cluster.bin / "psql"
    out = subprocess.Popen([psql, "-XqAt", "-d", source.url(), "-c", "COPY items TO STDOUT (FORMAT binary)"], stdout=subprocess.PIPE)
    command([psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", target.url(), "-c", "COPY items FROM STDIN (FORMAT binary)"], stdin=out.stdout)
    out.stdout.close()
    if out.wait() != 0:
        raise RuntimeError("COPY TO failed")


def copy_with_key(source, target, clock):
    target.psql(ITEMS)
    with clock:
        pipe(source, target)


def copy_then_key(source, target, clock):
    target.psql(KEYLESS)
    with clock:
        pipe(source, target)
        target.psql("ALTER TABLE items ADD PRIMARY KEY (id)")


def native(source, target, clock):
    target.psql(ITEMS)
    source.sql("CREATE PUBLICATION bench_copy FOR TABLES IN SCHEMA public")
    try:
        with clock:
            target.sql(f"CREATE SUBSCRIPTION bench_copy CONNECTION '{source.url()}' PUBLICATION bench_copy WITH (binary = true)")
            wait_for(lambda: target.scalar("SELECT count(*) > 0 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel"), LIMIT, "native sync")
    finally:
        target.sql("ALTER SUBSCRIPTION bench_copy DISABLE")
        target.sql("DROP SUBSCRIPTION bench_copy")
        source.sql("DROP PUBLICATION bench_copy")


def pgcopydb(source, target, clock):
    folder = base_directory() / "pgcopydb"
    shutil.rmtree(folder, ignore_errors=True)
    with clock:
        command(["pgcopydb", "clone", "--source", source.url(), "--target", target.url(), "--dir", folder, "--table-jobs", 2, "--index-jobs", 2,
                 "--no-owner", "--no-acl", "--skip-extensions", "--skip-large-objects"])


def walbridge(source, target, clock):
    name = "bench_copy"
    applier = Applier(task(name, source.url(), target.url(), stages=["schema", "full"]), base_directory() / "tasks" / target.name)
    try:
        with clock:
            applier.start()
            peak = 0
            while applier.is_running():
                try:
                    peak = max(peak, applier.peak_memory())
                except (AssertionError, OSError, ValueError):       # it has just ended
                    pass
                if clock.seconds() > LIMIT:
                    raise DidNotFinish(f"not within {LIMIT} s")
                time.sleep(0.01)
        if applier.process.returncode != 0:
            raise RuntimeError(f"walbridge: exit {applier.process.returncode}: {applier.log_tail(5)}")
        clock.more["peak_rss"] = peak
    finally:
        applier.kill()
        slots.drop(source, f"walbridge_{name}")
        slots.drop_origin(target, f"walbridge_{name}")


class Clock:
    """Times its own block: what a way does before and after is not counted."""

    def __init__(self, source, target):
        self.servers = source, target
        self.row, self.more = {}, {}

    def __enter__(self):
        self.watch = Stopwatch(*self.servers)
        return self

    def __exit__(self, *exception):
        if exception[0] is None:
            self.row = {"elapsed": self.watch.seconds(), **self.watch.used()}

    def seconds(self):
        return self.watch.seconds()


def run(kind, source_server, target_server, rounds, results, say):
    source = source_server.create_database(kind.name)
    began = time.monotonic()
    kind.fill(source)
    source_server.sql("CHECKPOINT")
    expected = checksum(source, ROW_RECORD)
    say(f"{kind.title}: ready after {time.monotonic() - began:.0f} s")
    results.data["workloads"][kind.name] = {"title": kind.title, "changes": kind.rows}
    ways = kind.ways()
    if not shutil.which("pgcopydb"):
        results.data["not_available"]["pgcopydb"] = "not installed (scripts/deps --bench)"
        ways = [way for way in ways if way[1] is not pgcopydb]
    for number in range(rounds):
        for label, way in ways if number % 2 == 0 else ways[::-1]:
            target = target_server.create_database("copied")
            target_server.sql("CHECKPOINT")
            clock = Clock(source_server, target_server)
            row = {"seconds": None, "ok": False}
            try:
                way(source, target, clock)
                wrong = differences(expected, checksum(target, ROW_RECORD))
                row = {"seconds": clock.row.pop("elapsed"), "ok": not wrong, **clock.row, **clock.more,
                       "outcome": f"differs: {', '.join(wrong)[:300]}" if wrong else "verified"}
            except DidNotFinish as error:
                row["outcome"] = f"did not finish ({error})"
            except Exception as error:
                row["outcome"] = f"failed: {str(error)[:500]}"
                traceback.print_exc()
            results.add("copy", workload=kind.name, peer=label, label=label, round=number + 1, **row)
            outcome = f"{row['seconds']:.2f} s" if row["seconds"] else "-"
            say(f"  {kind.name}, round {number + 1}, {label}: {outcome} {row['outcome']}")
            target_server.drop_database("copied")
        results.save()
