# Without a replica identity the server still hands out UPDATE and DELETE, without saying which row: passing over them loses them.
import pytest
from walbridge_testing.applier import Exit

STATEMENT = "ALTER TABLE public.t REPLICA IDENTITY FULL"


def test_precheck_and_run_refuse_a_table_without_identity(pair):
    pair.source.psql("CREATE TABLE t (v text); INSERT INTO t VALUES ('a')")
    applier = pair.applier()
    result = applier.cli("precheck")
    assert result.code == Exit.precheck and STATEMENT in result.text.replace('"', ""), result
    assert applier.start().wait_exit() == Exit.precheck
    assert pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,)) == []


@pytest.mark.parametrize("change", ["UPDATE t SET v = 'x' WHERE id = 1", "DELETE FROM t WHERE id = 1"], ids=["update", "delete"])
def test_an_identity_lost_while_running_stops_the_task(pair, change):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE o (id int PRIMARY KEY); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    applier = pair.run()
    pair.source.psql("ALTER TABLE t REPLICA IDENTITY NOTHING; INSERT INTO t VALUES (3, 'inserts need no identity'); INSERT INTO o VALUES (1);")
    applier.wait_caught_up()
    pair.compare()
    pair.source.psql(f"INSERT INTO o VALUES (2); BEGIN; INSERT INTO o VALUES (3); {change}; COMMIT; INSERT INTO o VALUES (4);")
    assert applier.wait_exit() == Exit.unidentified
    assert STATEMENT in applier.log_text().replace('"', "")
    # Everything before is there, nothing of that transaction, nothing after it, and a new start says the same.
    assert pair.target.sql("SELECT id FROM o ORDER BY 1") == [(1,), (2,)]
    assert pair.target.sql("SELECT * FROM t ORDER BY 1") == [(1, "a"), (2, "b"), (3, "inserts need no identity")]
    pair.source.psql("ALTER TABLE t REPLICA IDENTITY FULL")
    assert applier.start().wait_exit() == Exit.unidentified
    assert pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE database = %s", (pair.name,)) == 1
    # The written change can never be identified: the way on is to start over.
    assert applier.cli("reset", "--truncate", "--yes").code == Exit.ok
    applier.start()
    applier.wait_caught_up()
    pair.source.psql("UPDATE t SET v = 'y'; DELETE FROM t WHERE id = 3")
    applier.wait_caught_up()
    pair.compare()


def test_the_identity_can_be_set_by_the_task_and_is_put_back(pair):
    pair.source.psql("CREATE TABLE t (v text, n int); INSERT INTO t VALUES ('a', 1), ('a', 1), (NULL, NULL)")
    applier = pair.run(source={"replica_identity": "set"})
    assert pair.source.scalar("SELECT relreplident FROM pg_class WHERE oid = 't'::regclass") == "f"
    pair.source.psql("DELETE FROM t WHERE ctid = '(0,1)'; UPDATE t SET n = 0 WHERE v IS NULL")
    applier.wait_caught_up()
    pair.compare()
    applier.stop()
    assert applier.cli("release", "--yes").code == Exit.ok
    assert pair.source.scalar("SELECT relreplident FROM pg_class WHERE oid = 't'::regclass") == "d"
