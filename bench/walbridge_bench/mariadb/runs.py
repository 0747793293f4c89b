"""The rows PostgreSQL to MariaDB: an initial copy and backlogs of small transactions, ways alternating inside each round, content compared."""
import re
import time
import traceback

from walbridge_testing.applier import Applier, task
from walbridge_testing.cluster import base_directory

from .. import slots
from ..copy import Clock
from ..measure import DidNotFinish, MarkerWatch, Stopwatch
from ..prepared import MARKER, changes_so_far
from ..servers import process_cpu
from ..workloads import SmallInserts, TpcB, pgbench
from . import by_hand
from .checksum import wrong_tables

LIMIT = 300
TASK = "bench"
SLOT = f"walbridge_{TASK}"
# What only runs once after a start would be measured with the short runs.
QUIET = {"ddl": {"classes": "none"}, "schema": {"check": "off"}}
CHECKS_OFF = "SET unique_checks = 0, foreign_key_checks = 0; "


class Accounts:
    name = "mariadb_copy"
    table = "pgbench_accounts"
    way, aim = "COPY into LOAD DATA", 0.9

    def __init__(self, scale):
        self.size = max(int(20 * scale), 1)
        self.changes = self.size * 100_000
        self.title = f"initial copy of {self.changes:,} rows of pgbench_accounts"

    def fill(self, source):
        pgbench(source, "-i", "-q", "-s", self.size)


class Inserts(SmallInserts):
    name, title = "mariadb_inserts", "backlog of one-row inserts, each a transaction"
    way, aim = "single-row prepared statements", 5.0
    compared = ("items",)

    def __init__(self, scale):
        super().__init__(scale * 0.5)


class Tpcb(TpcB):
    name, title = "mariadb_tpcb", "backlog of TPC-B transactions (pgbench, 4 changes each)"
    way, aim = "single-row prepared statements", 5.0
    number = 25_000
    compared = ("pgbench_accounts", "pgbench_branches", "pgbench_tellers", "pgbench_history")

    def __init__(self, scale):
        super().__init__(scale)
        self.size = max(int(5 * scale), 1)


BACKLOGS = [Inserts, Tpcb]
NAMES = [Accounts.name, *(kind.name for kind in BACKLOGS)]


def applier_for(source, target, sections, **options):
    body = {section: {**QUIET.get(section, {}), **sections.get(section, {})} for section in {**QUIET, **sections}}
    body["target"] = {"kind": "mariadb", **body.get("target", {})}
    return Applier(task(TASK, source.url(), target.url(), **options, **body), base_directory() / "tasks" / f"{source.name}_{target.name}")


def released(source):
    slots.drop(source, SLOT)


def told(results, say, workload, label, number, row):
    results.add("mariadb", workload=workload, peer=label, label=label, round=number + 1, **row)
    say(f"  {workload}, round {number + 1}, {label}: " + (f"{row['seconds']:.2f} s" if row["seconds"] else "-") + f" {row['outcome']}")


# -- the copy -------------------------------------------------------------------------------------------------------
def copied_by_walbridge(source, target, clock, sections):
    applier = applier_for(source, target, sections, stages=["schema", "full"], include=[f"public.{Accounts.table}"])
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
        released(source)


def definition_of(source_server, server, workload, sections):
    """CREATE TABLE as walbridge's schema stage makes it: everybody copies into the same."""
    shape = source_server.create_database("shape")
    shape.psql(f"CREATE TABLE {workload.table} (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 100)")
    target = server.create_database("shape")
    applier = applier_for(shape, target, sections, stages=["schema", "full"])
    try:
        if (code := applier.start().wait_exit(60)) != 0:
            raise RuntimeError(f"walbridge: exit {code}: {applier.log_tail(5)}")
        return target.sql(f"SHOW CREATE TABLE {workload.table}")[0][1]
    finally:
        applier.kill()
        released(shape)         # the database stays: a source with pglogical preloaded drops none
        server.clear()


