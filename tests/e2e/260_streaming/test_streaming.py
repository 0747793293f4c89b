# Transactions that arrive while they are in progress: applied twice, out of order, with what was rolled back, or holding
# up everybody else on the target until they end.
import threading

import pytest
from walbridge_testing.applier import Exit

TABLES = """CREATE TABLE t (id int PRIMARY KEY, v text, n int); CREATE TABLE s (id int PRIMARY KEY, v text);
    INSERT INTO t SELECT i, 'before', i FROM generate_series(1, 1000) i; INSERT INTO s SELECT i, 'before' FROM generate_series(1, 100) i;"""
EARLY = "committed a streamed transaction that was applied while it was in progress"
GAVE_UP = "a streamed transaction is rolled back on the target and waits for its commit"
ROWS = "INSERT INTO t SELECT i, md5(i::text), i FROM generate_series(%s, %s) i"


def start(pair, apply=None, **options):
    options.setdefault("log", {"level": "debug"})
    return pair.run(source={"decoding_memory": "64kB"}, apply=apply or {}, **options)


def applied_early(pair, sessions=1):
    """So many transactions of sessions for streamed transactions are open on the target."""
    return pair.target.scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_xid IS NOT NULL "
                              "AND application_name LIKE %s", (pair.name, f"walbridge_{pair.name}:apply %")) >= sessions


def open_stream(pair, low, high):
    """A transaction on the source that is large enough to be sent before it ends."""
    connection = pair.source.connect()
    connection.cursor().execute(ROWS % (low, high))
    return connection


def test_commits_between_the_blocks_arrive_before_the_large_transaction(pair):
    pair.source.psql(TABLES)
    applier = start(pair)
    large = open_stream(pair, 2001, 6000)
    for number in range(1, 21):
        pair.source.psql(f"INSERT INTO s VALUES (1000 + {number}, 'between'); UPDATE t SET n = -n WHERE id = {number}; DELETE FROM s WHERE id = {number}")
        large.cursor().execute(ROWS % (10000 + number * 1000, 10999 + number * 1000))
    large.cursor().execute("UPDATE t SET v = v || '!' WHERE id > 2000; DELETE FROM t WHERE id % 7 = 0 AND id > 2000; UPDATE t SET id = id + 100000 WHERE id BETWEEN 3000 AND 3100")
    applier.wait_until(lambda: applied_early(pair), 30, "the large transaction is applied while it is in progress")
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM s WHERE v = 'between'") == 20, 30)
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id > 2000") == 0
    large.commit()
    applier.wait_caught_up()
    pair.compare()
    assert EARLY in applier.log_text()
    assert GAVE_UP not in applier.log_text()


def test_the_first_that_arrives_after_a_start_need_not_wait_for_its_commit(pair):
    """The stream begins behind the copy: nothing about the copied tables is left to be decided by the commit's position."""
    pair.source.psql(TABLES)
    applier = start(pair)
    applier.stop()
    large = open_stream(pair, 2001, 6000)
    applier.start()
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    large.commit()
    applier.wait_caught_up()
    pair.compare()
    assert GAVE_UP not in applier.log_text()


@pytest.mark.parametrize("memory", ["32MB", "64kB"], ids=["memory", "file"])
def test_rolled_back_subtransactions_leave_nothing(pair, memory):
    pair.source.psql(TABLES + """CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        FOR i IN low .. high LOOP BEGIN
            INSERT INTO t VALUES (i, repeat('x', 100), i);
            IF i % 5 = 0 THEN RAISE EXCEPTION 'no'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$""")
    applier = start(pair, apply={"spool_memory": memory})
    large = open_stream(pair, 2001, 5000)
    cursor = large.cursor()
    cursor.execute("SAVEPOINT a; " + ROWS % (5001, 8000) + "; SAVEPOINT b; " + ROWS % (8001, 11000) + "; ROLLBACK TO a; " + ROWS % (5001, 6000))
    cursor.execute("SAVEPOINT c; " + ROWS % (11001, 14000) + "; RELEASE c; SELECT fill(20001, 22000); DELETE FROM t WHERE id = 2001")
    pair.source.psql("INSERT INTO s VALUES (1000, 'between')")
    large.commit()
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.scalar("SELECT count(*) FROM t") == pair.source.scalar("SELECT count(*) FROM t")


def test_a_rolled_back_transaction_leaves_nothing(pair):
    pair.source.psql(TABLES)
    applier = start(pair)
    large = open_stream(pair, 2001, 9000)
    large.cursor().execute("UPDATE t SET v = 'gone' WHERE id <= 1000")
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    large.rollback()
    pair.source.psql("UPDATE t SET v = 'after' WHERE id <= 1000; INSERT INTO t VALUES (2001, 'after', 0)")
    applier.wait_caught_up()
    pair.compare()
    assert not applied_early(pair)


