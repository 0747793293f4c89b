# A copy to MySQL that looks complete: keys, defaults or rows left out on the way, or values bent by LOAD DATA without a word.
import subprocess

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.workload import SCHEMA, Writers, fill


def pgbench(database, *words):
    subprocess.run([database.cluster.bin / "pgbench", "-h", "127.0.0.1", "-p", str(database.cluster.port), "-U", "postgres", *words, database.name],
                   check=True, capture_output=True)


def indexes(pair, table, database=None):
    """{name: (unique, [columns])} of a table on the target."""
    found = {}
    for name, non_unique, column in pair.target.sql("SELECT index_name, non_unique, column_name FROM information_schema.statistics WHERE table_schema = %s AND table_name = %s "
                                                    "ORDER BY index_name, seq_in_index", (database or pair.target.name, table)):
        found.setdefault(name, (not int(non_unique), []))[1].append(column)
    return found


def test_pgbench_is_copied_and_followed(mysql_pair):
    pair = mysql_pair
    pgbench(pair.source, "-i", "-q", "-s", "1")
    pair.source.psql("ALTER TABLE pgbench_history REPLICA IDENTITY FULL")
    applier = pair.run(copy={"workers": 2, "chunk_bytes": "2MB"})
    pgbench(pair.source, "-n", "-c", "2", "-t", "300", "--random-seed=1")
    applier.wait_caught_up()
    counts = pair.compare()
    assert counts["public.pgbench_accounts"] == 100_000 and counts["public.pgbench_history"] == 600
    assert indexes(pair, "pgbench_accounts") == {"PRIMARY": (True, ["aid"])}
    assert applier.stop() == Exit.ok


