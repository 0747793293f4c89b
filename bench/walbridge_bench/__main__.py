"""The front door: chooses, runs workload by workload, writes results."""
import argparse
import contextlib
import datetime
import shlex
import signal
import sys
import time
import traceback
from pathlib import Path

from walbridge_testing.applier import ROOT
from walbridge_testing.cluster import pg_bindir

from . import apply, copy, decode, latency, machine, registry, report, servers, slots, workloads
from .mariadb import runs as mariadb_runs, server as mariadb_server
from .prepared import Prepared
from .results import Results

COPIES = {"one_table": copy.Big, "small_tables": copy.Small}
NAMES = [kind.name for kind in workloads.ALL] + ["latency", *COPIES, *mariadb_runs.NAMES]
QUICK_PEERS = ["native", "native_plain", "walbridge", "native_sync", "walbridge_sync"]
BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.0f} s] {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description="walbridge and its peers on the same servers and the same WAL; bench/README.md "
                                     "describes the method.")
    parser.add_argument("--workloads", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="native, native_plain, pglogical, pgcopydb, walbridge, walbridge_origins, native_sync, walbridge_sync")
    parser.add_argument("--parts", nargs="+", choices=["apply", "decode"], default=["apply", "decode"], help="of the workloads with a backlog")
    parser.add_argument("--decoders", nargs="+", choices=[decoder.name for decoder in decode.ALL], metavar="NAME",
                        help="for decoding alone: " + "; ".join(decoder.name for decoder in decode.ALL))
    parser.add_argument("--rounds", type=int, default=3, help="runs of each peer, alternating (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on every count (0.05 for a look)")
    parser.add_argument("--latency-seconds", type=float, default=30, help="length of a latency run (default 30)")
    parser.add_argument("--latency-rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="half the sizes, native and walbridge and the essential plugins only: ten minutes, marked as such")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one round, results in build/bench: does the machinery work?")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for walbridge's task file, e.g. apply.workers=2")
    parser.add_argument("--out", type=Path, help="folder for the results (default bench/results)")
    parser.add_argument("--name", help="name of the result files (default: today's date)")
    parser.add_argument("--render", type=Path, metavar="JSON", help="writes table and picture of an earlier run again, measures nothing")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.scale, chosen.latency_seconds, chosen.latency_rounds = chosen.scale * 0.5, 10, 1
        chosen.peers = chosen.peers or QUICK_PEERS
        chosen.decoders = chosen.decoders or decode.ESSENTIAL
    if chosen.smoke:
        chosen.scale, chosen.rounds, chosen.latency_seconds, chosen.latency_rounds = 0.002, 1, 1, 1
        chosen.out = chosen.out or ROOT / "build/bench"
        chosen.peers = chosen.peers or QUICK_PEERS
    return chosen


def task_sections(words):
    """{"apply": {"workers": 2}} from ["apply.workers=2"]."""
    sections = {}
    for word in words:
        key, _, text = word.partition("=")
        section, _, name = key.partition(".")
        value = {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)
        sections.setdefault(section, {})[name] = value
    return sections


@contextlib.contextmanager
def timed(results, name):
    began = time.monotonic()
    yield
    results.data["minutes"][name] = round((time.monotonic() - began) / 60, 2)


