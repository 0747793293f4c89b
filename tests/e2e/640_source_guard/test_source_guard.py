# A guard that does not hold lets the copy drown the standbys and the users it was to spare; one that does not let go stops a migration for good.
import re
import threading

import psycopg2
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.cluster import Standby
from walbridge_testing.waiting import wait_until

QUERY = "SELECT busy FROM guard.now"
SLOW_COPY = {"copy_rows": 6000}      # the copy is still in the middle of its one table when the guard looks


def prepare(source, rows=60000):
    source.psql(f"""CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, {rows}) i; ANALYZE t;
        CREATE SCHEMA guard; CREATE TABLE guard.now (busy bool); INSERT INTO guard.now VALUES (false)""")


def busy(source, answer):
    source.sql("UPDATE guard.now SET busy = %s", (answer,))


def guarded(pair, throttle=None, **guard):
    """A task of table t alone whose guard looks often."""
    return pair.applier(include=["public.*"], source_guard={"interval": "200ms", **guard}, throttle=SLOW_COPY if throttle is None else throttle)


def guard_of(applier):
    return applier.status().get("source_guard") or {"held": False, "times": 0, "held_seconds": 0}


def held(applier):
    """Waits until the copy is held and has come to rest; what the status says of it."""
    applier.wait_until(lambda: guard_of(applier)["held"], 30, "the guard holds")
    # Rows that were on their way arrive in a moment; how long the hold has lasted is the process's own word.
    begun = guard_of(applier)["held_seconds"]
    return applier.wait_until(lambda: (now := guard_of(applier))["held_seconds"] > begun + 0.5 and now, 30, "the hold lasts")


def arrived(pair):
    """Rows of COPYs on the target, under way and done."""
    connection = pair.target.connect(autocommit=True)

    def read():
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(sum(tuples_processed), 0) FROM pg_stat_progress_copy WHERE datname = current_database() AND type = 'PIPE'")
            return int(cursor.fetchone()[0])
    return read


def stands_still(applier, rows):
    """Many looks later nothing has moved, and the copy is in the middle of its table."""
    before, begun = rows(), guard_of(applier)["held_seconds"]
    applier.wait_until(lambda: guard_of(applier)["held_seconds"] > begun + 1.5, 30, "the hold goes on")
    assert rows() == before, (rows(), before)
    return before


def goes_on(applier, rows, since):
    applier.wait_until(lambda: not guard_of(applier)["held"], 30, "the guard lets go")
    applier.wait_until(lambda: rows() > since or "following" in applier.log_text(), 30, "rows arrive again")


def finish(pair, applier):
    applier.cli("throttle set", after=["copy_rows=0", "copy_bytes=0"], check=True)
    applier.wait_caught_up()
    pair.compare("t")


def test_a_standby_that_replays_late_holds_the_copy(own_pair):
    pair = own_pair()
    prepare(pair.source)
    standby = Standby(pair.source.cluster, "guarded_standby", "guarded_slot")
    pair.clusters.append(standby)
    standby.start()
    wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn IS NOT NULL"), 30, "the standby streams")
    applier = guarded(pair, replica_lag="1s")
    assert applier.cli("precheck", "--only=source.guard", check=True).out.startswith("ok"), applier.cli("precheck", "--only=source.guard")
    applier.start()
    rows = arrived(pair)
    applier.wait_until(lambda: rows() > 3000, 30, "the copy is under way")
    assert not guard_of(applier)["held"]
    standby.sql("SELECT pg_wal_replay_pause()")
    wait_until(lambda: standby.scalar("SELECT pg_get_wal_replay_pause_state()") == "paused" if standby.version() >= 14 else True, 30, "replay is paused")
    pair.source.sql("INSERT INTO guard.now VALUES (false)")
    guard = held(applier)
    assert re.search(r"standby \S+ is [\d.]+ s late in replaying", guard["reason"]) and guard["action"] == "stop" and guard["times"] == 1, guard
    assert "holds the copy for" in applier.cli("status").text
    still = stands_still(applier, rows)
    assert 0 < still < 60000
    standby.sql("SELECT pg_wal_replay_resume()")
    goes_on(applier, rows, still)
    assert "the source guard holds" in applier.log_text() and "the source guard lets go on" in applier.log_text()
    finish(pair, applier)
    assert not re.search(r"held \d+ times? .*0 in all", applier.cli("status").text) and "retrying" not in applier.log_text()
    # Logical walsenders are no standbys: ours has decoded, and nobody is late.
    assert "standby" in guard["reason"] and guard_of(applier)["times"] == 1


