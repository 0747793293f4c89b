# Two sessions that commit out of the source's order, each other's locks, a conflict judged before its time, a kill between two commits.
import random

import pytest

from walbridge_testing.background import Repeated
from walbridge_testing.waiting import wait_until

WORKERS = {"apply": {"workers": 3}}


def backlog(pair, script):
    """Changes that wait on the slot: they arrive in large batches, which is when workers get something to do."""
    applier = pair.run(**WORKERS)
    applier.stop()
    pair.source.psql("SET synchronous_commit = off;" + script)
    applier.start()
    return applier


def parallel_runs(applier):
    return applier.status()["counters"]["parallel_runs"]


@pytest.mark.parametrize("seed", range(3))
def test_random_transactions_on_common_and_separate_keys(pair, seed):
    chance = random.Random(seed)
    pair.source.psql("""
        CREATE TABLE plain (id int PRIMARY KEY, v int);
        CREATE TABLE codes (id int PRIMARY KEY, code int UNIQUE, v int);
        CREATE TABLE whole (id int PRIMARY KEY, code int UNIQUE, v int); ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE exact (id numeric PRIMARY KEY, v int);
        CREATE TABLE history (n int, v int); ALTER TABLE history REPLICA IDENTITY FULL;
        INSERT INTO plain SELECT i, 0 FROM generate_series(1, 20000) i;
        INSERT INTO codes SELECT i, i, 0 FROM generate_series(1, 200) i;
        INSERT INTO whole SELECT i, i, 0 FROM generate_series(1, 200) i;
        INSERT INTO exact SELECT i, 0 FROM generate_series(1, 200) i;""")
    changes = ["UPDATE plain SET v = v + 1 WHERE id = 1 + random() * 19999;", "UPDATE plain SET v = v + 1 WHERE id = 1 + random() * 19999;",
               "DELETE FROM plain WHERE id = (SELECT id FROM plain WHERE id > random() * 19999 ORDER BY id LIMIT 1);",
               "INSERT INTO plain VALUES (nextval('new_id'), 0);", "INSERT INTO history VALUES (i, 1);",
               "UPDATE codes SET v = v + 1 WHERE id = 1 + (random() * 199)::int;",
               "UPDATE whole SET code = code + 1000000 WHERE id = 1 + (random() * 199)::int AND code < 1000000;",
               "INSERT INTO whole SELECT nextval('new_id'), code - 1000000, 0 FROM whole w WHERE code > 1000000 AND NOT EXISTS"
               " (SELECT FROM whole x WHERE x.code = w.code - 1000000) LIMIT 1;",
               "UPDATE exact SET id = id + 0.50, v = i WHERE id = 1 + (random() * 199)::int;"]
    body = "\n".join(f"IF chance < {(at + 1) / 3} AND chance >= {at / 3} THEN {' '.join(chance.sample(changes, 3))} END IF;" for at in range(3))
    applier = backlog(pair, f"""
        SELECT setseed({seed / 10});
        CREATE SEQUENCE new_id START 1000000;
        CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ DECLARE chance float;
          BEGIN FOR i IN 1..8000 LOOP chance := random(); {body} COMMIT; END LOOP; END $$;
        CALL work(); DROP PROCEDURE work;""")
    applier.wait_caught_up()
    pair.compare()


