"""The demo: two private servers, a shop with difficult types, pgbench writing all the time, one walbridge task between them."""
import os
import subprocess
import sys
import time
from difflib import unified_diff
from pathlib import Path

from walbridge_testing.applier import Applier, binary, task
from walbridge_testing.cluster import LOCALE, Cluster, base_directory
from walbridge_testing.compare import Difference, compare
from walbridge_testing.schema_dump import schema_dump

HERE = Path(__file__).resolve().parent
TRAFFIC = int(os.environ.get("SECONDS_OF_TRAFFIC") or 30)
SCALE = int(os.environ.get("SCALE") or 15)
KEEP = bool(os.environ.get("KEEP"))
COLOUR = sys.stdout.isatty()


def say(text):
    print(f"\n\033[1m{text}\033[0m" if COLOUR else f"\n== {text}", flush=True)


def pgbench(database, *arguments, wait=True):
    cluster = database.cluster
    command = [str(cluster.bin / "pgbench"), "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres", *map(str, arguments), database.name]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": LOCALE}
    log = open(base_directory() / "pgbench.log", "a")
    if wait:
        return subprocess.run(command, env=environment, check=True, stdout=log, stderr=log)
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def show_status(applier):
    result = applier.cli("status")
    print("\n".join("    " + line for line in (result.out or result.text).rstrip().splitlines()), flush=True)


def main():
    began = time.monotonic()
    say("1. Two PostgreSQL servers of our own, source and target")
    source_cluster = Cluster("source", {"session_preload_libraries": "walbridge"}).start()     # sees DDL from its beginning
    target_cluster = Cluster("target").start()
    source, target = source_cluster.create_database("shop"), target_cluster.create_database("shop")
    print(f"    source port {source_cluster.port}, target port {target_cluster.port}, {source_cluster.sql('SHOW server_version')[0][0]}")

    say("2. A database worth copying: enums, domains, composites, ranges, partitions, generated columns, odd names, and pgbench's tables")
    for database in (source, target):
        database.psql("CREATE EXTENSION walbridge")         # captures DDL here, confines it there
    source.psql((HERE / "schema.sql").read_text())
    pgbench(source, "-i", "-q", "-s", SCALE)
    source.psql("ALTER TABLE pgbench_history REPLICA IDENTITY FULL")      # it has no key
    print(f"    {source.scalar('SELECT pg_size_pretty(pg_database_size(current_database()))')}, the target is empty")

    say(f"3. Traffic starts: pgbench and the shop write to the source for {TRAFFIC} s, before, during and after the copy")
    writers = [pgbench(source, "-n", "-c", 2, "-R", 300, "-T", TRAFFIC, wait=False),
               pgbench(source, "-n", "-c", 2, "-R", 60, "-T", TRAFFIC, "-f", HERE / "live.sql", wait=False)]

    say("4. One task file, one command")
    applier = Applier(task("demo", source.url(), target.url(), copy={"workers": 2}), base_directory() / "demo")
    print("\n".join("    " + line for line in applier.task_file.read_text().splitlines() if line))
    print(f"    $ walbridge run {applier.task_file}")
    try:
        applier.start()
        started = time.monotonic()
        moments = [1.5, TRAFFIC * 0.3]          # during the copy, then while following
        deploy_at, kill_at = TRAFFIC * 0.4, TRAFFIC * 0.6
        while any(writer.poll() is None for writer in writers):
            applier.check_alive()
            elapsed = time.monotonic() - started
            if moments and elapsed > moments[0]:
                moments.pop(0)
                say(f"   walbridge status, {elapsed:.0f} s after its start")
                show_status(applier)
            if deploy_at and elapsed > deploy_at:
                deploy_at = None
                say("   a deployment on the source, in the middle of the traffic (demo/deploy.sql)")
                source.psql((HERE / "deploy.sql").read_text())
            if kill_at and elapsed > kill_at:
                kill_at = None
                say("   kill -9 of walbridge, and a new start: it goes on where the target's data stands")
                applier.kill()
                applier.start()
            time.sleep(0.2)
        for writer in writers:
            if writer.returncode != 0:
                raise RuntimeError("pgbench failed:\n" + (base_directory() / "pgbench.log").read_text()[-3000:])

        say("5. The traffic ends. walbridge wait returns when everything committed on the source is durable on the target")
        waited = time.monotonic()
        applier.wait_caught_up(120)
        print(f"    after {time.monotonic() - waited:.2f} s")
        show_status(applier)

        say("6. The schema, then every table, row by row")
        source_schema, target_schema = schema_dump(source), schema_dump(target)
        if source_schema != target_schema:
            raise Difference("the schemas differ:\n" + "\n".join(unified_diff(source_schema, target_schema, "source", "target", lineterm="")))
        print(f"    {len(source_schema)} lines of definitions, equal")
        counts = compare(source, target)
        width = max(map(len, counts))
        for table, rows in counts.items():
            print(f"    {table:<{width}} {rows:>9} rows, equal")
        parts = source.scalar("SELECT sum(n) FROM (SELECT count(*) AS n FROM shop.purchase) x")     # counted with their parent
        print(f"\n    {len(counts)} tables, {sum(counts.values()) - parts} rows: source and target are equal")
        equal = True
    except (Difference, AssertionError) as error:
        print(error)
        kept = HERE.parent / "build" / "demo-task.log"
        kept.write_text(applier.log_text())
        print(f"    end of the task's log (all of it: {kept}):\n{applier.log_tail(20)}")
        equal = False

    say("How to look further")
    for label, database in (("source", source), ("target", target)):
        print(f"    {label}: psql -h 127.0.0.1 -p {database.cluster.port} -U postgres {database.name}")
    print(f"    {binary()} status {applier.task_file}\n    {binary()} status --json {applier.task_file}\n"
          f"    less {applier.log}\n"
          f"    with your own databases: docs/getting-started.md")
    if KEEP and equal:
        print(f"\n    All of it keeps running. Write to the source and look at the target; to end it:\n"
              f"    {binary()} stop {applier.task_file}")
        for cluster in (source_cluster, target_cluster):
            user = "runuser -u postgres -- " if os.geteuid() == 0 else ""
            print(f"    {user}{cluster.bin}/pg_ctl -D {cluster.data} -m immediate stop")
        print(f"    rm -rf {base_directory()}")
        sys.stdout.flush()
        os._exit(0)         # the servers and the task outlive this process
    else:
        print("    (KEEP=1 make demo leaves all of it running)")
    applier.stop()
    print(f"\n{'demo passed' if equal else 'demo FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