def sleeper(database):
    connection = database.connect(autocommit=True)

    def run():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(3600)")
        except psycopg2.Error:
            pass    # ended by the story
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return connection.info.backend_pid, thread


def test_sessions_at_work_hold_the_copy(pair):
    prepare(pair.source)
    applier = guarded(pair, active_sessions=2)
    applier.start()
    rows = arrived(pair)
    applier.wait_until(lambda: rows() > 3000, 30, "the copy is under way, beside sessions of walbridge at work")
    assert not guard_of(applier)["held"]
    sleepers = [sleeper(pair.source) for _ in range(3)]
    guard = held(applier)
    assert re.search(r"^\d+ sessions run a statement \(source_guard.active_sessions is 2\)$", guard["reason"]), guard
    still = stands_still(applier, rows)
    for pid, thread in sleepers:
        pair.source.sql("SELECT pg_terminate_backend(%s)", (pid,))
        thread.join(30)
    goes_on(applier, rows, still)
    finish(pair, applier)


def test_a_query_holds_the_copy_before_its_first_row(pair):
    prepare(pair.source)
    busy(pair.source, True)
    applier = guarded(pair, query=QUERY)
    applier.start()
    guard = held(applier)
    assert guard["reason"] == "source_guard.query answers true", guard
    assert pair.target.scalar("SELECT count(*) FROM t") == 0 and arrived(pair)() == 0
    busy(pair.source, False)
    finish(pair, applier)
    # The incremental stage is never held.
    busy(pair.source, True)
    pair.source.sql("INSERT INTO t VALUES (1000000, 'while the query says busy')")
    applier.wait_caught_up()
    pair.compare("t")
    assert not guard_of(applier)["held"]


def held_in_the_copy(pair):
    """An applier whose copy is under way and is held by its query."""
    prepare(pair.source)
    applier = guarded(pair, query=QUERY)
    applier.start()
    rows = arrived(pair)
    applier.wait_until(lambda: rows() > 3000, 30, "the copy is under way")
    busy(pair.source, True)
    held(applier)
    return applier


def test_a_stop_ends_the_wait_and_the_next_process_looks_again(pair):
    applier = held_in_the_copy(pair)
    assert applier.stop(10) == Exit.ok
    applier.start()
    held(applier)
    applier.kill()
    busy(pair.source, False)
    applier.start()
    finish(pair, applier)


def test_slow_is_a_tenth_of_the_pace(pair):
    prepare(pair.source, 160000)       # 50 MB
    applier = guarded(pair, throttle={"copy_bytes": "6MB"}, query=QUERY, action="slow")
    applier.start()
    rows = arrived(pair)
    applier.wait_until(lambda: rows() > 16000, 30, "the copy is under way and its pace known")
    busy(pair.source, True)
    guard = held(applier)
    assert guard["action"] == "slow" and "slows the copy" in applier.cli("status").text, guard

    def sample():
        return guard_of(applier)["held_seconds"], rows()
    (began, first) = sample()
    applier.wait_until(lambda: sample()[0] > began + 3, 30, "the slow pace lasts")
    (ended, last) = sample()
    per_second = (last - first) / (ended - began)
    assert 0 < per_second < 19000 / 10 * 1.5, f"{per_second:.0f} rows per second, about 19000 before"
    busy(pair.source, False)
    goes_on(applier, rows, last)
    finish(pair, applier)


def test_who_waits_for_a_table_of_a_held_copy_gets_it(pair):
    applier = held_in_the_copy(pair)
    pair.source.psql("SET lock_timeout = '20s'; ALTER TABLE t ADD COLUMN added int DEFAULT 7")
    assert guard_of(applier)["held"] and "its chunk begins anew when the hold ends" in applier.log_text()
    busy(pair.source, False)
    finish(pair, applier)
    assert pair.target.scalar("SELECT sum(added) FROM t") == 7 * 60000


WRONG = {"fails": "SELECT nothing FROM guard.nowhere", "two_statements": "SELECT true; SELECT false", "a_number": "SELECT 1", "two_columns": "SELECT true, true",
         "no_row": "SELECT true WHERE false", "two_rows": "VALUES (true), (false)", "null": "SELECT NULL::bool", "no_select": "ANALYZE t", "too_slow": "SELECT pg_sleep(60) IS NULL",
         "writes": "UPDATE guard.now SET busy = false RETURNING busy", "commits": "COMMIT"}


