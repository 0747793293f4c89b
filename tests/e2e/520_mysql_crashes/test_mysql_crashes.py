# A kill at the wrong instant: a transaction twice, half or not at all on MySQL, or a copied chunk counted that is not there.
import signal
import time

import pymysql
import pytest
from walbridge_testing import tpcc
from walbridge_testing.applier import Exit
from walbridge_testing.fixtures import SOAK
from walbridge_testing.waiting import wait_until

KILLS = 50 if SOAK else 9


def whole(database):
    """Raises unless the target shows whole transactions; nothing to see while it is down or not yet copied."""
    try:
        with database.connect() as connection, connection.cursor() as cursor:
            broken = tpcc.broken_rules(cursor)
    except pymysql.Error:
        return False
    assert not broken, broken
    return True


@pytest.mark.heavy
@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_kills_of_applier_and_target_under_load(own_mysql_pair, seeded, bulk):
    """The first third strikes during the copy. Afterwards both sides are equal to the last row."""
    pair = own_mysql_pair()
    pair.source.psql(tpcc.SCHEMA + tpcc.fill(10 if SOAK else 2) + "CREATE TABLE ballast (id int PRIMARY KEY, v text); INSERT INTO ballast SELECT i, repeat(md5(i::text), 5) FROM generate_series(1, 20000) i; ANALYZE")
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB", "key_chunk_bytes": "256kB"}, apply={"bulk": bulk})
    done, looks = {"applier": 0, "target": 0}, 0
    with tpcc.Terminals(pair.source, seed=seeded.random()) as terminals:
        applier.start()
        for round in range(KILLS):
            during_copy = round < KILLS // 3
            # The moment is the random variable of this test: there is no condition to wait for.
            time.sleep(seeded.uniform(0.05, 0.6 if during_copy else 1.5))
            victim = seeded.choice(["applier", "applier", "target"])
            if victim == "applier":
                if not during_copy and seeded.random() < 0.3:
                    applier.check_alive()
                applier.kill()
                applier.start()
            else:
                pair.server.kill9()
                pair.server.start()
                applier.check_alive()
            if round == KILLS // 3:
                applier.wait_caught_up(120)
            if round >= KILLS // 3:
                looks += whole(pair.target)
            done[victim] += 1
        seen = terminals.transactions
        wait_until(lambda: terminals.transactions > seen + 50, 60)
    print(f"survived {done}, {terminals.transactions} transactions")
    applier.wait_caught_up(300)
    applier.check_alive()
    assert looks > KILLS // 3 and whole(pair.target)
    counts = pair.compare()
    assert counts["public.ballast"] == 20000 and counts["public.order_line"] > 100
    with pair.source.connect() as connection, connection.cursor() as cursor:
        assert tpcc.broken_rules(cursor) == {}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_without_an_answer_lands_once(own_mysql_pair, moment):
    """The server dies around the COMMIT; what it made durable counts, and nothing else."""
    pair = own_mysql_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 50) i; CREATE TABLE log (id int); ALTER TABLE log REPLICA IDENTITY FULL")
    applier = pair.run()
    for round in range(3):
        if moment == "before":      # it waits in the middle of its transaction
            blocker = pair.target.connect()
            blocker.cursor().execute("SELECT * FROM t WHERE id = 25 FOR UPDATE")
        pair.source.psql(f"BEGIN; INSERT INTO log VALUES ({round}); UPDATE t SET n = n + 1; INSERT INTO log VALUES ({round}); COMMIT")
        if moment == "before":
            wait_until(lambda: pair.server.lock_waits() > 0, 20, "the applier waits for the lock")
        else:
            wait_until(lambda: pair.target.scalar("SELECT n FROM t WHERE id = 50") > round, 20, "the commit is visible", interval=0.001)
        pair.server.kill9()
        pair.server.start()
        applier.wait_caught_up(90)      # or the pauses between attempts would grow from round to round
        assert pair.compare() == {"public.t": 50, "public.log": 2 * (round + 1)}
    applier.check_alive()


def test_the_target_may_be_away_for_a_while(own_mysql_pair):
    pair = own_mysql_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')")
    applier = pair.run()
    pair.server.stop()
    pair.source.psql("INSERT INTO t SELECT i, 'b' FROM generate_series(2, 2000) i; UPDATE t SET v = 'c' WHERE id % 2 = 0")
    applier.wait_log("(?i)trying again|retry", 30)
    applier.check_alive()
    pair.server.start()
    applier.wait_caught_up()
    pair.compare()


def test_an_old_process_that_wakes_up_is_fenced(mysql_pair):
    """The old process holds an open target transaction when the new one takes over: its work must land once."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)")
    pair.source.sql(f"ALTER DATABASE {pair.name} SET wal_sender_timeout = '2s'")
    old = pair.run()
    new = pair.applier()
    new.log = new.log.with_suffix(".new.log")
    blocker = pair.target.connect()
    blocker.cursor().execute("SELECT * FROM t WHERE id = 1 FOR UPDATE")
    pair.source.psql("UPDATE t SET n = n + 1; INSERT INTO t VALUES (2, 0)")
    wait_until(lambda: pair.server.lock_waits() > 0, 20, "the old process waits")
    old.signal(signal.SIGSTOP)
    blocker.rollback()
    blocker.close()
    try:
        def taken_over():
            """the new process streams"""
            if not new.is_running():
                if new.process is not None:
                    assert new.process.returncode == Exit.slot_in_use, new.log_tail()
                new.start()
            return pair.source.scalar("SELECT count(*) FROM pg_stat_replication WHERE application_name LIKE %s AND state = 'streaming'",
                                      (f"walbridge_{pair.name}%",)) == 1 and new.is_running() and "stream" in new.log_text()
        wait_until(taken_over, 30, interval=0.3)
    finally:
        old.signal(signal.SIGCONT)
    assert old.wait_exit(30) in (Exit.fenced, Exit.slot_in_use)
    pair.source.psql("UPDATE t SET n = n + 1")
    new.wait_caught_up()
    assert pair.target.sql("SELECT * FROM t ORDER BY 1") == [(1, 2), (2, 1)]
    pair.compare()


def test_a_long_silence_ends_no_session(own_mysql_pair):
    """MySQL ends sessions that are idle for wait_timeout; a session sets its own."""
    pair = own_mysql_pair({"wait_timeout": 2, "interactive_timeout": 2})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run()
    quiet_until = time.monotonic() + 4
    wait_until(lambda: time.monotonic() > quiet_until, 10)
    pair.source.psql("INSERT INTO t VALUES (1, 'after the silence')")
    applier.wait_caught_up()
    pair.compare()
    assert "gone away" not in applier.log_text()