def test_large_prepared_transactions_end_when_they_are_committed_or_rolled_back(pair):
    pair.source.psql(TABLES)
    applier = start(pair)
    name = pair.name
    pair.source.psql(f"BEGIN; {ROWS % (2001, 6000)}; UPDATE t SET v = 'prepared' WHERE id <= 500; PREPARE TRANSACTION '{name}_1'")
    pair.source.psql(f"BEGIN; {ROWS % (10001, 14000)}; PREPARE TRANSACTION '{name}_2'")
    applier.wait_until(lambda: applied_early(pair, 2), 30, "both are applied while they are prepared")
    pair.source.psql("INSERT INTO s VALUES (1000, 'between')")
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM s WHERE id = 1000") == 1, 30)
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id > 1000 OR v = 'prepared'") == 0
    pair.source.psql(f"ROLLBACK PREPARED '{name}_2'")
    pair.source.psql(f"COMMIT PREPARED '{name}_1'")
    applier.wait_caught_up()
    pair.compare()
    assert EARLY in applier.log_text()
    assert not applied_early(pair)


def test_more_transactions_at_a_time_than_sessions(pair):
    pair.source.psql(TABLES)
    applier = start(pair, apply={"stream_sessions": 2, "spool_memory": "64kB"})
    large = [open_stream(pair, 10000 * n, 10000 * n + 3000) for n in range(1, 6)]
    applier.wait_until(lambda: applied_early(pair, 2), 30, "two are applied while they are in progress")
    for round in range(3):
        for n, connection in enumerate(large, 1):
            connection.cursor().execute(ROWS % (10000 * n + 4000 + round * 1000, 10000 * n + 4999 + round * 1000))
        pair.source.psql(f"INSERT INTO s VALUES (1000 + {round}, 'between')")
    for n in (3, 0, 4):
        large[n].commit()
    large[1].rollback()
    pair.source.psql("UPDATE t SET v = 'after' WHERE id BETWEEN 40000 AND 41000")
    large[2].commit()
    applier.wait_caught_up()
    pair.compare()
    again = open_stream(pair, 90000, 95000)
    again.commit()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("policy", ["fail", "ignore", "overwrite"])
def test_a_conflict_ends_as_without_streaming(pair, policy):
    pair.source.psql(TABLES)
    pair.both("CREATE SCHEMA x")
    outcomes = []
    for streaming in (True, False):
        applier = pair.applier(name=f"{pair.name}_{'on' if streaming else 'off'}"[-40:], source={"decoding_memory": "64kB"},
                               apply={"streaming": streaming}, conflict={"policy": policy}, log={"level": "debug"},
                               stages=["full", "incremental"])
        pair.target.psql("DROP TABLE IF EXISTS t, s; " + TABLES.split("INSERT")[0])
        applier.start()
        applier.wait_caught_up()
        pair.target.psql("INSERT INTO t VALUES (3000, 'by the target', 0), (3500, 'by the target', 0); UPDATE t SET id = -5 WHERE id = 5; DELETE FROM t WHERE id = 6")
        large = open_stream(pair, 2001, 5000)
        large.cursor().execute("UPDATE t SET v = 'changed' WHERE id IN (5, 6, 3000, 4000); DELETE FROM t WHERE id = 7")
        pair.source.psql("INSERT INTO s VALUES (1000, 'between')")
        large.commit()
        if policy == "fail":
            assert applier.wait_exit() == Exit.conflict
        else:
            applier.wait_caught_up()
            applier.stop()
        rows = pair.target.sql("SELECT * FROM t ORDER BY 1")
        conflicts = pair.target.sql("SELECT kind, outcome, key::text, change FROM walbridge.conflict WHERE task = %s ORDER BY id",
                                    (applier.document["task"]["name"],))
        outcomes.append((rows, conflicts, pair.target.sql("SELECT * FROM s ORDER BY 1")))
        assert (GAVE_UP in applier.log_text()) == streaming
        assert applier.cli("release", "--yes").code == Exit.ok
        pair.source.psql("DELETE FROM s WHERE id = 1000; DELETE FROM t; INSERT INTO t SELECT i, 'before', i FROM generate_series(1, 1000) i")
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1]


@pytest.mark.parametrize("victim", ["applier", "target", "source"])
def test_a_kill_in_the_middle_of_a_block(own_pair, victim):
    pair = own_pair(source={"logical_decoding_work_mem": "64kB"})
    pair.source.psql(TABLES)
    applier = pair.run(log={"level": "debug"})
    large = open_stream(pair, 2001, 20000)
    pair.source.psql("INSERT INTO s VALUES (1000, 'between')")
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    if victim == "applier":
        applier.kill()
        applier.start()
    else:
        cluster = (pair.source if victim == "source" else pair.target).cluster
        cluster.kill9()
        cluster.start()
    pair.source.psql("INSERT INTO s VALUES (1001, 'after')")
    if victim == "source":
        large.close()
        large = open_stream(pair, 2001, 8000)
    large.cursor().execute(ROWS % (30000, 33000))
    large.commit()
    applier.wait_caught_up(90)
    pair.compare()


