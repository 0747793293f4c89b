# An outage during the copy that nobody can see: the task looks busy and does nothing for twelve hours.
import re

from walbridge_testing.applier import Exit


def test_a_retry_of_the_copy_is_shown_with_attempts_and_reason(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 40000) i")
    applier = pair.applier(throttle={"copy_rows": 2000})
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 0") == 1, 30, "the copy is under way")
    cluster = pair.source.cluster
    # Nobody comes in, also no superuser; who is in is sent away.
    cluster.sql("UPDATE pg_database SET datallowconn = false WHERE datname = %s", (pair.name,))
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (pair.name,))
    try:
        applier.wait_until(lambda: applier.status().get("retry", {}).get("attempts", 0) >= 2, 30, "the retry is shown")
        status = applier.status()
        assert status["state"] == "retrying" and status["stage"] != "incremental", status
        assert "not currently accepting connections" in status["retry"]["reason"], status["retry"]
        assert status["retry"]["since"] <= status["retry"]["next"]
        text = applier.cli("status").text
        assert re.search(r"retrying: +attempt \d+ failed, .* since the first failure, next in .*accepting connections", text), text
        # The pauses grow, and not by the same steps in every process.
        applier.wait_log("attempt=4")
        pauses = [int(ms) for ms in re.findall(r"trying again .*attempt=\d+ in_ms=(\d+)", applier.log_text())]
        assert all(pause >= 250 * 2 ** at or pause >= 15000 for at, pause in enumerate(pauses[:4])), pauses
    finally:
        cluster.sql("UPDATE pg_database SET datallowconn = true WHERE datname = %s", (pair.name,))
    applier.cli("throttle set", after=["copy_rows=0"], check=True)
    applier.wait_caught_up()
    applier.wait_state("running")
    applier.wait_until(lambda: "retry" not in applier.status(), 10, "the retry is over in status, too")
    pair.compare()


def test_a_process_that_lost_the_task_while_the_target_was_away_says_so(own_pair):
    pair = own_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    applier = pair.run()
    # The older process loses its sessions and finds that another one holds the task's lock when it comes back.
    blocker = pair.target.connect(autocommit=True)
    cursor = blocker.cursor()
    cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE %s", (f"walbridge_{pair.name[:30]}%:control",))
    (control,) = cursor.fetchone()
    applier.signal(19)      # SIGSTOP
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s AND pid <> %s", ("walbridge\\_%", control))
    cursor.execute("SELECT pg_terminate_backend(%s)", (control,))
    second = pair.applier()
    second.log = second.log.with_suffix(".second.log")
    second.start()
    second.wait_caught_up()
    applier.signal(18)      # SIGCONT
    assert applier.wait_exit(30) in (Exit.fenced, Exit.slot_in_use), applier.log_tail()
    pair.source.psql("INSERT INTO t VALUES (1)")
    second.wait_caught_up()
    pair.compare()
