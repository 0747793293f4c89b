# Changed and swapped keys: applied row by row in the wrong order they collide, or hit the wrong row.
import pytest
from walbridge_testing.applier import Exit


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_key_updates(pair, bulk):
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(100, 1, -1) i;
        CREATE TABLE p (a int, b text, v int, PRIMARY KEY (a, b)); INSERT INTO p SELECT i % 5, 'b' || i, i FROM generate_series(1, 50) i;""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""UPDATE t SET id = id + 1;
        UPDATE t SET id = -id WHERE id % 2 = 0;
        UPDATE p SET a = a + 10, v = -v WHERE a > 2; UPDATE p SET b = '' WHERE b = 'b5';
        BEGIN; UPDATE t SET id = 5000 WHERE id = 3; UPDATE t SET id = 3 WHERE id = 5; UPDATE t SET id = 5 WHERE id = 5000; COMMIT;
        BEGIN; DELETE FROM t WHERE id = 7; UPDATE t SET id = 7 WHERE id = 9; INSERT INTO t VALUES (9, 'nine'); COMMIT;""")
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_unique_values_change_hands(pair, bulk):
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, v text); INSERT INTO t SELECT i, i, 'v' FROM generate_series(1, 20) i""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""BEGIN; UPDATE t SET u = NULL WHERE id = 1; UPDATE t SET u = 1 WHERE id = 2; UPDATE t SET u = 2 WHERE id = 1; COMMIT;
        BEGIN; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (30, 3, 'took'); COMMIT;
        BEGIN; UPDATE t SET u = 100 WHERE id = 5; INSERT INTO t VALUES (50, 5, 'took'); UPDATE t SET u = 500 WHERE id = 50; UPDATE t SET u = 5 WHERE id = 5; COMMIT;""")
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_swaps_under_a_deferrable_key_with_full_identity(pair, bulk):
    pair.source.psql("""
        CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text); ALTER TABLE t REPLICA IDENTITY FULL;
        CREATE TABLE u (id int PRIMARY KEY, pos int, CONSTRAINT u_pos UNIQUE (pos) DEFERRABLE INITIALLY IMMEDIATE);
        INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 30) i; INSERT INTO u SELECT i, i FROM generate_series(1, 30) i""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""UPDATE t SET id = id + 1;
        BEGIN; UPDATE t SET id = 5 WHERE v = 'v9'; UPDATE t SET id = 10 WHERE v = 'v4'; COMMIT;
        UPDATE t SET id = 31 - id WHERE id BETWEEN 11 AND 20;
        UPDATE u SET pos = 31 - pos; UPDATE u SET pos = pos + 1;
        BEGIN; SET CONSTRAINTS u_pos DEFERRED; UPDATE u SET pos = 4 WHERE id = 1; UPDATE u SET pos = 31 WHERE pos = 4 AND id <> 1; COMMIT;""")
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.scalar("SELECT count(*) - count(DISTINCT id) FROM t") == 0


def test_a_deferrable_key_alone_is_refused_with_the_statement(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    applier = pair.applier()
    result = applier.cli("precheck")
    assert result.code == Exit.precheck, result
    assert "ALTER TABLE public.t REPLICA IDENTITY FULL" in result.text.replace('"', "")


def test_a_key_that_becomes_deferrable_stops_the_task_before_a_change_is_lost(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    applier = pair.run()
    pair.source.psql("""ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED;
        INSERT INTO t VALUES (3, 'c');
        BEGIN; UPDATE t SET id = 20 WHERE id = 2; UPDATE t SET id = 2 WHERE id = 1; COMMIT;""")
    assert applier.wait_exit() == Exit.unidentified
    assert "ALTER TABLE public.t REPLICA IDENTITY FULL" in applier.log_text().replace('"', "")
    assert pair.target.sql("SELECT id, v FROM t ORDER BY 1") == [(1, "a"), (2, "b"), (3, "c")]