def test_a_commit_that_waits_for_a_transaction_in_progress_on_the_target_alone_is_let_through(pair):
    """The target's own unique index makes two transactions meet that never met on the source."""
    pair.source.psql(TABLES)
    applier = start(pair, conflict={"policy": "ignore"})
    pair.target.psql("CREATE UNIQUE INDEX ON t (v) WHERE id > 2000")
    large = open_stream(pair, 2001, 5000)
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    pair.source.psql("INSERT INTO t VALUES (9999, md5('2500'), 0)")
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t WHERE id = 9999") == 1, 10)
    assert GAVE_UP in applier.log_text()
    large.commit()
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id BETWEEN 2001 AND 5000") == 2999
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id = 2500") == 0


def test_others_on_the_target_do_not_wait_for_the_end_of_a_transaction_on_the_source(pair):
    pair.source.psql(TABLES)
    applier = start(pair)
    large = open_stream(pair, 2001, 5000)
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    pair.target.psql("SET lock_timeout = '10s'; ALTER TABLE t ADD COLUMN own int")
    assert GAVE_UP in applier.log_text()
    large.commit()
    applier.wait_caught_up()
    pair.target.psql("ALTER TABLE t DROP COLUMN own")
    pair.compare()


def test_a_pause_gives_up_what_is_open_and_a_stop_too(pair):
    pair.source.psql(TABLES)
    applier = start(pair)
    large = open_stream(pair, 2001, 5000)
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    applier.cli("pause", check=True)
    applier.wait_until(lambda: not applied_early(pair), 30)
    large.cursor().execute(ROWS % (5001, 9000))
    applier.cli("resume", check=True)
    large.cursor().execute(ROWS % (9001, 9100))
    large.commit()
    applier.wait_caught_up()
    pair.compare()
    large = open_stream(pair, 20000, 25000)
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    applier.stop()
    assert not applied_early(pair)
    large.commit()
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_stop_does_not_wait_for_the_replay_of_a_large_transaction(pair):
    pair.source.psql(TABLES)
    applier = start(pair, apply={"stream_sessions": 0, "batch_rows": 100})
    large = open_stream(pair, 2001, 60000)
    large.commit()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_xid IS NOT NULL "
                       "AND application_name = %s", (pair.name, f"walbridge_{pair.name}:apply")) > 0, 60, "the spool is replayed")
    applier.stop()
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id > 2000") in (0, 58000)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("streaming", [True, False])
def test_ddl_inside_a_large_transaction_ends_as_without_streaming(pair, streaming):
    pair.source.psql(TABLES)
    applier = start(pair, apply={"streaming": streaming}, ddl={"classes": "none"})
    large = open_stream(pair, 2001, 5000)
    large.cursor().execute("ALTER TABLE t ADD COLUMN added int DEFAULT 5; INSERT INTO t SELECT i, 'v', i, i FROM generate_series(6000, 8000) i")
    pair.source.psql("INSERT INTO s VALUES (1000, 'between')")
    large.commit()
    assert applier.wait_exit() == Exit.target_shape
    assert pair.target.scalar("SELECT count(*) FROM t") == 1000
    assert pair.target.scalar("SELECT count(*) FROM s") == 101
    pair.target.psql("ALTER TABLE t ADD COLUMN added int DEFAULT 5")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_truncate_unidentified_and_messages_inside(pair):
    pair.source.psql(TABLES + "CREATE TABLE bare (id int PRIMARY KEY, v text)")
    applier = start(pair)
    pair.source.psql("ALTER TABLE bare REPLICA IDENTITY NOTHING")
    large = open_stream(pair, 2001, 5000)
    large.cursor().execute("TRUNCATE s; INSERT INTO s SELECT i, 'new' FROM generate_series(1, 3000) i; SELECT pg_logical_emit_message(true, 'p', repeat('x', 1000));"
                           "INSERT INTO bare SELECT i, 'v' FROM generate_series(1, 2000) i")
    pair.source.psql("UPDATE t SET v = 'between' WHERE id < 10")
    large.commit()
    applier.wait_caught_up()
    pair.compare()
    large = open_stream(pair, 10001, 15000)
    large.cursor().execute("DELETE FROM bare WHERE id = 1")
    large.commit()
    assert applier.wait_exit() == Exit.unidentified
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id > 10000") == 0


