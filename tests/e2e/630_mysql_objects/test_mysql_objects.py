# Tables that come to a running task, leave it or are copied again on a target where DDL commits by itself: rows twice, or never.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.fixtures import SOAK
from walbridge_testing.objects import TABLES, objects, survive_kills
from walbridge_testing.waiting import wait_until

KILLS = 40 if SOAK else 8


def test_add_remove_and_add_again(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE a (id int PRIMARY KEY, v varchar(50)); CREATE TABLE b (id int PRIMARY KEY, v varchar(50)); CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES a, b int);
        INSERT INTO a SELECT i, 'a' || i FROM generate_series(1, 100) i; INSERT INTO b SELECT i, 'b' || i FROM generate_series(1, 1000) i; INSERT INTO child SELECT i, i, i FROM generate_series(1, 50) i""")
    applier = pair.run(include=["public.a"])
    result = applier.cli("objects add", "--wait", after=["public.b", "public.child"], check=True)
    assert "streaming since" in result.out, result
    pair.source.psql("INSERT INTO b VALUES (2000, 'later'); UPDATE b SET v = 'changed' WHERE id < 10; DELETE FROM b WHERE id = 500; ALTER TABLE b ADD COLUMN n int DEFAULT 4; INSERT INTO b VALUES (2001, 'with', 5)")
    applier.wait_caught_up()
    pair.compare()
    applier.wait_until(lambda: pair.target.sql("SELECT count(*) FROM information_schema.table_constraints WHERE constraint_type = 'FOREIGN KEY' AND table_name = 'child' AND table_schema = database()")[0][0] == 1, 30, "the foreign key to a table that was there")
    applier.cli("objects remove", after=["public.b"], check=True)
    pair.source.psql("UPDATE b SET v = 'missed'; DELETE FROM b WHERE id > 400; INSERT INTO a VALUES (1000, 'goes on')")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT count(*) FROM b WHERE v = 'missed'")[0][0] == 0
    pair.compare("a", "child")
    refused = applier.cli("objects add", after=["public.b"])
    assert refused.code == Exit.target_shape and "--truncate" in refused.text, refused
    applier.cli("objects add", "--truncate", "--wait", after=["public.b"], check=True)
    pair.source.psql("UPDATE b SET v = v || '?' WHERE id < 50; INSERT INTO b VALUES (9000, 'new', 1); ALTER TABLE b ADD COLUMN later varchar(20); UPDATE b SET later = 'l' WHERE id < 5")
    applier.wait_caught_up()
    pair.compare()


def test_a_table_is_copied_once_more(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE b (id int PRIMARY KEY, v varchar(50)); CREATE TABLE c (id int PRIMARY KEY REFERENCES b, v varchar(50));
        INSERT INTO b SELECT i, 'b' || i FROM generate_series(1, 500) i; INSERT INTO c SELECT i, 'c' || i FROM generate_series(1, 500) i""")
    applier = pair.run()
    with pair.target.connect(autocommit=True) as connection, connection.cursor() as cursor:
        for statement in ("SET foreign_key_checks = 0", "DELETE FROM b WHERE id % 3 = 0", "UPDATE b SET v = 'wrong' WHERE id % 3 = 1", "INSERT INTO b VALUES (-5, 'stray')"):
            cursor.execute(statement)
    applier.cli("resync", "--wait", after=["public.b"], check=True)
    pair.source.psql("UPDATE b SET v = v || '?' WHERE id < 50; INSERT INTO b VALUES (9000, 'new'); ALTER TABLE b ADD COLUMN n int; UPDATE b SET n = 1 WHERE id = 9000")
    applier.wait_caught_up()
    pair.compare()
    wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE database = %s", (pair.name,)) == 1, 20, "the sync task's slot goes")


