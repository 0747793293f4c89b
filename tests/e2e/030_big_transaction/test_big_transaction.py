# A transaction larger than memory: an applier that collects it whole is killed by the machine.
import pytest
from walbridge_testing.fixtures import SOAK

ROWS = 5_000_000 if SOAK else 200_000
LIMIT = 512 << 20


@pytest.mark.heavy
def test_one_transaction_of_many_rows_stays_within_the_memory_limit(pair, record_property):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, a text, b text, c numeric)")
    applier = pair.run()
    pair.source.psql(f"""BEGIN; INSERT INTO t SELECT i, md5(i::text), repeat(md5(i::text), 4), i / 7.0 FROM generate_series(1, {ROWS}) i;
        UPDATE t SET a = 'changed' WHERE id % 4 = 0; DELETE FROM t WHERE id % 10 = 0; COMMIT;""")
    applier.wait_caught_up(1800 if SOAK else 180)
    peak = applier.peak_memory()
    record_property("peak_mib", peak >> 20)
    print(f"{ROWS} rows in one transaction: peak {peak >> 20} MiB")
    pair.compare()
    assert peak < LIMIT, f"{peak >> 20} MiB"


@pytest.mark.heavy
def test_a_kill_in_the_middle_of_a_big_transaction_leaves_nothing_of_it(pair):
    rows = ROWS // 4
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, a text)")
    applier = pair.run()
    pair.source.psql(f"BEGIN; INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, {rows}) i; UPDATE t SET a = a || '!'; COMMIT;")
    applier.wait_until(lambda: pair.target.scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'walbridge%%' AND backend_xid IS NOT NULL",
        (pair.name,)) > 0, 30, "a transaction of the applier is under way", must_run=True)
    applier.kill()
    assert pair.target.scalar("SELECT count(*) FROM t") in (0, rows)
    applier.start()
    applier.wait_caught_up(180)
    pair.compare()