def test_transactions_in_progress_during_the_copy(pair):
    """Parts of them lie before the snapshot and parts after it; nothing is applied early before the copied tables are passed."""
    pair.both(TABLES.split("INSERT")[0])
    pair.source.psql("INSERT INTO t SELECT i, 'before', i FROM generate_series(1, 1000) i")
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE s IN ACCESS EXCLUSIVE MODE")
    applier = pair.applier(source={"decoding_memory": "64kB", "heartbeat": "1s"}, stages=["full", "incremental"], copy={"workers": 1}, log={"level": "debug"})
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t") == 1000 and pair.target.scalar(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 's'::regclass") > 0, 30, "t is copied, s waits")
    first, second = open_stream(pair, 2001, 5000), open_stream(pair, 20001, 25000)
    first.commit()
    blocker.rollback()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t WHERE id = 2001") == 1, 60)
    pair.source.psql("UPDATE t SET v = 'between' WHERE id < 10")
    second.cursor().execute("INSERT INTO s SELECT i, 'v' FROM generate_series(1, 3000) i")
    second.commit()
    applier.wait_caught_up()
    third = open_stream(pair, 30001, 35000)
    applier.wait_until(lambda: applied_early(pair), 30, "it is applied while it is in progress")
    third.commit()
    applier.wait_caught_up()
    pair.compare()


def test_a_spool_that_cannot_be_written_is_named(pair):
    pair.source.psql(TABLES)
    applier = start(pair, apply={"spool_memory": "64kB", "spool_directory": "/nowhere/at/all"})
    large = open_stream(pair, 2001, 5000)
    applier.wait_log("/nowhere/at/all")
    large.rollback()
    applier.wait_caught_up()
    pair.compare()


def test_concurrent_writers_with_large_and_small_transactions(pair, seeded):
    """Savepoints, rollbacks and commits at random in several sessions at once, equal to the last row in the end."""
    pair.source.psql(TABLES)
    applier = start(pair, apply={"spool_memory": "64kB", "stream_sessions": 2}, log={"level": "info"})
    seeds = [seeded.random() for _ in range(4)]
    failures = []

    def write(number):
        import random
        choose = random.Random(seeds[number])
        try:
            with pair.source.connect() as connection:
                for transaction in range(12):
                    cursor = connection.cursor()
                    low = number * 1_000_000 + transaction * 10_000 + 5000
                    for part in range(choose.randint(1, 4)):
                        rows = choose.choice([3, 800, 2000])
                        cursor.execute("SAVEPOINT p; " + ROWS % (low, low + rows - 1))
                        cursor.execute(f"UPDATE t SET v = 'updated' WHERE id BETWEEN {low} AND {low + rows // 2}; DELETE FROM t WHERE id = {low + 1}")
                        cursor.execute(choose.choice(["RELEASE p", "RELEASE p", "ROLLBACK TO p"]))
                        low += rows
                    connection.rollback() if choose.random() < 0.2 else connection.commit()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    applier.wait_caught_up(120)
    pair.compare()


@pytest.mark.parametrize("ddl", ["ALTER TABLE s ALTER COLUMN n TYPE bigint", "ALTER TABLE s DROP COLUMN n, ADD COLUMN n text DEFAULT 'x'",
                                 "ALTER TABLE s RENAME TO s2; CREATE TABLE s (id int PRIMARY KEY, v text, n int)"])
def test_ddl_of_others_between_the_blocks_of_a_large_transaction(pair, ddl):
    pair.source.psql(TABLES + "ALTER TABLE s ADD COLUMN n int DEFAULT 5;")
    applier = start(pair, apply={"stream_sessions": 1}, ddl={"trust": "source"})
    first = open_stream(pair, 2001, 4000)    # leaves prepared statements for s in the session for streamed transactions
    first.cursor().execute("INSERT INTO s (id, v, n) SELECT i, 'early', i FROM generate_series(5001, 6000) i; UPDATE s SET v = 'first' WHERE id > 5000")
    applier.wait_until(lambda: applied_early(pair), 30, "the first transaction is applied while it is in progress")
    first.commit()
    applier.wait_caught_up()
    large = open_stream(pair, 10001, 14000)
    applier.wait_until(lambda: applied_early(pair), 30, "the second transaction is applied while it is in progress")
    pair.source.psql(ddl)
    applier.wait_caught_up()
    columns = pair.source.scalar("SELECT string_agg(CASE WHEN attname IN ('id', 'n') THEN 'i' ELSE '''late''' END, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 's'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'more'")
    names = pair.source.scalar("SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 's'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'more'")
    large.cursor().execute(f"INSERT INTO s ({names}) SELECT {columns} FROM generate_series(7001, 9000) i; UPDATE s SET id = id + 100000 WHERE id > 8000; DELETE FROM s WHERE id < 7100")
    large.cursor().execute(ROWS % (20001, 24000))
    large.commit()
    applier.wait_caught_up()
    pair.compare()