def test_keys_defaults_and_comments_come_with_the_tables(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""
        CREATE SCHEMA billing;
        CREATE TYPE billing.state AS ENUM ('open', 'paid', 'it''s');
        CREATE TABLE customer (id serial PRIMARY KEY, name varchar(40) NOT NULL, email varchar(100) UNIQUE, credit numeric(12,2) NOT NULL DEFAULT 10.50 CHECK (credit >= 0),
            active bool DEFAULT true, joined timestamptz DEFAULT now(), note text DEFAULT 'none''s', code char(3) DEFAULT 'abc');
        CREATE TABLE billing.invoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES customer ON DELETE CASCADE,
            number int, state billing.state DEFAULT 'open', total numeric(12,2), UNIQUE (customer, number));
        CREATE INDEX invoice_state ON billing.invoice (state, total DESC); CREATE INDEX customer_note ON customer (note);
        COMMENT ON TABLE customer IS 'who buys; it''s "them" \\ ü'; COMMENT ON COLUMN customer.email IS 'once';
        INSERT INTO customer (name, email) SELECT 'c' || i, 'c' || i || '@x' FROM generate_series(1, 300) i;
        INSERT INTO billing.invoice (customer, number, total) SELECT 1 + i % 300, i, i FROM generate_series(1, 900) i;""")
    applier = pair.run()
    pair.compare()
    pair.source.psql("""UPDATE billing.invoice SET state = 'paid' WHERE id % 10 = 0; DELETE FROM customer WHERE id % 100 = 0;
        BEGIN; INSERT INTO customer (name, email) VALUES ('late', 'l@x'); INSERT INTO billing.invoice (customer, number, total) SELECT max(id), 1, 1 FROM customer; COMMIT;""")
    applier.wait_caught_up()
    pair.compare()
    here, there = indexes(pair, "customer"), indexes(pair, "invoice", "billing")
    assert here["PRIMARY"] == (True, ["id"]) and (True, ["email"]) in here.values() and here["customer_note"] == (False, ["note"])
    assert there["PRIMARY"] == (True, ["id"]) and (True, ["customer", "number"]) in there.values() and there["invoice_state"] == (False, ["state", "total"])
    # What an application finds after the switchover: numbers go on, defaults fill in, rules hold.
    with pair.target.connect(autocommit=True) as session, session.cursor() as cursor:
        cursor.execute("INSERT INTO customer (name) VALUES ('by the application')")
        cursor.execute("SELECT id, credit, active, joined IS NOT NULL, note, code FROM customer WHERE name = 'by the application'")
        assert [str(value) for value in cursor.fetchone()] == ["302", "10.50", "1", "1", "none's", "abc"]
        cursor.execute("SET foreign_key_checks = 1")
        # (MySQL 9.7.4 looks for no parent where the unique key that serves the foreign key holds a NULL.)
        for refused in ("INSERT INTO customer (name, email) VALUES ('again', 'l@x')", "INSERT INTO customer (name, credit) VALUES ('poor', -1)",
                        "INSERT INTO customer (name) VALUES (NULL)", "INSERT INTO billing.invoice (customer, number) VALUES (999999, 1)"):
            with pytest.raises(Exception):
                cursor.execute(refused)
    comments = pair.target.sql("SELECT table_comment FROM information_schema.tables WHERE table_schema = %s AND table_name = 'customer'", (pair.name,))
    assert comments == [('who buys; it\'s "them" \\ ü',)]
    assert pair.target.scalar("SELECT column_comment FROM information_schema.columns WHERE table_schema = %s AND table_name = 'customer' AND column_name = 'email'", (pair.name,)) == "once"
    engines = pair.target.sql("SELECT DISTINCT engine, table_collation LIKE 'utf8mb4%%' FROM information_schema.tables WHERE table_schema IN (%s, 'billing')", (pair.name,))
    assert engines == [("InnoDB", 1)]


def test_texts_that_a_collation_takes_for_equal_are_different_keys(mysql_pair):
    pair = mysql_pair
    words = ["a", "A", "a ", "ä", "Ä", "ss", "ß", " a", "", "a\t", "🙂", "🙃", "\u00c5", "\u212b", "A\u030a"]
    pair.source.psql("CREATE TABLE t (word varchar(20) PRIMARY KEY, n int); CREATE TABLE u (id int PRIMARY KEY, word text UNIQUE)")
    for number, word in enumerate(words[:7]):
        pair.source.sql("INSERT INTO t VALUES (%s, %s); INSERT INTO u VALUES (%s, %s)", (word, number, number, word))
    applier = pair.run()
    pair.compare()
    for number, word in enumerate(words[7:], 7):
        pair.source.sql("INSERT INTO t VALUES (%s, %s); INSERT INTO u VALUES (%s, %s)", (word, number, number, word))
    pair.source.psql("UPDATE t SET n = n + 100 WHERE word = 'a '; DELETE FROM t WHERE word = 'A'; UPDATE u SET word = 'b' WHERE word = 'a'; DELETE FROM u WHERE word = 'ß'")
    applier.wait_caught_up()
    assert pair.compare() == {"public.t": len(words) - 1, "public.u": len(words) - 1}


def test_start_in_the_middle_of_the_traffic(mysql_pair, seeded):
    pair = mysql_pair
    pair.source.psql(SCHEMA + fill(10000))
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "256kB", "key_chunk_bytes": "512kB"})
    with Writers(pair.source, seed=seeded.random(), count=2) as writers:
        applier.wait_until(lambda: writers.transactions > 50, must_run=False)
        applier.start()
        applier.wait_caught_up(90)
        seen = writers.transactions
        applier.wait_until(lambda: writers.transactions > seen + 200)
    applier.wait_caught_up()
    pair.compare()


ROWS = "CREATE TABLE t (id int PRIMARY KEY, v text, b bytea); INSERT INTO t SELECT i, CASE WHEN i % 7 > 0 THEN E'\\\\''\"\\t\\n\\r ü🙂\\\\N ' || i END, decode(md5(i::text) || '5c27220a00', 'hex') FROM generate_series(1, {rows}) i; ANALYZE;"


@pytest.mark.parametrize("local_infile", [0, 1])
def test_the_copy_goes_whichever_way_the_server_allows(mysql_pair, local_infile):
    """LOAD DATA LOCAL, or statements of many rows."""
    pair = mysql_pair
    pair.source.psql(ROWS.format(rows=20000))
    with pair.server.setting(local_infile=local_infile):
        applier = pair.applier(stages=["schema", "full"]).start()
        assert applier.wait_exit(60) == Exit.ok, applier.log_tail()
    pair.compare()


@pytest.mark.parametrize("local_infile", [0, 1])
@pytest.mark.parametrize("column,value", [("v varchar(3)", "'abcd'"), ("v int", "'abc'"), ("v varchar(9) NOT NULL", "NULL"), ("v varchar(9) CHECK (v <> 'bad')", "'bad'"),
                                          ("v varchar(9) CHARACTER SET latin1", "'🙂'")])
def test_a_value_that_the_target_would_bend_stops_the_copy(mysql_pair, column, value, local_infile):
    pair = mysql_pair
    pair.source.psql(f"CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, '1' FROM generate_series(1, 50) i; INSERT INTO t VALUES (100, {value})")
    pair.target.sql(f"CREATE TABLE t (id int PRIMARY KEY, {column}) ENGINE=InnoDB CHARACTER SET utf8mb4")
    with pair.server.setting(local_infile=local_infile):
        applier = pair.applier(stages=["full"]).start()
        assert applier.wait_exit(60) in (Exit.copy_stage, Exit.target_data, Exit.target_shape, Exit.precheck), applier.log_tail()
    log = applier.log_text().replace('"', "").replace("`", "")
    assert "public.t" in log or f"{pair.name}.t" in log
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id = 100") == 0


def test_a_copy_that_was_killed_resumes_with_what_is_missing(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text);"
                     "INSERT INTO a SELECT i, md5(i::text) FROM generate_series(1, 20000) i; INSERT INTO b SELECT i, md5(i::text) FROM generate_series(1, 20000) i; ANALYZE")
    for name in ("a", "b"):
        pair.target.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, v longtext, copied timestamp(6) DEFAULT current_timestamp(6)) ENGINE=InnoDB CHARACTER SET utf8mb4")
    applier = pair.applier(stages=["full", "incremental"], copy={"workers": 1})
    blocker = pair.target.connect()
    blocker.cursor().execute("SELECT * FROM b WHERE id = 5 FOR UPDATE")      # a gap that nobody else may fill; reading goes on
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM a") == 20000 and pair.server.lock_waits() > 0, 30, "a is copied, b waits")
    first = pair.target.scalar("SELECT max(copied) FROM a")
    applier.kill()
    pair.source.psql("UPDATE a SET v = 'later' WHERE id < 100; DELETE FROM b WHERE id < 100; INSERT INTO b VALUES (-1, 'new')")
    blocker.close()
    applier.start()
    applier.wait_caught_up(90)
    pair.compare()
    assert pair.target.scalar("SELECT max(copied) FROM a WHERE id >= 100") == first, "a was copied a second time"


def test_tables_in_the_way_are_named_before_anything_happens(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE u (id int PRIMARY KEY)")
    pair.target.sql("CREATE TABLE t (id int PRIMARY KEY, other text); INSERT INTO t VALUES (7, 'theirs')")
    applier = pair.applier().start()
    assert applier.wait_exit() == Exit.precheck, applier.log_tail()
    assert "t" in applier.log_text() and not pair.target.exists("u")
    assert pair.target.sql("SELECT * FROM t") == [(7, "theirs")]
    assert pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,)) == []


def test_schemas_and_tables_with_other_names(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""CREATE SCHEMA shop; CREATE TABLE shop."Order" (id int PRIMARY KEY, "select" text); CREATE TABLE shop.old (id int PRIMARY KEY); CREATE TABLE plain (id int PRIMARY KEY);
        INSERT INTO shop."Order" VALUES (1, 'a'); INSERT INTO shop.old VALUES (1); INSERT INTO plain VALUES (1)""")
    applier = pair.run(schemas=[{"name": "shop", "rename": "crm"}], tables=[{"name": "shop.old", "rename": "crm.legacy"}])
    pair.source.psql("""INSERT INTO shop."Order" VALUES (2, 'b'); INSERT INTO shop.old VALUES (2); UPDATE shop."Order" SET "select" = 'c' WHERE id = 1""")
    applier.wait_caught_up()
    there = {("shop", "Order"): ("crm", "Order"), ("shop", "old"): ("crm", "legacy"), ("public", "plain"): (pair.name, "plain")}
    assert pair.compare(names=lambda schema, name: there[schema, name]) == {"public.plain": 1, "shop.Order": 2, "shop.old": 2}
    assert "shop" not in pair.server.databases()


