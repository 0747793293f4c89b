# After a promotion of a standby the new primary has another slot, or none, or lost what the target holds: streaming on as
# if nothing had happened would leave a gap that nobody sees.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.cluster import Standby
from walbridge_testing.waiting import wait_until

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"


def standby_of(pair, **settings):
    standby = Standby(pair.source.cluster, f"{pair.name[:20]}_r", "standby_slot", settings)
    pair.clusters.append(standby)
    return standby.start()


def replayed(pair, standby):
    written = pair.source.scalar("SELECT pg_current_wal_flush_lsn()")
    wait_until(lambda: standby.scalar("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (written,)), 30, "the standby has it all")


def promote(pair, standby, applier):
    """The standby takes over; the task follows the address."""
    pair.source.cluster.stop("immediate")
    standby.sql("SELECT pg_promote(true, 60)")
    pair.source = standby.database(pair.name)
    applier.document["source"]["url"] = pair.source.url()
    applier.write_task()


def test_a_promoted_standby_without_the_slot(own_pair):
    pair = own_pair()
    pair.source.psql(TABLE)
    standby = standby_of(pair)
    applier = pair.run(slot={"failover": "off"})
    pair.source.psql("INSERT INTO t VALUES (1000, 'before')")
    applier.wait_caught_up()
    assert applier.stop() == Exit.ok
    replayed(pair, standby)
    promote(pair, standby, applier)
    pair.source.psql("INSERT INTO t VALUES (1001, 'after')")
    for _ in range(2):
        assert applier.start().wait_exit() == Exit.slot_missing, applier.log_tail()
    error = applier.status()["error"]
    assert "the source was promoted: timeline 1 ended at" in error["reason"]
    for words in ("1. The target holds everything that was committed up to", "2. If the old primary", "3. Else start over", "4. For the next"):
        assert words in error["remedy"], error
    assert ("sync_replication_slots" in error["remedy"]) == (standby.version() >= 17)
    # What the list says works.
    applier.cli("reset", "--truncate", "--yes", check=True)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_promoted_standby_that_the_target_is_ahead_of(own_pair):
    pair = own_pair()
    pair.source.psql(TABLE)
    standby = standby_of(pair)
    applier = pair.run(slot={"failover": "off"})
    replayed(pair, standby)
    standby.stop("immediate")
    pair.source.psql("INSERT INTO t VALUES (1000, 'the standby never got it')")
    applier.wait_caught_up()
    applier.stop()
    pair.source.cluster.stop("immediate")
    standby.start()
    promote(pair, standby, applier)
    for _ in range(2):
        assert applier.start().wait_exit() == Exit.source_restored, applier.log_tail()
    error = applier.status()["error"]
    assert "the new primary never received what the old one committed between" in error["reason"]
    assert "1. Decide whether those transactions are to live" in error["remedy"] and "3. Start over" in error["remedy"]


def synchronising(pair):
    if pair.source.cluster.version() < 17:
        pytest.skip("standbys keep logical slots from PostgreSQL 17 on")
    standby = standby_of(pair, sync_replication_slots="on", hot_standby_feedback="on")
    return standby


def synchronised(pair, standby):
    """The standby's copy of the slot is complete and as new as the original."""
    def done():
        pair.source.psql("SELECT pg_log_standby_snapshot()")
        rows = standby.sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s AND synced AND NOT temporary "
                           "AND invalidation_reason IS NULL", (f"walbridge_{pair.name}",))
        return bool(rows)
    wait_until(done, 60, "the slot is synchronised", interval=0.5)


def test_a_promoted_standby_with_the_slot_goes_on_with_nothing_lost(own_pair):
    pair = own_pair()
    standby = synchronising(pair)
    pair.source.psql(TABLE)
    applier = pair.applier(source={"heartbeat": "1s"})
    found = {f["id"]: f for f in applier.cli("precheck", "--json").json()["findings"]}["source.failover"]
    assert found["result"] == "warning" and "synchronized_standby_slots = 'standby_slot'" in found["fix"], found
    pair.source.cluster.set(synchronized_standby_slots="standby_slot")
    assert {f["id"]: f for f in applier.cli("precheck", "--json").json()["findings"]}["source.failover"]["result"] == "ok"
    applier.start()
    applier.wait_caught_up()
    assert pair.source.scalar("SELECT failover FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{pair.name}",))
    pair.source.psql("INSERT INTO t SELECT i, 'before' FROM generate_series(1000, 2000) i")
    applier.wait_caught_up()
    synchronised(pair, standby)
    pair.source.psql("UPDATE t SET v = 'last words of the old primary' WHERE id % 7 = 0")
    replayed(pair, standby)
    applier.kill()
    promote(pair, standby, applier)
    pair.source.psql("INSERT INTO t VALUES (3001, 'first of the new one'); DELETE FROM t WHERE id % 11 = 0")
    applier.start()
    applier.wait_caught_up()
    assert "the source was promoted and holds the stored position" in applier.log_text()
    pair.compare()


def test_changes_wait_for_the_standby_that_may_be_promoted(own_pair):
    pair = own_pair()
    standby = synchronising(pair)
    pair.source.psql(TABLE)
    pair.source.cluster.set(synchronized_standby_slots="standby_slot")
    applier = pair.run()
    standby.stop("immediate")
    pair.source.psql("INSERT INTO t VALUES (1000, 'not yet')")
    found = applier.cli("precheck", "--json", "--only", "source.failover").json()["findings"][0]
    assert found["result"] == "warning" and "held back" in found["reason"]
    assert applier.cli("wait", "--timeout", "3s").code == Exit.timeout
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id = 1000") == 0
    standby.start()
    applier.wait_caught_up()
    pair.compare()
    # The setting follows the file, also for a slot that is there.
    applier.stop()
    applier.document["slot"] = {"failover": "off"}
    applier.write_task()
    applier.start()
    applier.wait_caught_up()
    assert not pair.source.scalar("SELECT failover FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{pair.name}",))