@pytest.mark.parametrize("how", sorted(WRONG))
def test_precheck_refuses_a_query_that_is_not_one_boolean(pair, how):
    prepare(pair.source, 10)
    result = guarded(pair, query=WRONG[how]).cli("precheck", "--only=source.guard")
    assert result.code == Exit.precheck and "source_guard.query" in result.out and "->" in result.out, result


def test_precheck_wants_the_right_to_see_and_says_how_it_looks(pair):
    prepare(pair.source, 10)
    pair.source.psql("DO $$ BEGIN IF to_regrole('blind') IS NULL THEN CREATE ROLE blind LOGIN REPLICATION; END IF; REVOKE pg_read_all_stats FROM blind; END $$")
    for guard in ({"replica_lag": "1s"}, {"active_sessions": 1000}):
        applier = pair.applier(name="sight", source_url=pair.source.url(user="blind"), source_guard=guard)
        refused = applier.cli("precheck", "--only=source.guard")
        assert refused.code == Exit.precheck and 'GRANT pg_read_all_stats TO blind;' in refused.out.replace('"', ""), refused
    pair.source.psql("GRANT pg_read_all_stats TO blind")
    assert "would let the copy go on now" in applier.cli("precheck", "--only=source.guard", check=True).out
    pair.source.psql("REVOKE pg_read_all_stats FROM blind")
    lonely = pair.applier(name="lonely", source_guard={"replica_lag": "1s"}).cli("precheck", "--only=source.guard")
    assert lonely.code == Exit.ok and "no standby streams" in lonely.out, lonely
    busy(pair.source, True)
    assert "it would hold now: source_guard.query answers true" in guarded(pair, query=QUERY).cli("precheck", "--only=source.guard", check=True).out


def test_a_query_that_breaks_while_the_copy_runs_holds_and_warns(pair):
    prepare(pair.source)
    applier = guarded(pair, query=QUERY)
    applier.start()
    rows = arrived(pair)
    applier.wait_until(lambda: rows() > 3000, 30, "the copy is under way")
    pair.source.sql("ALTER TABLE guard.now RENAME TO later")
    guard = held(applier)
    assert guard["reason"].startswith("source_guard.query: ") and "does not exist" in guard["reason"], guard
    still = stands_still(applier, rows)
    assert len(re.findall("cannot tell how the source is", applier.log_text())) == 1, applier.log_tail()
    pair.source.sql("ALTER TABLE guard.later RENAME TO now")
    goes_on(applier, rows, still)
    finish(pair, applier)


def test_a_verification_is_held_as_well(pair):
    prepare(pair.source, 5000)
    applier = guarded(pair, throttle={}, query=QUERY)
    applier.start()
    applier.wait_caught_up()
    busy(pair.source, True)
    for answer in ("SIGTERM", "goes on"):
        begun = applier.log_text().count("the source guard holds")
        verifying = applier.spawn("verify", "--table", "public.t")
        applier.wait_until(lambda: applier.log_text().count("the source guard holds") > begun or verifying.poll() is not None, 30, "the guard holds")
        assert verifying.poll() is None, applier.log_tail()
        assert pair.source.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s AND backend_xmin IS NOT NULL", (f"walbridge_{pair.name}:verify%",)) == 0
        if answer == "SIGTERM":
            verifying.terminate()
            assert verifying.wait(20) == Exit.task_state
            continue
        busy(pair.source, False)
        assert verifying.wait(60) == Exit.ok, applier.log_tail()
    assert "the source guard held the comparison" in applier.log_text()


def test_a_load_into_mysql_is_held_between_two_rows(mysql_pair):
    pair = mysql_pair
    prepare(pair.source)
    applier = guarded(pair, query=QUERY)
    applier.start()
    applier.wait_until(lambda: applier.status().get("copy", {}).get("rows", 0) > 3000, 60, "the copy is under way")
    busy(pair.source, True)
    held(applier)

    def rows():
        return applier.status()["copy"]["rows"]
    still = stands_still(applier, rows)
    assert 0 < still < 60000
    busy(pair.source, False)
    goes_on(applier, rows, still)
    finish(pair, applier)
    assert "retrying" not in applier.log_text()
