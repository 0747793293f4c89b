# Transactions applied in the order of their BEGIN, in parts, twice or although rolled back.
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until


def test_commit_order_holds_where_begin_order_differs(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')")
    applier = pair.run()
    with pair.source.connect() as early, pair.source.connect() as late:
        a, b = early.cursor(), late.cursor()
        a.execute("INSERT INTO t VALUES (100, 'early begins')")
        b.execute("DELETE FROM t WHERE id = 1")
        b.execute("INSERT INTO t VALUES (101, 'late begins')")
        late.commit()
        a.execute("INSERT INTO t VALUES (1, 'again')")      # possible only because the later BEGIN committed first
        early.commit()
    applier.wait_caught_up()
    pair.compare()


def test_three_interleaved_transactions_and_a_restart_between(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run()
    connections = [pair.source.connect() for _ in range(3)]
    cursors = [c.cursor() for c in connections]
    for i, cursor in enumerate(cursors):
        cursor.execute("INSERT INTO t SELECT g, 'open' FROM generate_series(%s, %s) g", (i * 100, i * 100 + 9))
    connections[2].commit()
    applier.wait_caught_up()
    applier.stop()
    connections[0].commit()
    cursors[1].execute("UPDATE t SET v = 'touched' WHERE id < 5")
    applier.start()
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM t") == 20
    connections[1].commit()
    applier.wait_caught_up()
    pair.compare()
    for connection in connections:
        connection.close()


def test_subtransactions_and_rollbacks(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run()
    pair.source.psql("""
        BEGIN; INSERT INTO t VALUES (1, 'kept');
        SAVEPOINT a; INSERT INTO t VALUES (2, 'gone'); SAVEPOINT b; UPDATE t SET v = 'gone' WHERE id = 1; ROLLBACK TO a;
        SAVEPOINT c; INSERT INTO t VALUES (3, 'kept'); RELEASE c; UPDATE t SET v = v || '!' WHERE id = 3; COMMIT;
        BEGIN; INSERT INTO t VALUES (4, 'gone'); ROLLBACK;
        DO $$ BEGIN FOR i IN 1..300 LOOP
            BEGIN INSERT INTO t VALUES (1000 + i, 'sub'); IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
            EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$;""")
    applier.wait_caught_up()
    assert pair.compare() == {"public.t": 202}


def test_large_transactions_with_aborted_parts_spill_and_stay_exact(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    pair.source.sql(f"ALTER DATABASE {pair.name} SET logical_decoding_work_mem = '64kB'")
    applier = pair.run()
    pair.source.psql("""
        BEGIN; INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 5000) i;
        SAVEPOINT a; UPDATE t SET v = 'gone'; ROLLBACK TO a;
        SAVEPOINT b; DELETE FROM t WHERE id % 2 = 0; RELEASE b;
        INSERT INTO t SELECT i, 'y' FROM generate_series(10000, 12000) i; COMMIT;
        BEGIN; INSERT INTO t SELECT i, repeat('z', 200) FROM generate_series(20000, 25000) i; ROLLBACK;""")
    applier.wait_caught_up()
    pair.compare()


def test_prepared_transactions(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run()
    pair.source.psql("BEGIN; INSERT INTO t VALUES (1, 'prepared'); PREPARE TRANSACTION 'one';")
    pair.source.psql("BEGIN; INSERT INTO t VALUES (2, 'never'); PREPARE TRANSACTION 'two';")
    pair.source.psql("BEGIN; INSERT INTO t VALUES (3, 'over a restart'); PREPARE TRANSACTION 'three';")
    pair.source.psql("INSERT INTO t VALUES (4, 'plain')")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id FROM t ORDER BY 1") == [(4,)]
    pair.source.sql("COMMIT PREPARED 'one'")
    pair.source.sql("ROLLBACK PREPARED 'two'")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id FROM t ORDER BY 1") == [(1,), (4,)]
    applier.stop()
    pair.source.sql("COMMIT PREPARED 'three'")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_keepalives_while_the_target_makes_us_wait(pair):
    """The server must neither drop the connection nor be told a position that the target does not have."""
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    pair.source.sql(f"ALTER DATABASE {pair.name} SET wal_sender_timeout = '2s'")
    applier = pair.run()
    sender = lambda: pair.source.sql("SELECT active_pid, confirmed_flush_lsn FROM pg_replication_slots WHERE database = %s", (pair.name,))[0]
    pid, _ = sender()
    with pair.target.connect() as blocker:
        blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        before = pair.source.scalar("SELECT pg_current_wal_insert_lsn()")
        for i in range(20):
            pair.source.psql(f"INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series({i * 1000}, {i * 1000 + 999}) i")
        began = pair.source.scalar("SELECT clock_timestamp()")
        applier.wait_until(lambda: pair.source.scalar(
            "SELECT reply_time > %s + interval '5 s' FROM pg_stat_replication WHERE pid = %s", (began, pid)), 30,
            "answers to the server for 5 s while blocked")
        now_pid, confirmed = sender()
        assert now_pid == pid
        # The first blocked transaction is a megabyte of WAL: its commit lies far beyond this.
        assert pair.source.scalar("SELECT %s::pg_lsn - %s::pg_lsn < 500000", (confirmed, before))
        blocker.rollback()
    applier.wait_caught_up()
    pair.compare()
    assert sender()[0] == pid


def test_an_old_process_that_wakes_up_is_fenced(pair):
    """The old process holds an open target transaction when the new one takes over: its work must land once."""
    import signal
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)")
    pair.source.sql(f"ALTER DATABASE {pair.name} SET wal_sender_timeout = '2s'")
    old = pair.run()
    new = pair.applier()
    new.log = new.log.with_suffix(".new.log")
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    pair.source.psql("UPDATE t SET n = n + 1; INSERT INTO t VALUES (2, 0)")
    wait_until(lambda: pair.target.scalar(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") > 0, 20, "the old process waits")
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
