# A limit that is not kept overloads the source in daytime; one that cannot be changed while running costs a restart of the copy.
import json
import re
import time

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until

TOLERANCE = 0.15        # above a limit: nothing excuses more
SLOWER = 3              # a machine may be so much slower than a limit allows; what is kept back without reason is more
SETTLED = 1.0           # seconds after which a change has to have taken effect


def seconds_of(counter, lasting=2.0):
    """What `counter` grows by per second, watched for a while: times and values at both ends of one of its steps."""
    def step():
        before = counter()
        while (now := counter()) == before:
            time.sleep(0.005)
        return time.monotonic(), now
    begin, first = step()
    end, last = begin, first
    while end - begin < lasting:
        end, last = step()
    return (last - first) / (end - begin)


def near(measured, wanted, what):
    assert wanted / SLOWER <= measured <= wanted * (1 + TOLERANCE), f"{what}: {measured:.0f} per second instead of {wanted}"
    print(f"{what}: {measured:.0f} per second, wanted {wanted}")


def change(applier, *words, action="set"):
    """Changes limits; waits until they have to be in force."""
    began = time.monotonic()
    result = applier.cli(f"throttle {action}", after=words, check=True)
    print(f"throttle {action} {words}: answered in {time.monotonic() - began:.2f} s")
    time.sleep(max(0.0, SETTLED - (time.monotonic() - began)))      # a change may take this long: what is tested
    return result


def copied(pair, column):
    """COPYs under way and done on the target. The connection stays, the counters are the server's."""
    connection = pair.target.connect(autocommit=True)

    def read():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(sum({column}), 0) FROM pg_stat_progress_copy WHERE datname = current_database() AND type = 'PIPE'")
            return int(cursor.fetchone()[0])
    return read


def test_the_copy_keeps_its_limits_while_they_change(pair):
    for table in ("a", "b"):
        pair.source.psql(f"CREATE TABLE {table} (id int PRIMARY KEY, v text); INSERT INTO {table} SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 120000) i; ANALYZE {table}")
    applier = pair.applier(copy={"workers": 2}, throttle={"copy_rows": 12000})
    applier.start()
    rows, data = copied(pair, "tuples_processed"), copied(pair, "bytes_processed")
    wait_until(lambda: rows() > 5000, 30, "the copy is under way", check=applier.check_alive)
    near(seconds_of(rows), 12000, "rows of two workers, from the task file")
    change(applier, "copy_rows=30000")
    near(seconds_of(rows), 30000, "rows after a change")
    status = applier.status()
    assert status["throttle"]["in_force"]["copy_rows"] == 30000 and status["throttle"]["set"] == {"copy_rows": 30000}, status
    assert "copy_rows 30000/s (set)" in applier.cli("status").text
    change(applier, "copy_rows=0", "copy_bytes=2MB")
    near(seconds_of(data), 2 << 20, "bytes")
    began = time.monotonic()
    change(applier, "copy_bytes=0")
    applier.wait_until(lambda: "following" in applier.log_text(), 30, "the rest of the copy")
    print(f"lifted: the copy ended {time.monotonic() - began:.2f} s after it")
    applier.wait_caught_up()
    pair.compare()


def test_the_limit_of_queries_spares_the_source(pair):
    pair.source.psql("".join(f"CREATE TABLE t{n} (id int PRIMARY KEY); INSERT INTO t{n} VALUES ({n});" for n in range(40)))
    # The statements as the source logs them, by the second.
    pair.source.psql(f"ALTER DATABASE {pair.name} SET log_statement = 'all'")
    applier = pair.applier(copy={"workers": 2}, throttle={"copy_queries": 20})
    applier.start()
    applier.wait_caught_up()
    log = pair.source.cluster.log.read_text(errors="replace")
    copies = [m for m in re.findall(rf"(\S+ \S+) \S+ \[\d+\] walbridge_{pair.name}:(?:copy|catalog) \S+ LOG:  (?:statement|execute)", log)]
    stamps = sorted(time.mktime(time.strptime(s[:19], "%Y-%m-%d %H:%M:%S")) + float(s[19:]) for s in copies)
    span = stamps[-1] - stamps[0]
    # The first of them is free, and groups of a few statements go together.
    assert len(stamps) > 40 and len(stamps) / span < 20 * 2, (len(stamps), span)
    assert span > 1.5, span
    print(f"{len(stamps)} statements in {span:.1f} s: {len(stamps) / span:.1f} per second, wanted at most 20")
    pair.compare()


