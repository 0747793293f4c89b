# A row that is already there, or not there any more: overwritten in silence, or a task that cannot go on after the repair.
import pytest
from walbridge_testing.applier import Exit

TABLE = "CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v text); INSERT INTO t SELECT i, 'u' || i, 'v' FROM generate_series(1, 10) i;"


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_a_unique_violation_stops_with_the_row_and_resumes_after_repair(pair, bulk):
    pair.source.psql(TABLE)
    applier = pair.run(apply={"bulk": bulk})
    pair.target.psql("INSERT INTO t VALUES (100, 'taken', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (20, 'fine', 'v'); BEGIN; INSERT INTO t VALUES (21, 'same transaction', 'v'); INSERT INTO t VALUES (101, 'taken', 'by the source'); COMMIT; INSERT INTO t VALUES (22, 'after', 'v');")
    assert applier.wait_exit() == Exit.conflict
    log = applier.log_text()
    assert "taken" in log and "101" in log and "public.t" in log.replace('"', "")
    assert pair.target.sql("SELECT id FROM t WHERE id > 10 ORDER BY 1") == [(20,), (100,)]
    assert applier.start().wait_exit() == Exit.conflict
    pair.target.psql("DELETE FROM t WHERE id = 100")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_an_existing_key_stops_and_resumes(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.target.psql("INSERT INTO t VALUES (50, 'x', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (50, 'y', 'by the source')")
    assert applier.wait_exit() == Exit.conflict
    assert "by the source" in applier.log_text() or "by the target" in applier.log_text()
    pair.target.psql("DELETE FROM t WHERE id = 50")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("policy,expected", [("overwrite", "by the source"), ("ignore", "by the target")])
def test_the_policy_decides(pair, policy, expected):
    pair.source.psql(TABLE)
    applier = pair.run(conflict={"policy": policy})
    pair.target.psql("INSERT INTO t VALUES (50, 'x', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (50, 'y', 'by the source')")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT v FROM t WHERE id = 50") == expected


def test_overwrite_removes_every_row_in_the_way(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE, v text)")
    applier = pair.run(conflict={"policy": "overwrite"})
    pair.target.psql("INSERT INTO t VALUES (1, 1, 1, 'x'), (2, 2, 2, 'x'), (3, 3, 3, 'x'), (4, 4, 4, 'stays')")
    pair.source.psql("INSERT INTO t VALUES (1, 2, 3, 'wins')")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT * FROM t ORDER BY 1") == [(1, 2, 3, "wins"), (4, 4, 4, "stays")]


def test_overwrite_keeps_a_row_without_a_key_that_holds_one_of_its_own_new_values(pair):
    pair.both("CREATE TABLE t (a int UNIQUE, b int UNIQUE, v text); ALTER TABLE t REPLICA IDENTITY FULL")
    applier = pair.run(conflict={"policy": "overwrite"}, stages=["full", "incremental"])
    pair.source.sql("INSERT INTO t VALUES (5, 6, 'own')")
    applier.wait_caught_up()
    pair.target.sql("INSERT INTO t VALUES (9, 8, 'in the way')")
    pair.source.sql("UPDATE t SET b = 8, v = 'moved' WHERE a = 5")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT * FROM t") == [(5, 8, "moved")]


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_an_update_of_a_missing_row_inserts_it_and_a_missing_delete_is_nothing(pair, bulk):
    pair.source.psql(TABLE)
    applier = pair.run(apply={"bulk": bulk})
    pair.target.psql("DELETE FROM t WHERE id <= 4")
    pair.source.psql("UPDATE t SET v = 'w' WHERE id = 1; DELETE FROM t WHERE id = 3; UPDATE t SET id = 40 WHERE id = 4; UPDATE t SET v = 'w' WHERE id IN (2, 5)")
    applier.wait_caught_up()
    pair.compare()


def test_a_missing_row_with_a_value_that_did_not_travel_stops_the_task(pair):
    """The unchanged large value is not in the stream: a row without it would look complete."""
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
        INSERT INTO t SELECT i, 'v', repeat('x', 10000) FROM generate_series(1, 5) i""")
    applier = pair.run()
    pair.target.psql("DELETE FROM t WHERE id = 2")
    pair.source.psql("UPDATE t SET v = 'w' WHERE id <= 3")
    assert applier.wait_exit() == Exit.conflict
    assert "big" in applier.log_text()
    pair.target.psql("INSERT INTO t VALUES (2, 'v', repeat('x', 10000))")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_conflicts_are_recorded(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.target.psql("INSERT INTO t VALUES (50, 'x', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (50, 'y', 'by the source')")
    assert applier.wait_exit() == Exit.conflict
    assert "conflict" in applier.cli("status").text.lower()