@contextlib.contextmanager
def part(results, name, source, target):
    """One workload: what goes wrong in it is recorded, cleared away, and the next one goes on."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        results.data["failed"][name] = (str(error).splitlines() or [type(error).__name__])[0]
        target.preload("")
        target.drop_databases()
        target.sql("SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin")
        slots.drop_all(source)
    results.save()


def measure(chosen, results):
    peers = [peer for peer in registry.all_peers(task_sections(chosen.set)) if not chosen.peers or peer.name in chosen.peers]
    if unknown := set(chosen.peers or ()) - {peer.name for peer in peers}:
        raise SystemExit(f"no such peer: {', '.join(unknown)}")
    lib = Path(pg_bindir()) / "../lib/pglogical.so"
    peers = registry.available(peers, results.data["not_available"], lib.exists())
    source, target = servers.start(any(peer.name == "pglogical" for peer in peers))
    results.data["meta"] |= machine.describe(source, target)
    for kind in workloads.ALL:
        if kind.name not in chosen.workloads:
            continue
        workload = kind(chosen.scale)
        results.data["workloads"][kind.name] = {"title": kind.title, "changes": workload.changes, "transactions": workload.transactions,
                                                "aim": kind.aim}
        here = registry.peers_for(workload, peers) if "apply" in chosen.parts else []
        decoded = "decode" in chosen.parts and workload.decoded
        if not here and not decoded:
            continue
        with part(results, kind.name, source, target):
            with timed(results, f"{kind.name}: prepare"):
                prepared = Prepared(workload, source, target, here, say)
            if here:
                with timed(results, f"{kind.name}: apply"):
                    apply.run_rounds(prepared, chosen.rounds, results, say)
            if decoded:
                with timed(results, f"{kind.name}: decode"):
                    decode.run(prepared, chosen.rounds, chosen.decoders, results, say)
            prepared.drop()
    if "latency" in chosen.workloads:
        with part(results, "latency", source, target), timed(results, "latency"):
            live = [peer for peer in peers if peer.name in ("native", "pglogical", "walbridge")]
            latency.run(workloads.TpcB(chosen.scale), source, target, live, chosen.latency_rounds, chosen.latency_seconds, results, say)
    for name, kind in COPIES.items():
        if name in chosen.workloads:
            with part(results, name, source, target), timed(results, name):
                copy.run(kind(chosen.scale), source, target, chosen.rounds, results, say)
    if to_mariadb := [name for name in mariadb_runs.NAMES if name in chosen.workloads]:
        measure_mariadb(chosen, to_mariadb, source, target, results)


def measure_mariadb(chosen, names, source, target, results):
    """The rows whose target is a MariaDB server, in place of the one of PostgreSQL."""
    if not mariadb_server.installed():
        results.data["not_available"]["mariadb"] = "no MariaDB server installed (scripts/deps)"
        return
    server = mariadb_server.Target("mariadb").start()

    @contextlib.contextmanager
    def one(name):
        with part(results, name, source, target), timed(results, name):
            try:
                yield
            except Exception:
                server.restart("immediate")
                server.clear()
                raise

    try:
        mariadb_runs.run(names, chosen.scale, source, server, chosen.rounds, task_sections(chosen.set), results, say, one)
    finally:
        server.destroy()


def main():
    def leave(number, frame):       # through the handlers that stop the servers
        raise KeyboardInterrupt(f"signal {number}")
    signal.signal(signal.SIGTERM, leave)
    chosen = arguments()
    if chosen.render:
        report.write(Results.load(chosen.render), chosen.render.with_suffix(""))
        return
    folder = chosen.out or ROOT / "bench/results"
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / (chosen.name or datetime.date.today().isoformat())
    results = Results(base.with_suffix(".json"))
    results.data["meta"] = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                            "command": shlex.join(["bench/run", *sys.argv[1:]]), "scale": chosen.scale, "rounds": chosen.rounds,
                            "quick": chosen.quick}
    try:
        measure(chosen, results)
    finally:
        results.data["meta"]["minutes"] = round((time.monotonic() - BEGAN) / 60, 1)
        results.save()
        report.write(results, base)
    say(f"results in {base}.md, .svg, .json")
    broken = [row for section in ("apply", "copy", "latency", "mariadb") for row in results.data[section]
              if row["peer"].startswith("walbridge") and not row["ok"]]
    if broken or results.data["failed"]:
        raise SystemExit(f"walbridge failed in {len(broken)} runs; parts that failed: {list(results.data['failed'])}; see {base}.md")


if __name__ == "__main__":
    main()
