# A change that MySQL counts, orders or stores in another way: applied to the wrong row, in halves, or passed over.
import random
import threading

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated
from walbridge_testing.workload import SCHEMA, Writers, fill

BOTH = pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])


@BOTH
def test_inserts_updates_deletes_and_truncates(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE t (id bigint PRIMARY KEY, v text, n int, at timestamptz); CREATE TABLE p (a int, b varchar(20), v numeric(10, 3), PRIMARY KEY (a, b));
        INSERT INTO t SELECT i, 'v' || i, i, '2024-01-01 00:00+00' FROM generate_series(1, 500) i; INSERT INTO p SELECT i % 7, 'b' || i, i / 3.0 FROM generate_series(1, 200) i;
        CREATE TABLE emptied (id serial PRIMARY KEY, v text); INSERT INTO emptied (v) SELECT 'x' FROM generate_series(1, 20) i""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""INSERT INTO t SELECT i, NULL, -i, '1999-12-31 23:59:59.999999+00' FROM generate_series(1001, 1500) i; UPDATE t SET n = n + 1 WHERE id % 3 = 0; UPDATE t SET v = v;
        UPDATE t SET v = NULL, n = NULL WHERE id % 50 = 0; DELETE FROM t WHERE id % 11 = 0; UPDATE p SET v = -v WHERE a = 3; DELETE FROM p WHERE a = 4; UPDATE p SET v = 0 WHERE b = 'none';
        BEGIN; INSERT INTO t VALUES (5000, 'gone', 1, now()); UPDATE t SET v = 'gone too' WHERE id = 5000; DELETE FROM t WHERE id = 5000; COMMIT;
        BEGIN; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 'again', 1, NULL); COMMIT;
        BEGIN; INSERT INTO emptied (v) VALUES ('goes'); TRUNCATE emptied; INSERT INTO emptied (v) VALUES ('stays'); COMMIT; BEGIN; TRUNCATE emptied; ROLLBACK;
        BEGIN; INSERT INTO t VALUES (6000, 'kept', 1, NULL); SAVEPOINT a; INSERT INTO t VALUES (6001, 'never', 1, NULL); ROLLBACK TO a; COMMIT""")
    applier.wait_caught_up()
    pair.compare()
    pair.source.psql("TRUNCATE t, p; INSERT INTO t VALUES (1, 'after', 1, NULL)")
    applier.wait_caught_up()
    assert pair.compare() == {"public.t": 1, "public.p": 0, "public.emptied": 1}


@BOTH
def test_keys_change_and_values_change_hands(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(100, 1, -1) i;
        CREATE TABLE p (a int, b varchar(30), v int, PRIMARY KEY (a, b)); INSERT INTO p SELECT i % 5, 'b' || i, i FROM generate_series(1, 50) i;
        CREATE TABLE u (id int PRIMARY KEY, u int UNIQUE, v text); INSERT INTO u SELECT i, i, 'v' FROM generate_series(1, 20) i;
        CREATE TABLE w (word varchar(20) PRIMARY KEY, n int); INSERT INTO w VALUES ('a', 1), ('A', 2), ('a ', 3)""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""UPDATE t SET id = id + 1; UPDATE t SET id = -id WHERE id % 2 = 0;
        UPDATE p SET a = a + 10, v = -v WHERE a > 2; UPDATE p SET b = '' WHERE b = 'b5'; UPDATE p SET b = upper(b) WHERE b = 'b6';
        BEGIN; UPDATE t SET id = 5000 WHERE id = 3; UPDATE t SET id = 3 WHERE id = 5; UPDATE t SET id = 5 WHERE id = 5000; COMMIT;
        BEGIN; DELETE FROM t WHERE id = 7; UPDATE t SET id = 7 WHERE id = 9; INSERT INTO t VALUES (9, 'nine'); COMMIT;
        BEGIN; UPDATE u SET u = NULL WHERE id = 1; UPDATE u SET u = 1 WHERE id = 2; UPDATE u SET u = 2 WHERE id = 1; COMMIT;
        BEGIN; DELETE FROM u WHERE id = 3; INSERT INTO u VALUES (30, 3, 'took'); COMMIT;
        BEGIN; UPDATE u SET u = 100 WHERE id = 5; INSERT INTO u VALUES (50, 5, 'took'); UPDATE u SET u = 500 WHERE id = 50; UPDATE u SET u = 5 WHERE id = 5; COMMIT;
        BEGIN; UPDATE w SET word = 'x' WHERE word = 'a'; UPDATE w SET word = 'a' WHERE word = 'A'; UPDATE w SET word = 'A' WHERE word = 'x'; UPDATE w SET n = n + 10 WHERE word = 'a '; COMMIT""")
    applier.wait_caught_up()
    pair.compare()


