# Another source answers under the old address, or the slot moved on without us: streaming would go on with a silent gap.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"


def stopped_task(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.source.psql("INSERT INTO t VALUES (1000, 'while running')")
    applier.wait_caught_up()
    assert applier.stop() == Exit.ok
    pair.source.psql("INSERT INTO t VALUES (1001, 'while stopped')")
    return applier


def slot_free(pair, slot):
    wait_until(lambda: pair.source.scalar("SELECT active_pid IS NULL FROM pg_replication_slots WHERE slot_name = %s", (slot,)), 15, "slot is free")


def refused(applier, code, *words):
    for _ in range(2):      # a second start says the same: the first has changed nothing
        assert applier.start().wait_exit() == code, applier.log_tail()
    for word in words:
        assert word in applier.log_text()


def test_a_dropped_slot(pair):
    applier = stopped_task(pair)
    slot = f"walbridge_{pair.name}"
    slot_free(pair, slot)
    pair.source.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
    refused(applier, Exit.slot_missing, slot)
    assert applier.cli("reset", "--truncate", "--yes").code == Exit.ok
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_slot_that_was_created_again(pair):
    applier = stopped_task(pair)
    slot = f"walbridge_{pair.name}"
    slot_free(pair, slot)
    pair.source.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
    pair.source.sql("SELECT pg_create_logical_replication_slot(%s, 'walbridge')", (slot,))
    refused(applier, Exit.slot_recreated, slot)


def test_a_slot_that_was_advanced(pair):
    applier = stopped_task(pair)
    slot = f"walbridge_{pair.name}"
    slot_free(pair, slot)
    pair.source.sql("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", (slot,))
    refused(applier, Exit.slot_advanced, slot)


def test_another_database_under_the_same_name(pair):
    applier = stopped_task(pair)
    slot_free(pair, f"walbridge_{pair.name}")
    cluster = pair.source.cluster
    aside = pair.name + "_aside"
    cluster.sql(f"ALTER DATABASE {pair.name} RENAME TO {aside}")
    try:
        cluster.sql(f"CREATE DATABASE {pair.name}")
        pair.source.psql(TABLE)
        refused(applier, Exit.database_replaced, pair.name)
    finally:
        cluster.drop_database(aside)


def test_another_cluster_under_the_same_address(pair, own_pair):
    applier = stopped_task(pair)
    other = own_pair()
    other.source.psql(TABLE)
    applier.document["source"]["url"] = other.source.url()
    applier.write_task()
    refused(applier, Exit.source_replaced)


def test_a_source_restored_from_an_older_copy(own_pair):
    pair = own_pair()
    pair.source.psql(TABLE)
    applier = pair.run()
    assert applier.stop() == Exit.ok
    cluster = pair.source.cluster
    cluster.stop("fast")
    saved = cluster.copy_data_to("older")
    cluster.start()
    applier.start()
    pair.source.psql("INSERT INTO t SELECT i, 'lost by the restore' FROM generate_series(2000, 3000) i")
    applier.wait_caught_up()
    applier.stop()
    cluster.stop("fast")
    cluster.replace_data_with(saved)
    cluster.start()
    # The same system identifier, the same slot, an older position: our position lies in its future, or in another history.
    refused(applier, Exit.source_restored)
    pair.source.psql("CREATE TABLE filler AS SELECT generate_series(1, 20000) i; DROP TABLE filler")
    refused(applier, Exit.source_restored)


def test_a_promoted_history_that_contains_our_position_is_fine(own_pair):
    """A higher timeline that branched off after our position holds everything we have."""
    pair = own_pair()
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.source.psql("INSERT INTO t VALUES (1000, 'before')")
    applier.wait_caught_up()
    applier.stop()
    cluster = pair.source.cluster
    cluster.stop("fast")
    cluster._run("touch", cluster.data / "standby.signal")
    with open(cluster.data / "postgresql.auto.conf", "a") as conf:
        conf.write("hot_standby = on\n")
    cluster.start()
    # On 15 a standby with logical slots of its own refuses nothing; promotion makes timeline 2.
    cluster.sql("SELECT pg_promote(true, 60)")
    wait_until(lambda: cluster.scalar("SELECT timeline_id FROM pg_control_checkpoint()") == 2 and not cluster.scalar("SELECT pg_is_in_recovery()"), 30, "timeline 2")
    pair.source.psql("INSERT INTO t VALUES (1001, 'after')")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_no_false_alarm_after_an_idle_night(own_pair):
    """Other databases write, the server restarts, the slot moves with keepalives: all of it with no change of ours."""
    pair = own_pair()
    cluster = pair.source.cluster
    pair.source.psql(TABLE)
    applier = pair.run(source={"heartbeat": "1s"})
    slot = f"walbridge_{pair.name}"
    confirmed = lambda: cluster.scalar("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", (slot,))
    for night in range(3):
        cluster.psql("CREATE TABLE noise AS SELECT generate_series(1, 20000) i; DROP TABLE noise; SELECT pg_switch_wal(); CHECKPOINT;")
        written = cluster.scalar("SELECT pg_current_wal_lsn()")
        applier.wait_until(lambda: cluster.scalar("SELECT %s::pg_lsn >= %s::pg_lsn", (confirmed(), written)), 40, "the idle slot advances")
        if night == 0:
            applier.kill()
        elif night == 1:
            cluster.restart()
            continue
        else:
            applier.stop()
            cluster.crash()
            cluster.start()
        applier.start()
        applier.wait_caught_up()
    pair.source.psql("INSERT INTO t VALUES (1000, 'morning')")
    applier.wait_caught_up()
    pair.compare()