def test_applying_keeps_its_limits_while_they_change(pair):
    # A walsender that hears nothing for a second ends the connection: a throttled task goes on talking to it.
    pair.source.psql(f"CREATE TABLE t (id int PRIMARY KEY, v text); ALTER DATABASE {pair.name} SET wal_sender_timeout = '1s'")
    applier = pair.run(throttle={"apply_rows": 1500})
    pair.source.psql("SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1..20000 LOOP INSERT INTO t VALUES (i, repeat('x', 500)); COMMIT; END LOOP; END $$")

    def applied():
        return pair.target.scalar("SELECT count(*) FROM t")
    near(seconds_of(applied), 1500, "changes of many small transactions, from the task file")
    change(applier, "apply_rows=4000")
    near(seconds_of(applied), 4000, "changes after a change")
    began = time.monotonic()
    change(applier, "apply_rows=0")
    applier.wait_caught_up()
    print(f"lifted: caught up {time.monotonic() - began:.2f} s after it")
    pair.compare()

    change(applier, "apply_bytes=1MB")
    began = time.monotonic()
    pair.source.psql("INSERT INTO t SELECT i, repeat('y', 500) FROM generate_series(30001, 36000) i")      # about 3 MB
    applier.wait_caught_up()
    elapsed = time.monotonic() - began
    assert 2.4 < elapsed < 4.5 * SLOWER, f"3 MB at 1 MB/s took {elapsed:.1f} s"
    assert "retrying" not in applier.log_text()
    change(applier, "apply_rows=1", "apply_bytes=0")
    pair.source.psql("UPDATE t SET v = 'z' WHERE id <= 100")
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t WHERE v = 'z'") > 0, 30, "the update arrives")
    assert applier.stop(10) == Exit.ok      # a debt is not waited for
    assert "retrying" not in applier.log_text()


@pytest.mark.parametrize("way", ["at_its_commit", "while_in_progress", "from_the_spool"])
def test_one_huge_transaction_is_slowed_as_well(pair, way):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    sessions = {"at_its_commit": {"streaming": False}, "while_in_progress": {}, "from_the_spool": {"stream_sessions": 0}}[way]
    applier = pair.run(apply=sessions, source={"decoding_memory": "64kB"}, throttle={"apply_rows": 10000})
    began = time.monotonic()
    pair.source.psql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 30000) i")
    applier.wait_caught_up()
    elapsed = time.monotonic() - began
    print(f"30000 changes at 10000 per second, {way}: {elapsed:.2f} s")
    assert 3 * (1 - TOLERANCE) < elapsed < (3 * (1 + TOLERANCE) + 1) * SLOWER, f"{elapsed:.1f} s"      # and the way there and back
    pair.compare()


def test_what_was_set_holds_over_a_restart_until_it_is_reset(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    applier = pair.run(throttle={"apply_rows": 500, "copy_bytes": "1MB"})
    change(applier, "apply_rows=123", "copy_queries=7")
    applier.kill()
    shown = applier.cli("throttle show", "--json", check=True).json()
    assert shown["in_force"] == {"copy_queries": 7, "copy_rows": 0, "copy_bytes": 1 << 20, "apply_rows": 123, "apply_bytes": 0}, shown
    assert shown["set"] == {"apply_rows": 123, "copy_queries": 7} and shown["task_file"]["apply_rows"] == 500
    assert "no process runs it" in applier.cli("throttle set", after=["apply_bytes=5MB"], check=True).out
    assert applier.status()["throttle"]["in_force"]["apply_bytes"] == 5 << 20
    applier.start()
    applier.wait_caught_up()
    assert applier.status()["throttle"]["in_force"]["apply_rows"] == 123
    change(applier, "apply_rows", action="reset")
    assert applier.status()["throttle"]["in_force"]["apply_rows"] == 500
    change(applier, action="reset")
    assert applier.status()["throttle"] == {"in_force": {"copy_queries": 0, "copy_rows": 0, "copy_bytes": 1 << 20, "apply_rows": 500, "apply_bytes": 0}, "set": {}}
    for words, names in ((["rows=5"], "copy_rows"), (["copy_rows"], "name=value"), (["copy_rows=fast"], "whole number"), (["copy_bytes=5X"], "size"), ([], "limit")):
        refused = applier.cli("throttle set", after=words)
        assert refused.code == Exit.usage and names in refused.err, refused
    assert json.loads(applier.cli("throttle show", "--json").out)["set"] == {}