def test_ddl_on_a_table_while_it_is_brought(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, v varchar(50), old int); INSERT INTO b SELECT i, 'x', 1 FROM generate_series(1, 40000) i; ANALYZE")
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 20000})
    applier.cli("objects add", after=["public.b"], check=True)
    applier.wait_until(lambda: pair.target.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'b'")[0][0] == 1, 30, "the copy begins")
    pair.source.psql("ALTER TABLE b ADD COLUMN n int DEFAULT 7; INSERT INTO b VALUES (-1, 'after', 2, 8); ALTER TABLE b DROP COLUMN old; CREATE INDEX b_v ON b (v)")
    pair.source.psql("ALTER TABLE b ALTER COLUMN n TYPE bigint; UPDATE b SET n = 9 WHERE id < 100")
    applier.wait_until(lambda: objects(applier)["public.b"]["state"] == "streaming", 90, "handed over")
    pair.source.psql("ALTER TABLE b ADD COLUMN last varchar(10); UPDATE b SET last = 'l' WHERE id < 50; CREATE INDEX b_last ON b (last)")
    applier.wait_caught_up()
    pair.compare()


def test_a_state_of_the_version_before(mysql_pair):
    """An installation from before there was any of this takes part after a start; one that was interrupted on the way as well."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)")
    applier = pair.run(include=["public.a"])
    applier.stop()
    state = pair.database("walbridge")
    for statement in ("ALTER TABLE task DROP COLUMN sync_of, MODIFY task varchar(40) NOT NULL", "ALTER TABLE table_sync DROP COLUMN `rule`, MODIFY task varchar(40) NOT NULL",
                      "ALTER TABLE table_sync DROP COLUMN existing, DROP COLUMN kept, DROP COLUMN overwritten", "ALTER TABLE progress MODIFY task varchar(40) NOT NULL", "DROP TABLE object_change", "UPDATE state_version SET version = 6"):
        state.sql(statement)
    assert "state:" in applier.cli("status", check=True).out
    applier.start()
    pair.source.psql("INSERT INTO a VALUES (1)")
    applier.wait_caught_up()
    applier.cli("objects add", "--wait", after=["public.b"], check=True)
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.heavy
def test_kills_while_tables_come_and_go(mysql_pair, seeded):
    pair = mysql_pair
    pair.source.psql("".join(f"CREATE TABLE {t} (id bigint PRIMARY KEY, v varchar(200), n int);" for t in TABLES) +
                     "INSERT INTO moves SELECT i, 'start', 0 FROM generate_series(1, 2000) i;"
                     "INSERT INTO large SELECT i, repeat(md5(i::text), 3), 0 FROM generate_series(1, 30000) i; ANALYZE")
    survive_kills(pair, seeded, KILLS, 0.02)


def test_a_task_file_is_changed_in_the_middle_of_a_transaction(mysql_pair):
    """Half of the transaction was counted under the old selection: its rest goes by the same, and the new table is copied afterwards."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY, v varchar(50)); CREATE TABLE b (id int PRIMARY KEY, v varchar(50)); INSERT INTO b SELECT i, 'before' FROM generate_series(1, 1000) i")
    applier = pair.run(include=["public.a"], apply={"bulk": False})
    pair.source.psql("BEGIN; INSERT INTO a VALUES (0, 'a'); UPDATE b SET v = 'half' WHERE id % 2 = 0; ALTER TABLE a ADD COLUMN n int; INSERT INTO a SELECT i, 'a', i FROM generate_series(1, 60000) i; UPDATE b SET v = 'whole' WHERE id % 3 = 0; COMMIT")
    begun = lambda: pair.database("walbridge").sql("SELECT count(*) FROM begun_transaction")[0][0]
    applier.wait_until(lambda: begun() == 1, 60, "a part of the transaction is on the target: DDL commits by itself")
    applier.kill()
    assert begun() == 1
    applier.document["objects"]["include"] = ["public.a", "public.b"]
    applier.write_task()
    applier.start()
    applier.wait_until(lambda: objects(applier).get("public.b", {}).get("state") == "streaming", 120, "the new table is handed over")
    pair.source.psql("INSERT INTO b VALUES (2000, 'new')")
    applier.wait_caught_up(120)
    pair.compare()
