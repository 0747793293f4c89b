"""Slots of the source: one base slot per workload, and a copy of it for each run, so that all read the same WAL."""
from walbridge_testing.waiting import wait_until

BASE = "bench_base"


def create_base(database):
    """With the publication that pgoutput needs to be there before the changes."""
    database.sql("CREATE PUBLICATION bench FOR TABLES IN SCHEMA public")
    database.sql("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (BASE,))


def copy_base(database, name, plugin):
    """A fresh slot where the base slot stands, for whatever plugin."""
    drop(database, name)
    database.sql("SELECT pg_copy_logical_replication_slot(%s, %s, false, %s)", (BASE, name, plugin))


def drop(database, name):
    """When its last reader has gone."""
    def gone():
        rows = database.sql("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", (name,))
        if not rows:
            return True
        if rows[0][0] is None:
            database.sql("SELECT pg_drop_replication_slot(%s)", (name,))
        else:
            database.sql("SELECT pg_terminate_backend(%s)", (rows[0][0],))
        return False
    wait_until(gone, 30, f"slot {name} dropped", interval=0.02)


def drop_all(server):
    """Every slot of the server, to go on after a failure."""
    for database, name in server.sql("SELECT database, slot_name FROM pg_replication_slots"):
        drop(server.database(database), name)


def drop_origin(database, name):
    """When the last session that had it set up has gone; with those of walbridge's further apply sessions (name:1, ...)."""
    def gone():
        database.sql("SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = %s OR starts_with(roname, %s)",
                     (name, name + ":"))
        return True
    wait_until(gone, 30, f"origin {name} dropped", interval=0.02)
