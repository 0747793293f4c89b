# Equal rows, NULLs in the identity, an index that is not the primary key: one change must hit exactly the row it means.
import pytest
from walbridge_testing.applier import Exit


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_full_identity_with_duplicates_and_nulls(pair, bulk):
    pair.source.psql("""CREATE TABLE t (a int, b text, c float8, d json); ALTER TABLE t REPLICA IDENTITY FULL;
        INSERT INTO t SELECT 1, 'same', 'NaN', '{"k": 1}' FROM generate_series(1, 5);
        INSERT INTO t SELECT NULL, NULL, NULL, NULL FROM generate_series(1, 5);
        INSERT INTO t VALUES (2, '', '-0', 'null'), (2, NULL, 0, 'null'), (2, '', 0, ' null');""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""
        DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 LIMIT 2);
        UPDATE t SET b = 'one of five' WHERE ctid IN (SELECT ctid FROM t WHERE a IS NULL LIMIT 1);
        DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a IS NULL AND b IS NULL LIMIT 2);
        UPDATE t SET c = 5 WHERE a = 2 AND b = ''; INSERT INTO t SELECT * FROM t;
        BEGIN; DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 LIMIT 1); INSERT INTO t VALUES (1, 'same', 'NaN', '{"k": 1}');
        UPDATE t SET a = 3 WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 LIMIT 2); COMMIT;""")
    applier.wait_caught_up()
    pair.compare()


def test_an_index_as_identity(pair):
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL, v text);
        CREATE UNIQUE INDEX t_ab ON t (b, a); ALTER TABLE t REPLICA IDENTITY USING INDEX t_ab;
        INSERT INTO t SELECT i, i % 7, 'b' || i / 7, 'v' FROM generate_series(1, 100) i;
        CREATE TABLE n (a int NOT NULL, v text); CREATE UNIQUE INDEX n_a ON n (a); ALTER TABLE n REPLICA IDENTITY USING INDEX n_a;
        INSERT INTO n SELECT i, 'n' FROM generate_series(1, 50) i""")
    applier = pair.run()
    pair.source.psql("""UPDATE t SET v = 'w' WHERE a = 3; UPDATE t SET id = id + 1000 WHERE a = 4; UPDATE t SET b = b || '!' WHERE a = 5;
        DELETE FROM t WHERE a = 6; UPDATE n SET a = -a WHERE a < 10; DELETE FROM n WHERE a > 40; UPDATE n SET v = NULL WHERE a = 20;""")
    applier.wait_caught_up()
    pair.compare()


def test_an_identity_index_that_is_dropped_stops_the_task(pair):
    pair.source.psql("""CREATE TABLE n (a int NOT NULL, v text); CREATE UNIQUE INDEX n_a ON n (a); ALTER TABLE n REPLICA IDENTITY USING INDEX n_a;
        INSERT INTO n VALUES (1, 'x')""")
    applier = pair.run()
    pair.source.psql("DROP INDEX n_a; INSERT INTO n VALUES (2, 'y'); UPDATE n SET v = 'z' WHERE a = 1")
    assert applier.wait_exit() == Exit.unidentified
    assert pair.target.sql("SELECT * FROM n ORDER BY 1") == [(1, "x"), (2, "y")]


def test_the_identity_changes_while_the_task_runs(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL UNIQUE, v text); INSERT INTO t SELECT i, 100 + i, 'v' FROM generate_series(1, 20) i")
    applier = pair.run()
    pair.source.psql("""UPDATE t SET v = 'a' WHERE id = 1; ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET v = 'b' WHERE id = 2; DELETE FROM t WHERE id = 3;
        ALTER TABLE t REPLICA IDENTITY USING INDEX t_u_key; UPDATE t SET id = id + 1000 WHERE id = 4; DELETE FROM t WHERE id = 5;
        ALTER TABLE t REPLICA IDENTITY DEFAULT; UPDATE t SET u = 0 WHERE id = 6;""")
    applier.wait_caught_up()
    pair.compare()