def run_copy(workload, source_server, server, rounds, sections, results, say):
    source = source_server.create_database(workload.name)
    workload.fill(source)
    source_server.sql("CHECKPOINT")
    definition = definition_of(source_server, server, workload, sections)
    results.data["meta"]["mariadb_table"] = re.sub(r"\s+", " ", definition)

    def by_pipe(settings):
        def run(source, target, clock):
            target.sql(definition)
            with clock:
                by_hand.pipe(source, target, workload.table, settings)
        return run

    ways = [(workload.way, by_pipe("")), (f"{workload.way}, checks off", by_pipe(CHECKS_OFF)),
            ("walbridge", lambda *where: copied_by_walbridge(*where, sections))]
    for number in range(rounds):
        for label, way in ways if number % 2 == 0 else ways[::-1]:
            target = server.create_database("copied")
            clock = Clock(source_server, server)
            row = {"seconds": None, "ok": False}
            try:
                way(source, target, clock)
                wrong = wrong_tables(source, target, [workload.table])
                row = {"seconds": clock.row.pop("elapsed"), "ok": not wrong, **clock.row, **clock.more, "outcome": f"differs: {wrong}" if wrong else "verified"}
            except DidNotFinish as error:
                row["outcome"] = f"did not finish ({error})"
            except Exception as error:
                row["outcome"] = f"failed: {str(error)[:500]}"
                traceback.print_exc()
            told(results, say, workload.name, label, number, row)
            server.clean()
        results.save()


# -- backlogs -------------------------------------------------------------------------------------------------------
def run_backlog(workload, source_server, server, rounds, sections, results, say):
    source = source_server.create_database(workload.name)
    workload.fill(source)
    slots.create_base(source)
    target = server.create_database("applied")
    applier = applier_for(source, target, sections, stages=["schema", "full", "incremental"]).start()
    try:
        applier.wait_caught_up(120)
    finally:
        applier.stop()
    released(source)
    if wrong := wrong_tables(source, target, workload.compared):
        raise RuntimeError(f"{workload.name}: first rows differ between source and target: {wrong}")
    server.save()
    changes_before = changes_so_far(source)
    workload.backlog(source)
    source.sql("INSERT INTO bench_marker VALUES (%s)", (MARKER,))
    source_server.sql("CHECKPOINT")
    work = base_directory() / f"{workload.name}.work"
    slots.copy_base(source, "bench_work", "walbridge")
    transactions, changes = by_hand.write_work(source, "bench_work", work)
    slots.drop(source, "bench_work")
    if changes != workload.changes + 1:
        raise RuntimeError(f"{workload.name}: {changes} changes decoded, {workload.changes + 1} made ({changes_so_far(source) - changes_before} by statistics)")
    say(f"{workload.title}: {transactions} transactions ready")
    ways = [(workload.way, by_rows), ("walbridge", by_walbridge)]
    for number in range(rounds):
        for label, way in ways if number % 2 == 0 else ways[::-1]:
            server.restore()
            row = {"seconds": None, "ok": False}
            try:
                row |= way(source, target, work, sections)
                wrong = wrong_tables(source, target, [*workload.compared, "bench_marker"])
                row |= {"ok": not wrong, "outcome": f"differs: {wrong}" if wrong else "verified"}
            except DidNotFinish as error:
                row["outcome"] = f"did not finish ({error})"
            except Exception as error:
                row["outcome"] = f"failed: {str(error)[:500]}"
                traceback.print_exc()
            told(results, say, workload.name, label, number, row)
        results.save()
    server.restore()
    server.clean()
    slots.drop(source, slots.BASE)


def by_rows(source, target, work, sections):
    watch = Stopwatch(source.cluster, target.server)
    done = by_hand.run_rows(target, work)
    return {"seconds": done["seconds"], **watch.used()}


def by_walbridge(source, target, work, sections):
    slots.copy_base(source, SLOT, "walbridge")
    applier = applier_for(source, target, sections, stages=["schema", "full", "incremental"])
    marker = MarkerWatch(target)
    try:
        clock = Stopwatch(source.cluster, target.server)
        applier.start()
        marker.wait(MARKER, LIMIT, applier.check_alive)
        row = {"seconds": clock.seconds(), **clock.used(), "peak_rss": applier.peak_memory(), "process_cpu": process_cpu(applier.process.pid)}
        applier.stop(120)
        return row
    finally:
        marker.close()
        applier.kill()
        released(source)


def run(names, scale, source_server, server, rounds, sections, results, say, part):
    """part(name): a context that records what goes wrong in one workload and clears it away."""
    by_hand.compile_program()
    results.data["meta"].setdefault("settings", {})["MariaDB"] = server.settings_shown()
    for kind, run_one in ((Accounts, run_copy), *((backlog, run_backlog) for backlog in BACKLOGS)):
        if kind.name in names:
            workload = kind(scale)
            results.data["workloads"][kind.name] = {"title": workload.title, "changes": workload.changes, "way": kind.way, "aim": kind.aim}
            with part(kind.name):
                run_one(workload, source_server, server, rounds, sections, results, say)
