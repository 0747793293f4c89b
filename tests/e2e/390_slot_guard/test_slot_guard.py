# A slot that nobody reads from fills the source's disk until the source stops: the guard has to act while the task is
# paused, while its target is away and while it copies, and what it did must never be papered over by a new slot.
import subprocess

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"
GUARD = {"retained_limit": "96MB", "on_limit": "drop"}


def write_wal(database, megabytes=200):
    """Positions far apart, without writing that much: each switch begins a new segment of 16 MB."""
    connection = database.connect(autocommit=True)
    with connection.cursor() as cursor:
        for _ in range(megabytes // 16):
            cursor.execute("SELECT pg_logical_emit_message(false, 'tests', 'x')")
            cursor.execute("SELECT pg_switch_wal()")
    connection.close()


def slot_exists(pair):
    return pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{pair.name}",)) == 1


def test_a_paused_task_gives_its_slot_up_at_the_limit(pair):
    pair.source.psql(TABLE)
    applier = pair.run(slot=GUARD)
    applier.cli("pause", check=True)
    status = applier.status()["slot"]
    assert status["retained_limit"] == 96 << 20 and status["on_limit"] == "drop" and status["wal_status"] == "reserved"
    write_wal(pair.source)
    assert applier.wait_exit(30) == Exit.slot_limit, applier.log_tail()
    assert not slot_exists(pair)
    status = applier.status()
    assert status["state"] == "failed" and status["error"]["kind"] == "slot_limit" and "reset --truncate" in status["error"]["remedy"]
    for _ in range(2):      # a later start says the same and makes no new slot
        assert applier.start().wait_exit() == Exit.slot_limit
        assert not slot_exists(pair)
    assert "and was dropped" in applier.log_text()
    applier.cli("reset", "--truncate", "--yes", check=True)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_the_limit_holds_while_the_target_is_away(own_pair):
    pair = own_pair()
    pair.source.psql(TABLE)
    applier = pair.run(slot=GUARD)
    pair.target.cluster.crash()
    applier.wait_log("retrying")
    write_wal(pair.source)
    assert applier.wait_exit(40) == Exit.slot_limit, applier.log_tail()
    assert not slot_exists(pair)
    pair.target.cluster.start()
    # The target could not be told why. The source remembers it, without retaining any WAL for that.
    mark = "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = %s", (f"dropped_walbridge_{pair.name}",)
    assert pair.source.sql(*mark) == [(None,)]
    for _ in range(2):      # from the mark, then from the task's row
        assert applier.start().wait_exit() == Exit.slot_limit, applier.log_tail()
        assert "while the target could not be reached" in applier.status()["error"]["reason"]
        assert not slot_exists(pair)
    assert pair.source.sql(*mark) == []
    applier.cli("reset", "--truncate", "--yes", check=True)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_the_limit_holds_during_the_copy(pair):
    pair.source.psql(TABLE)
    blocker = pair.source.connect()
    blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    applier = pair.applier(slot=GUARD, task={"stages": ["full", "incremental"]})
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    blocker.rollback()
    blocker = pair.target.connect()     # the copy's first row waits
    blocker.cursor().execute("LOCK TABLE t IN SHARE MODE")
    applier.start()
    applier.wait_state("full")
    wait_until(lambda: applier.status()["slot"].get("exists"), 20, "the slot")
    write_wal(pair.source)
    wait_until(lambda: not slot_exists(pair), 30, "the slot is dropped", check=applier.check_alive)
    blocker.rollback()
    assert applier.wait_exit(30) == Exit.slot_limit, applier.log_tail()
    assert applier.start().wait_exit() == Exit.slot_limit


def test_what_the_task_costs_its_source_is_shown(pair):
    pair.source.psql(TABLE)
    applier = pair.run(source={"decoding_memory": "64kB"}, apply={"streaming": False})
    pair.source.psql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1000, 20000) i")
    applier.wait_caught_up()

    def spilled():
        cost = applier.status()["source_cost"]
        return cost["decoding"] is None or cost["decoding"]["spilled_bytes"] > 100_000
    wait_until(spilled, 30, "the spill is shown")
    cost = applier.status()["source_cost"]
    assert cost["walsender"]["state"] == "streaming" and cost["sessions"] >= 2
    assert cost["catalog_xmin_age"] >= 0 and cost["waiting_sessions"] == 0
    text = applier.cli("status", check=True).out
    assert "spilled" in text and "catalog_xmin" in text and "walsender streaming" in text


def test_locks_and_snapshots_of_the_copy_are_shown(pair):
    pair.source.psql(TABLE)
    pair.target.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE t IN SHARE MODE")
    applier = pair.applier(task={"stages": ["full", "incremental"]})
    applier.start()
    applier.wait_state("full")
    cost = wait_until(lambda: (lambda c: c and c["table_locks"] and c["oldest_snapshot_age"] is not None and c["oldest_transaction_seconds"] is not None and c)(applier.status()["source_cost"]), 30, "locks are shown")
    assert cost["table_locks"]["AccessShareLock"] >= 1 and cost["oldest_transaction_seconds"] > 0, cost
    blocker.rollback()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("owner", ["an_older_process", "somebody_else"])
def test_a_slot_that_is_still_held_is_waited_for(pair, owner):
    """The walsender of a process that ended a moment ago holds the slot for a while: a reset must not fail for it."""
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.stop()
    slot = f"walbridge_{pair.name}"
    wait_until(lambda: pair.source.scalar("SELECT NOT active FROM pg_replication_slots WHERE slot_name = %s", (slot,)), 20, "the slot is idle")
    name = f"{slot}:receiver" if owner == "an_older_process" else "psql"
    holder = subprocess.Popen([pair.source.cluster.bin / "pg_recvlogical", "-d", pair.source.url(application_name=name), "--slot", slot, "--start",
                               "--no-loop", "-o", "proto_version=1", "-f", "/dev/null"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: pair.source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (slot,)), 20, "it is held")
        command = applier.spawn("reset", "--truncate", "--yes")
        if owner == "somebody_else":    # not ours to end
            wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'walbridge:reset' "
                                                  "AND query LIKE '%%pg_replication_slots%%'") == 1, 20, "the reset waits")
            assert command.poll() is None and slot_exists(pair) and holder.poll() is None
            holder.terminate()
        assert command.wait(30) == 0, applier.log_tail()
    finally:
        holder.kill()
        holder.wait()
    assert not slot_exists(pair)


def test_what_the_server_keeps_is_a_finding_of_precheck(pair):
    applier = pair.applier(slot={"failover": "on"})
    findings = {f["id"]: f for f in applier.cli("precheck", "--json").json()["findings"]}
    assert findings["source.retention"]["result"] == "ok" and "without a limit" in findings["source.retention"]["reason"]
    if pair.source.cluster.version() < 17:
        assert findings["source.failover"]["result"] == "error" and "auto" in findings["source.failover"]["fix"]
    else:
        assert findings["source.failover"]["result"] == "ok"


@pytest.mark.parametrize("slot, word", [({"on_limit": "drop"}, "slot.on_limit"), ({"on_limit": "spool"}, "spool"),
                                        ({"retained_limit": "1GB", "retained_warning": "2GB"}, "slot.retained_warning")])
def test_settings_that_contradict_each_other_are_refused(pair, slot, word):
    result = pair.applier(slot=slot).cli("precheck")
    assert result.code == Exit.configuration and word in result.err
