"""What the stories about changing a running task share."""
import contextlib
import time

from .nodes import KeyLoad
from .waiting import wait_until

TABLES = ("stays", "moves", "large")


def objects(applier, *arguments):
    """What `walbridge objects` says of each table, by name."""
    document = applier.cli("objects", "--json", *arguments, check=True).json()
    return {f"{t['schema']}.{t['table']}": t for t in document["tables"]}


def settled(applier, deadline=120):
    """Nothing is under way any more, and nothing failed."""
    def none_open():
        document = applier.cli("objects", "--json").json()
        failed = [c for c in document["changes"] if c["state"] == "failed"]
        assert not failed, failed
        return all(c["state"] in ("done", "cancelled") for c in document["changes"])
    applier.wait_until(none_open, deadline, "no change of the tables is under way")


@contextlib.contextmanager
def copy_held_back(target):
    """Sync tasks have planned and create their tables (on PostgreSQL), and do not begin to read rows while the body runs. Gives a
    condition: one of them has come so far."""
    target.psql("""CREATE FUNCTION wait_before_the_data() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(620); RETURN NULL; END';
        CREATE TRIGGER wait_before_the_data AFTER UPDATE OF done ON walbridge.schema_item FOR EACH ROW WHEN (NEW.done AND NEW.object_type = 'TABLE' AND NEW.task ~ '_sync_[0-9]+$')
        EXECUTE FUNCTION wait_before_the_data(); ALTER TABLE walbridge.schema_item ENABLE ALWAYS TRIGGER wait_before_the_data""")
    with target.connect(autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(620)")
        yield lambda: target.scalar("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 620") > 0
        cursor.execute("SELECT pg_advisory_unlock(620)")


def survive_kills(pair, seeded, kills, pause):
    """Kills an applier at random moments while the tables moves and large come, go and are copied once more under load."""
    applier = pair.applier(include=["public.stays", "public.moves"], copy={"chunk_bytes": "512kB", "workers": 2})
    applier.start()
    applier.wait_caught_up(90)
    loads = [KeyLoad(pair.source, 0, clients=1, table=table, pause=pause).start() for table in TABLES]
    done = {}
    try:
        for number in range(kills):
            applier.wait_state({"running", "catching-up"}, 60)
            table = seeded.choice(("moves", "large", "large"))
            selected = objects(applier, "--all")[f"public.{table}"]["selected"]
            command = seeded.choice((("objects", "remove"), ("resync",), ("resync",))) if selected else ("objects", "add", "--truncate")
            process = applier.spawn(command[0], *command[1:], f"public.{table}")
            # The moment is the random variable of this test: there is no condition to wait for.
            time.sleep(seeded.uniform(0.1, 4 if command[-1] != "remove" else 1))
            applier.kill()
            process.wait(60)
            applier.start()
            done[command[:2]] = done.get(command[:2], 0) + 1
            if number % 3 == 2:
                settled(applier)
    finally:
        for load in loads:
            load.stop()
    print(f"survived {kills} kills: {done}")
    settled(applier)
    for table in ("moves", "large"):
        if not objects(applier, "--all")[f"public.{table}"]["selected"]:
            applier.cli("objects add", "--truncate", "--wait", after=[f"public.{table}"], check=True, timeout=120)
    applier.wait_caught_up(120)
    applier.check_alive()
    pair.compare()
    wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE %s", (f"%{pair.name}\\_sync%",)) == 0, 20, "no slot of a sync task is left")
    return applier