@BOTH
def test_a_table_without_a_key_changes_one_of_equal_rows(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE bag (v text, n int, f float8, at timestamptz); ALTER TABLE bag REPLICA IDENTITY FULL;
        INSERT INTO bag SELECT 'x', 1, 0.1, '2024-01-01 00:00:00.000001+00' FROM generate_series(1, 5); INSERT INTO bag SELECT NULL, NULL, NULL, NULL FROM generate_series(1, 3);
        INSERT INTO bag VALUES ('X', 1, 0.1, NULL), ('x ', 1, 0.1, NULL), ('', 0, 0.30000000000000004, NULL), ('', 0, 0.3, NULL), (repeat('long', 5000), 1, 1e300, NULL)""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE v = 'x'); DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE v IS NULL);
        UPDATE bag SET n = 2 WHERE ctid = (SELECT min(ctid) FROM bag WHERE v = 'x'); UPDATE bag SET v = 'filled' WHERE ctid = (SELECT min(ctid) FROM bag WHERE v IS NULL);
        DELETE FROM bag WHERE v = 'x '; UPDATE bag SET n = 7 WHERE f = 0.3; UPDATE bag SET n = 8 WHERE length(v) > 100; INSERT INTO bag VALUES ('x', 1, 0.1, NULL);
        BEGIN; UPDATE bag SET n = n; DELETE FROM bag WHERE v = 'X'; COMMIT""")
    applier.wait_caught_up()
    pair.compare()


@BOTH
def test_unchanged_large_values_stay(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, n int, a text, b bytea, c jsonb); ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
        CREATE TABLE f (id int PRIMARY KEY, n int, a text); ALTER TABLE f ALTER a SET STORAGE EXTERNAL; ALTER TABLE f REPLICA IDENTITY FULL;
        INSERT INTO t SELECT i, 0, repeat('a' || i, 3000), decode(repeat(md5(i::text), 400), 'hex'), to_jsonb(repeat(md5(i::text), 400)) FROM generate_series(1, 40) i;
        INSERT INTO f SELECT i, 0, repeat('f' || i, 3000) FROM generate_series(1, 40) i""")
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""UPDATE t SET n = 1 WHERE id <= 10; UPDATE t SET n = 2, b = '\\x00' WHERE id BETWEEN 5 AND 15; UPDATE t SET a = NULL WHERE id = 3; UPDATE t SET a = '' WHERE id = 4;
        UPDATE t SET id = id + 1000 WHERE id BETWEEN 20 AND 25; UPDATE f SET n = n + 1; UPDATE f SET id = id + 1000 WHERE id < 10; DELETE FROM f WHERE id BETWEEN 11 AND 13;
        BEGIN; INSERT INTO t VALUES (100, 0, repeat('new', 3000), '\\x01', '1'); UPDATE t SET n = 1 WHERE id = 100; UPDATE t SET id = 101 WHERE id = 100; UPDATE t SET n = 2 WHERE id = 101;
        UPDATE t SET a = repeat('other', 3000) WHERE id = 1; UPDATE t SET n = 9 WHERE id = 1; UPDATE t SET c = 'null' WHERE id = 1;
        DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (2, 5, repeat('back', 3000), NULL, NULL); UPDATE t SET n = 6 WHERE id = 2; COMMIT""")
    applier.wait_caught_up()
    pair.compare()


@BOTH
def test_characters_that_three_bytes_or_a_quote_would_break(mysql_pair, bulk):
    pair = mysql_pair
    texts = ["🙂👨‍👩‍👧‍👦🏴", "𝄞 𠜎 𒀱", "'", "\\", "\\'", "'' OR 1=1 --", '"', "`", "%s %d ? $1", "\t\n\r\v\f\b", "\x01\x1a\x7f", "\u200d\ufeff\u0301", "\\N", "NULL", "", " ", "é e\u0301", "\ufffd\U0010ffff", "a" * 70000]
    pair.source.psql("""CREATE TABLE "t'`\\x" (id int PRIMARY KEY, "v'`""\\ ü" text, b bytea)""")
    applier = pair.run(apply={"bulk": bulk})
    for number, text in enumerate(texts):
        pair.source.sql("""INSERT INTO "t'`\\x" VALUES (%s, %s, %s)""", (number, text, text.encode() + bytes(range(256))))
    pair.source.sql("""INSERT INTO "t'`\\x" SELECT id + 100, * FROM (SELECT "v'`""\\ ü", b FROM "t'`\\x" WHERE id < 100) x, LATERAL (SELECT 1) y""".replace("SELECT id + 100, *", "SELECT row_number() OVER () + 100, x.*"))
    pair.source.sql("""UPDATE "t'`\\x" SET "v'`""\\ ü" = 'z' || "v'`""\\ ü" WHERE id >= 100""")
    applier.wait_caught_up()
    assert pair.compare() == {"public.t'`\\x": 2 * len(texts)}


def transfers(number):
    """A sum that no transaction changes, over two tables; some of them large."""
    return f"BEGIN; UPDATE a SET n = n - {number} WHERE id = {number % 50 + 1}; UPDATE b SET n = n + {number} WHERE id = {number % 30 + 1}; COMMIT;"


@pytest.mark.parametrize("options", [{"apply": {"bulk": True}}, {"apply": {"bulk": False}}, {"apply": {"batch_rows": 10}}], ids=["bulk", "exact", "small batches"])
def test_no_reader_sees_half_a_transaction(mysql_pair, options):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE a (id int PRIMARY KEY, n bigint); CREATE TABLE b (id int PRIMARY KEY, n bigint);
        INSERT INTO a SELECT i, 1000 FROM generate_series(1, 500) i; INSERT INTO b SELECT i, 1000 FROM generate_series(1, 500) i""")
    applier = pair.run(**options)
    torn = []

    def look(cursor, _):
        cursor.execute("SELECT (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b), (SELECT count(*) FROM a) + (SELECT count(*) FROM b)")
        if (seen := tuple(map(int, cursor.fetchone()))) != (1_000_000, 1000):
            torn.append(seen)

    with Repeated(pair.target, look, pause=0.001) as looks:
        for round in range(4):
            pair.source.psql("".join(transfers(round * 100 + i) for i in range(100)))
            pair.source.psql("BEGIN; UPDATE a SET n = n - 3; UPDATE b SET n = n + 3; DELETE FROM a WHERE id > 400; INSERT INTO a SELECT i, 0 FROM generate_series(401, 500) i; "
                             "UPDATE a SET n = 994 - 3 * %d WHERE id > 400; UPDATE b SET n = n + (SELECT 1000000 - (SELECT sum(n) FROM a) - (SELECT sum(n) FROM b)) WHERE id = 1; COMMIT" % round)
        applier.wait_caught_up()
        seen = looks.calls
        applier.wait_until(lambda: looks.calls > max(seen, 20))
    assert not torn, torn[:5]
    pair.compare()