def test_inserts_run_side_by_side_and_readers_see_the_order_of_the_source(pair):
    pair.source.psql("CREATE TABLE odd (n int PRIMARY KEY, pad text); CREATE TABLE even (n int PRIMARY KEY, pad text);"
                     "CREATE TABLE total (id int PRIMARY KEY, n int)")
    applier = pair.run(**WORKERS)
    applier.cli("pause", check=True)        # what arrives meanwhile makes batches as large as they can be
    applier.wait_state("paused")
    pair.source.psql("""
        SET synchronous_commit = off;
        DO $$ BEGIN FOR i IN 1..40000 LOOP
          IF i % 2 = 0 THEN INSERT INTO even VALUES (i, repeat('e', 50)); ELSE INSERT INTO odd VALUES (i, repeat('o', 50)); END IF; COMMIT;
        END LOOP; END $$;""")
    holes, seen = [], set()

    def read(cursor, _):
        cursor.execute("SELECT count(*), max(n) FROM (SELECT n FROM odd UNION ALL SELECT n FROM even) x")
        count, highest = cursor.fetchone()
        seen.add(count)
        if count != (highest or 0):
            holes.append((count, highest))

    with Repeated(pair.target, read):
        end = pair.source.scalar("SELECT pg_current_wal_flush_lsn()")
        applier.wait_until(lambda: pair.source.scalar("SELECT %s::pg_lsn >= %s::pg_lsn", (applier.status()["positions"]["received"], end)), 60)
        applier.cli("resume", check=True)
        applier.wait_caught_up()
        applier.wait_until(lambda: parallel_runs(applier) >= 2, 30)     # the status is written about once a second
    assert not holes, "a later transaction was visible before an earlier one"
    assert len(seen) > 2, "the reader saw nothing in between"
    pair.compare()


def test_a_conflict_in_a_later_run_is_judged_after_the_earlier_ones(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run(conflict={"policy": "overwrite"}, **WORKERS)
    applier.stop()
    pair.target.sql("INSERT INTO t VALUES (19000, 'in the way')")
    pair.source.psql("SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1..20000 LOOP INSERT INTO t VALUES (i, 'source'); COMMIT; END LOOP; END $$;")
    applier.start()
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.sql("SELECT kind, outcome FROM walbridge.conflict") == [("insert_exists", "overwrote target")]


def test_a_failing_policy_keeps_everything_before_the_conflict_and_nothing_after(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run(**WORKERS)
    applier.stop()
    pair.target.sql("INSERT INTO t VALUES (7000, 'in the way')")
    pair.source.psql("SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1..20000 LOOP INSERT INTO t VALUES (i, 'source'); COMMIT; END LOOP; END $$;")
    applier.start()
    assert applier.wait_exit() == 40
    assert pair.target.sql("SELECT count(*), max(id) FROM t WHERE v = 'source'") == [(6999, 6999)]
    pair.target.sql("DELETE FROM t WHERE id = 7000")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_kills_between_commits_lose_and_repeat_nothing(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 30000) i")
    applier = pair.run(**WORKERS)
    applier.stop()
    pair.source.psql("""
        SET synchronous_commit = off;
        DO $$ BEGIN FOR i IN 1..30000 LOOP UPDATE t SET v = v + 1 WHERE id = i; COMMIT; END LOOP; END $$;""")
    chance = random.Random(7)
    for _ in range(4):
        reached = pair.target.scalar("SELECT count(*) FROM t WHERE v > 0")
        applier.start()
        wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t WHERE v > 0") > min(reached + chance.randrange(4000), 29999), 60,
                   interval=0.01, check=applier.check_alive)
        applier.kill()
        assert pair.target.sql("SELECT count(*), coalesce(max(id), 0), coalesce(max(v), 0) FROM t WHERE v > 0")[0][2] <= 1
        assert pair.target.scalar("SELECT count(*) = max(id) FROM t WHERE v > 0")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_triggers_that_fire_make_a_table_run_alone(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE log (n bigserial PRIMARY KEY, id int)")
    applier = pair.run(exclude=["public.log"], **WORKERS)
    applier.stop()
    pair.target.psql("""
        CREATE TABLE log (n bigserial PRIMARY KEY, id int);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log (id) VALUES (NEW.id); RETURN NULL; END';
        CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
        ALTER TABLE t ENABLE ALWAYS TRIGGER note;""")
    pair.source.psql("SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1..5000 LOOP INSERT INTO t VALUES (i, 0); COMMIT; END LOOP; END $$;")
    applier.start()
    applier.wait_caught_up()
    assert parallel_runs(applier) == 0
    assert pair.target.scalar("SELECT bool_and(n = id) FROM log")
