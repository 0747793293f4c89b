# A kill at the wrong instant: a transaction applied twice, half, or not at all, or a copied chunk counted that is not there.
import time

import pytest
from walbridge_testing.fixtures import SOAK
from walbridge_testing.workload import SCHEMA, Writers, fill

KILLS = 60 if SOAK else 10


@pytest.mark.heavy
def test_kills_at_random_moments(own_pair, seeded):
    """The first third strikes during the copy. Afterwards both sides are equal to the last row."""
    pair = own_pair()
    pair.source.psql(SCHEMA + fill(400_000 if SOAK else 60_000))
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB", "key_chunk_bytes": "256kB"})
    done = {"applier": 0, "source": 0, "target": 0}
    with Writers(pair.source, seed=seeded.random(), count=2) as writers:
        applier.start()
        for round in range(KILLS):
            during_copy = round < KILLS // 3
            # The moment is the random variable of this test: there is no condition to wait for.
            time.sleep(seeded.uniform(0.05, 0.6 if during_copy else 1.5))
            victim = seeded.choice(["applier", "applier", "source", "target"])
            if victim == "applier":
                if not during_copy and seeded.random() < 0.3:
                    applier.check_alive()
                applier.kill()
                applier.start()
            else:
                cluster = (pair.source if victim == "source" else pair.target).cluster
                cluster.crash() if seeded.random() < 0.7 else cluster.kill9()
                cluster.start()
                applier.check_alive()
            done[victim] += 1
        seen = writers.transactions
        applier.wait_until(lambda: writers.transactions > seen + 50, 60)
    print(f"survived {sum(done.values())} kills: {done}")
    applier.wait_caught_up(300)
    applier.check_alive()
    counts = pair.compare()
    assert sum(counts.values()) > 60_000


def test_a_kill_during_the_copy_resumes_with_what_is_missing(pair):
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text);"
                     "INSERT INTO a SELECT i, md5(i::text) FROM generate_series(1, 30000) i; INSERT INTO b SELECT i, md5(i::text) FROM generate_series(1, 30000) i; ANALYZE")
    pair.target.psql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text);")
    applier = pair.applier(stages=["full", "incremental"], copy={"workers": 1})
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE b IN ACCESS EXCLUSIVE MODE")
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM a") == 30000 and pair.target.scalar(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'b'::regclass") > 0, 30, "a is copied, b waits")
    first = pair.target.scalar("SELECT min(xmin::text::bigint) FROM a")
    applier.kill()
    pair.source.psql("UPDATE a SET v = 'later' WHERE id < 100; DELETE FROM b WHERE id < 100; INSERT INTO b VALUES (-1, 'new')")
    blocker.rollback()
    blocker.close()
    applier.start()
    applier.wait_caught_up(90)
    pair.compare()
    assert pair.target.scalar("SELECT min(xmin::text::bigint) FROM a") == first, "a was copied a second time"


def test_a_kill_among_small_tables_that_share_transactions(pair):
    count = 120
    pair.both("".join(f"CREATE TABLE s{i} (id int PRIMARY KEY, v text);" for i in range(count)))
    pair.source.psql("".join(f"INSERT INTO s{i} SELECT g, 'v' || g FROM generate_series(1, 50) g;" for i in range(count)) + "ANALYZE")
    applier = pair.applier(stages=["full", "incremental"], copy={"workers": 1})
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE s70 IN ACCESS EXCLUSIVE MODE")
    applier.start()
    applier.wait_until(lambda: pair.target.exists("walbridge.table_sync") and pair.target.scalar(
        "SELECT count(*) FROM walbridge.table_sync WHERE done") > 0 and pair.target.scalar(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 's70'::regclass") > 0, 30, "the group of s70 waits")
    done = {name for name, in pair.target.sql("SELECT table_name FROM walbridge.table_sync WHERE done")}
    assert 0 < len(done) < count and "s70" not in done
    first = {name: pair.target.scalar(f"SELECT min(xmin::text::bigint) FROM {name}") for name in sorted(done)[:3]}
    applier.kill()
    pair.source.psql("UPDATE s1 SET v = 'later'; DELETE FROM s70 WHERE id < 10; INSERT INTO s70 VALUES (-1, 'new'); UPDATE s119 SET v = 'later'")
    blocker.rollback()
    blocker.close()
    applier.start()
    applier.wait_caught_up(90)
    pair.compare()
    for name, xmin in first.items():
        if name != "s1":
            assert pair.target.scalar(f"SELECT min(xmin::text::bigint) FROM {name}") == xmin, f"{name} was copied a second time"