@BOTH
def test_a_large_transaction_is_applied_whole(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    applier = pair.run(apply={"bulk": bulk}, source={"decoding_memory": "64kB"})
    count = 30000 if bulk else 5000
    with pair.source.connect() as session, session.cursor() as cursor:
        cursor.execute(f"INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, {count}) i; SAVEPOINT a; UPDATE t SET v = 'never'; ROLLBACK TO a")
        pair.source.psql("INSERT INTO t VALUES (-1, 'between')")
        applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM t WHERE id = -1") == 1)
        assert pair.target.scalar("SELECT count(*) FROM t") == 1
        cursor.execute(f"UPDATE t SET v = 'y' WHERE id % 2 = 0; DELETE FROM t WHERE id % 5 = 0")
        session.commit()
    applier.wait_caught_up(120)
    pair.compare()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_a_value_beyond_max_allowed_packet_names_setting_and_row(own_mysql_pair, bulk):
    pair = own_mysql_pair({"max_allowed_packet": 1 << 20})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE o (id int PRIMARY KEY); INSERT INTO t VALUES (1, 'a')")
    applier = pair.run(apply={"bulk": bulk}, log={"level": "info"})
    pair.source.psql("INSERT INTO t SELECT i, repeat('fits', 50000) FROM generate_series(2, 20) i")        # more than a packet together
    applier.wait_caught_up()
    pair.compare()
    pair.source.psql("INSERT INTO o VALUES (1); BEGIN; INSERT INTO o VALUES (2); INSERT INTO t VALUES (4711, repeat('large', 300000)); COMMIT; INSERT INTO o VALUES (3)")
    assert applier.wait_exit(60) == Exit.target_data, applier.log_tail()
    log = applier.log_text().replace('"', "").replace("`", "")
    for word in ("max_allowed_packet", "1048576", "public.t", "4711"):      # the setting, what it is, the table, the row
        assert word in log, (word, log)
    assert "largelarge" not in log
    assert pair.target.sql("SELECT id FROM o ORDER BY 1") == [(1,)]
    pair.server.set(max_allowed_packet=32 << 20)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_value_beyond_max_allowed_packet_in_the_copy(own_mysql_pair):
    pair = own_mysql_pair({"max_allowed_packet": 1 << 20, "local_infile": 0})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i; INSERT INTO t VALUES (4711, repeat('large', 300000))")
    applier = pair.applier().start()
    assert applier.wait_exit(60) in (Exit.copy_stage, Exit.target_data), applier.log_tail()
    log = applier.log_text().replace('"', "").replace("`", "")
    assert "max_allowed_packet" in log and "public.t" in log
    pair.server.set(max_allowed_packet=32 << 20)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_large_row_of_the_copy_travels_alone(own_mysql_pair):
    """It fits the server's packets, and not together with those before it."""
    pair = own_mysql_pair({"max_allowed_packet": 1 << 20, "local_infile": 0})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('v', 1000) FROM generate_series(1, 500) i; INSERT INTO t VALUES (4711, repeat('large', 140000)), (4712, 'v')")
    pair.run()
    pair.compare()


def test_locks_of_others_are_waited_for_and_deadlocks_survived(own_mysql_pair):
    """1205 leaves the transaction half there, 1213 takes it away: whatever goes on must not continue in the rest of it."""
    pair = own_mysql_pair({"innodb_lock_wait_timeout": 1})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) i")
    applier = pair.run(apply={"lock_timeout": "1s"})
    blocker = pair.target.connect()
    blocker.cursor().execute("SELECT * FROM t WHERE id = 20 FOR UPDATE")
    pair.source.psql("BEGIN; UPDATE t SET n = n + 1 WHERE id <= 30; COMMIT")
    applier.wait_log("(?i)lock", 30)
    assert pair.target.scalar("SELECT count(*) FROM t WHERE n > 0") == 0
    blocker.rollback()
    blocker.close()
    applier.wait_caught_up()
    pair.compare()
    stop, deadlocks = threading.Event(), []

    def meddle():
        """Locks the same rows in random orders, changes none."""
        rng = random.Random(1)
        while not stop.is_set():
            connection = pair.target.connect()
            try:
                with connection.cursor() as cursor:
                    for key in rng.sample(range(1, 41), 4):
                        cursor.execute("SELECT * FROM t WHERE id = %s FOR UPDATE", (key,))
            except Exception as error:
                deadlocks.append(error)
            finally:
                connection.rollback()
                connection.close()

    threads = [threading.Thread(target=meddle) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for i in range(60):
            pair.source.psql(f"BEGIN; UPDATE t SET n = n + 1 WHERE id = {40 - i % 40}; UPDATE t SET n = n + 2 WHERE id = {1 + i % 40}; UPDATE t SET n = n + 3 WHERE id BETWEEN 10 AND 15; COMMIT")
        applier.wait_caught_up(90)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    pair.compare()


@BOTH
def test_the_usual_mixture(mysql_pair, seeded, bulk):
    pair = mysql_pair
    pair.source.psql(SCHEMA + fill(1000))
    applier = pair.run(apply={"bulk": bulk})
    with Writers(pair.source, seed=seeded.random(), count=2, pause=0, key_space=1000) as writers:
        applier.wait_until(lambda: writers.transactions > 300)
    applier.wait_caught_up()
    pair.compare()


def test_foreign_keys_and_triggers_of_the_target_stay_quiet(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO parent SELECT generate_series(1, 10); INSERT INTO child SELECT i, i FROM generate_series(1, 10) i""")
    applier = pair.run()
    pair.source.psql("""BEGIN; INSERT INTO child VALUES (20, 20); INSERT INTO parent VALUES (20); COMMIT; DELETE FROM parent WHERE id = 3;
        BEGIN; DELETE FROM child WHERE id = 4; DELETE FROM parent WHERE id = 4; INSERT INTO parent VALUES (4); INSERT INTO child VALUES (4, 4); COMMIT""")
    applier.wait_caught_up()
    pair.compare()
