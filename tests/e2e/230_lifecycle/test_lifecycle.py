# A paused task that applies, a stopped one that loses its slot, a released one that leaves its slot behind to fill the disk.
from walbridge_testing.applier import Exit

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"


def slots(pair):
    return [s for (s,) in pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,))]


def test_pause_and_resume(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    assert applier.cli("pause").code == Exit.ok
    applier.wait_state("paused")
    pair.source.psql("INSERT INTO t VALUES (1000, 'while paused')")
    result = applier.cli("wait", "--timeout", "2s")
    assert result.code in (Exit.timeout, Exit.task_state)
    assert pair.target.scalar("SELECT count(*) FROM t") == 100
    assert pair.source.scalar("SELECT active FROM pg_replication_slots WHERE database = %s", (pair.name,))
    assert applier.cli("resume").code == Exit.ok
    applier.wait_caught_up()
    pair.compare()


def test_a_pause_survives_a_restart_of_the_process(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.cli("pause", check=True)
    applier.kill()
    pair.source.psql("INSERT INTO t VALUES (1000, 'while paused')")
    applier.start()
    applier.wait_state("paused")
    assert pair.target.scalar("SELECT count(*) FROM t") == 100
    applier.cli("resume", check=True)
    applier.wait_caught_up()
    pair.compare()


def test_stop_from_the_command_line_keeps_the_slot(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    assert applier.cli("stop").code == Exit.ok
    assert applier.wait_exit() == Exit.ok
    assert slots(pair) == [f"walbridge_{pair.name}"]
    pair.source.psql("INSERT INTO t VALUES (1000, 'while stopped')")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_reset_starts_over(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.stop()
    assert applier.cli("reset", "--truncate", "--yes").code == Exit.ok
    assert slots(pair) == []
    pair.source.psql("UPDATE t SET v = 'second life'")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_release_leaves_the_data_and_nothing_else(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.source.psql("INSERT INTO t VALUES (1000, 'last')")
    applier.wait_caught_up()
    applier.stop()
    # One origin per apply session belongs to the task; a task whose name only begins like ours keeps its own.
    others = f"walbridge_{pair.name}_2"
    pair.target.sql("SELECT pg_replication_origin_create(%s)", (others,))
    assert pair.target.scalar("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge_{pair.name}:%",)) > 1
    assert applier.cli("release", "--yes").code == Exit.ok
    assert slots(pair) == []
    assert pair.target.sql("SELECT roname FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge_{pair.name}%",)) == [(others,)]
    if pair.target.exists("walbridge.task"):
        assert pair.target.sql("SELECT * FROM walbridge.task WHERE task = %s", (pair.name,)) == []
    pair.compare()


def test_a_mark_of_any_session_after_the_stored_position_is_refused(pair):
    """The progress row was put back by hand or from a backup: what is on the target cannot be known any more."""
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.wait_caught_up()
    applier.stop()
    origin = f"walbridge_{pair.name}:3"
    pair.target.sql("SELECT pg_replication_origin_create(%s)", (origin,))
    pair.target.sql("SELECT pg_replication_origin_advance(%s, 'FFFFFFFF/0')", (origin,))
    applier.start()
    assert applier.wait_exit() == Exit.task_state
    assert origin in applier.log_text()


def test_a_second_process_for_the_same_task_is_refused(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    second = pair.applier()
    second.log = second.log.with_suffix(".second.log")
    second.start()
    code = second.wait_exit(60)
    assert code in (Exit.slot_in_use, Exit.task_state, Exit.fenced)
    applier.check_alive()
    pair.source.psql("INSERT INTO t VALUES (1000, 'x')")
    applier.wait_caught_up()
    pair.compare()


def test_the_same_name_for_another_task_is_refused(pair, source_cluster, target_cluster):
    from walbridge_testing.fixtures import Pair
    pair.source.psql(TABLE)
    pair.run()
    other = Pair(pair.name[:30] + "_other", source_cluster, target_cluster)
    try:
        other.source.psql(TABLE)
        second = other.applier(name=pair.name)
        assert second.start().wait_exit() not in (Exit.ok, Exit.internal)
        assert not other.target.exists("public.t") or other.target.scalar("SELECT count(*) FROM t") == 0
    finally:
        other.close()


def test_status_as_json(pair):
    pair.source.psql(TABLE)
    applier = pair.applier()
    applier.start()
    applier.wait_caught_up()
    applier.wait_state("running")
    status = applier.status()
    assert status["task"] == pair.name and status["stage"] == "incremental"
    for key in ("received", "applied", "durable"):
        assert status["positions"][key].count("/") == 1
    assert status["slot"]["name"] == f"walbridge_{pair.name}" and status["slot"]["retained_bytes"] >= 0
    assert status["lag_seconds"] is None or 0 <= status["lag_seconds"] < 60
    pair.source.psql("INSERT INTO t VALUES (1000, 'counted')")
    applier.wait_caught_up()
    applier.wait_until(lambda: applier.status()["counters"]["changes"] >= 1)
    assert applier.status()["lag_seconds"] < 60
    table = next(t for t in applier.status()["tables"] if t["table"] == "t")
    assert table["rows"] == 100 and table["bytes"] > 0
    human = applier.cli("status", check=True)
    assert "running" in human.out


def test_wait_has_a_timeout_and_an_exit_code(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    with pair.target.connect() as blocker:
        blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        pair.source.psql("INSERT INTO t VALUES (1000, 'x')")
        assert applier.cli("wait", "--timeout", "2s").code == Exit.timeout
        blocker.rollback()
    assert applier.cli("wait", "--timeout", "30s").code == Exit.ok
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id = 1000") == 1


def test_who_sees_that_it_follows_sees_no_state_of_the_load(pair):
    """`wait` returns as soon as the task follows; `switchover` behind it found the state of the load a second longer."""
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.stop()
    applier.cli("reset", "--truncate", "--yes", check=True)
    pair.target.psql("""CREATE TABLE walbridge.seen (at int GENERATED ALWAYS AS IDENTITY, phase text, state text);
        CREATE FUNCTION walbridge.see() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO walbridge.seen (phase, state) VALUES (new.phase, new.state); RETURN NULL; END $$;
        CREATE TRIGGER see AFTER UPDATE ON walbridge.task FOR EACH ROW EXECUTE FUNCTION walbridge.see()""")
    applier.start()
    applier.wait_state("running")
    first = pair.target.scalar("SELECT min(at) FROM walbridge.seen WHERE phase = 'follow'")
    assert pair.target.scalar("SELECT count(*) FROM walbridge.seen WHERE at < %s AND state = 'schema'", (first,)) > 0
    assert pair.target.sql("SELECT DISTINCT state FROM walbridge.seen WHERE at >= %s ORDER BY state", (first,)) == [("catching-up",), ("running",)]