def test_a_task_is_reset_run_again_and_released(mysql_pair):
    pair = mysql_pair
    pair.source.psql('CREATE TABLE "o`dd \'" (id int PRIMARY KEY, "c`x" text); INSERT INTO "o`dd \'" SELECT i, \'a\' FROM generate_series(1, 100) i')
    applier = pair.applier(stages=["schema", "full", "incremental"]).start()
    applier.wait_caught_up()
    assert applier.stop() == Exit.ok
    result = applier.cli("reset", "--truncate", "--yes")
    assert result.code == Exit.ok and "emptied 1 tables" in result.text, result
    assert pair.target.sql("SELECT * FROM `o``dd '`") == []
    assert applier.cli("status", "--json").json()["state"] == "new"
    applier.document["task"]["stages"] = ["full", "incremental"]        # the table is there, and empty
    applier.write_task()
    applier.start()
    applier.wait_caught_up()
    pair.compare()
    assert applier.stop() == Exit.ok
    result = applier.cli("release", "--yes")
    assert result.code == Exit.ok and "removed the task's state" in result.text, result
    assert pair.target.scalar("SELECT count(*) FROM `o``dd '`") == 100, "the data stays"
    assert pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{applier.name}",)) == 0
    for (table,) in pair.server.sql("SELECT table_name FROM information_schema.columns WHERE table_schema = 'walbridge' AND column_name = 'task'"):
        assert pair.server.scalar(f"SELECT count(*) FROM walbridge.{table} WHERE task = %s", (applier.name,)) == 0, table
