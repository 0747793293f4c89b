# LOAD DATA LOCAL ignores what meets a key, without a word: into a table that holds rows it would lose what it should count.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.existing import check_kept, check_met, check_replaced, finding, proceeding, run_proceeding, table_of

SOURCE = """CREATE TABLE person (id int PRIMARY KEY, email varchar(100) UNIQUE, name text, note text);
    INSERT INTO person SELECT i, 'p' || i, 'source', 'note' FROM generate_series(1, 100) i;
    CREATE TABLE fresh (id int PRIMARY KEY, v text); INSERT INTO fresh SELECT i, 'v' FROM generate_series(1, 10) i;
    CREATE TABLE idle (id int PRIMARY KEY, v text); INSERT INTO idle SELECT i, 'v' FROM generate_series(1, 10) i;"""
TARGET = """CREATE TABLE person (own varchar(20) DEFAULT 'default', email varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin UNIQUE, id bigint PRIMARY KEY, name longtext);
    INSERT INTO person (own, id, email, name) VALUES ('mine', 1, 'x1', 'target'), ('mine', 1002, 'p2', 'target'), ('mine', 3, 'p4', 'target'), ('mine', 2000, 'x2000', 'target');
    CREATE TABLE idle (id int PRIMARY KEY, v longtext)"""


def collation(pair):
    return "utf8mb4_nopad_bin" if pair.server.kind == "mariadb" else "utf8mb4_0900_bin"


def on_target(pair, script):
    with pair.target.connect(autocommit=True) as session, session.cursor() as cursor:
        for statement in script.replace("utf8mb4_nopad_bin", collation(pair)).split(";"):
            if statement.strip():
                cursor.execute(statement)


@pytest.fixture
def both_sides(mysql_pair):
    mysql_pair.source.psql(SOURCE)
    on_target(mysql_pair, TARGET)
    return mysql_pair


def test_rows_of_the_target_are_kept_and_counted(both_sides):
    pair = both_sides
    applier = run_proceeding(pair)
    check_kept(pair, applier)


def test_rows_of_the_target_are_replaced(both_sides):
    pair = both_sides
    applier = run_proceeding(pair, "overwrite")
    check_replaced(pair, applier)


def test_rows_are_brought_by_insert_where_load_data_is_off(own_mysql_pair):
    pair = own_mysql_pair({"local_infile": "0"})
    pair.source.psql(SOURCE)
    on_target(pair, TARGET)
    applier = run_proceeding(pair)
    assert table_of(applier, "person")["kept"] == 4 and pair.target.scalar("SELECT count(*) FROM person") == 100


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_changes_overwrite_what_was_kept(both_sides, bulk):
    pair = both_sides
    applier = run_proceeding(pair, apply={"bulk": bulk})
    pair.source.psql("UPDATE person SET name = 'live', note = 'nobody sees it'; DELETE FROM person WHERE id = 50; INSERT INTO person VALUES (2000, 'p2000', 'live')")
    applier.wait_caught_up()
    wanted = pair.source.sql("SELECT id, email, name FROM person ORDER BY 1")
    assert [tuple(row) for row in pair.target.sql("SELECT id, email, name FROM person ORDER BY id")] == wanted
    assert "left_out=note" in applier.log_text(), applier.log_tail()


def test_precheck_says_what_differs_and_refuses_what_cannot_work(both_sides):
    pair = both_sides
    person = next(f for f in finding(proceeding(pair)) if "person" in f["reason"])
    assert person["result"] == "warning" and "only on the source and not replicated: note" in person["reason"] and "only on the target: own" in person["reason"], person
    errors = [f for f in finding(pair.applier(objects={"existing": "proceed"})) if f["result"] == "error"]
    assert len(errors) == 1 and 'conflict.policy = "overwrite"' in errors[0]["fix"], errors
    refused = finding(pair.applier(), "tables.target")[0]
    assert refused["result"] == "error" and 'existing = "proceed"' in refused["fix"], refused
    on_target(pair, "ALTER TABLE person ADD COLUMN must int NOT NULL")
    errors = [f for f in finding(proceeding(pair)) if f["result"] == "error"]
    assert len(errors) == 1 and "must" in errors[0]["reason"] and "MODIFY COLUMN `must` int" in errors[0]["fix"], errors
    assert proceeding(pair).start().wait_exit() == Exit.precheck


# What the target's table has beside its primary key, what it held, and the keys of the source's rows that met one.
KEYS = {
    "two columns": ("ADD UNIQUE (a, b)", "(100, 1, 'v1'), (101, 2, 'v1'), (102, NULL, 'v8')", {1}),
    "a prefix": ("ADD UNIQUE (b(2))", "(100, 77, 'v3 and more')", {3}),
    "several": ("ADD UNIQUE (a), ADD UNIQUE (b)", "(1, 3, 'v2')", {1, 2, 3}),
    "none but the primary": ("ADD INDEX (a)", "(4, 1, 'v1'), (100, 1, 'v1')", {4}),
}


@pytest.mark.parametrize("rows", ["keep", "overwrite"])
@pytest.mark.parametrize("kind", KEYS)
def test_rows_meet_by_every_kind_of_key(mysql_pair, kind, rows):
    pair = mysql_pair
    definition, held, met = KEYS[kind]
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(30)); INSERT INTO t SELECT i, nullif(i, 8), 'v' || i FROM generate_series(1, 9) i")
    on_target(pair, f"CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin); ALTER TABLE t {definition}; INSERT INTO t VALUES {held}")
    before = [tuple(row) for row in pair.target.sql("SELECT * FROM t ORDER BY id")]
    applier = run_proceeding(pair, rows)
    now = [tuple(row) for row in pair.target.sql("SELECT * FROM t ORDER BY id")]
    check_met(pair, rows, table_of(applier, "t"), before, now, met)


@pytest.mark.parametrize("rows", ["keep", "overwrite"])
def test_a_killed_copy_goes_on_inside_the_table(mysql_pair, rows):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('s', 100) FROM generate_series(1, 30000) i; VACUUM ANALYZE t")
    on_target(pair, "CREATE TABLE t (id int PRIMARY KEY, v longtext); INSERT INTO t VALUES " + ", ".join(f"({i}, 'target')" for i in range(10, 40001, 10)))
    applier = proceeding(pair, rows, copy={"workers": 2, "chunk_bytes": "256kB", "key_chunk_bytes": "256kB"}, throttle={"copy_rows": 8000})
    for chunks in (2, 6):
        applier.start()
        applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done") >= chunks, 60, f"{chunks} chunks are done")
        applier.kill()
        pair.source.psql(f"UPDATE t SET v = 'changed' WHERE id % 1000 = {chunks}; DELETE FROM t WHERE id % 1000 = {chunks + 1}; INSERT INTO t SELECT 50000 + {chunks}, 'new'")
    applier.start()
    applier.cli("throttle set", after=["copy_rows=0"], check=True)
    applier.wait_caught_up()
    expected = dict(pair.source.sql("SELECT * FROM t")) | {i: "target" for i in range(10, 40001, 10) if rows == "keep" or i > 30000}
    assert {row[0]: row[1] for row in pair.target.sql("SELECT id, v FROM t")} == expected
    table = table_of(applier, "t")
    assert (table["kept"], table["overwritten"]) == ((3000, 0) if rows == "keep" else (0, 3000)), table


def test_a_table_that_holds_rows_of_both_cannot_start_again(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('s', 100) FROM generate_series(1, 20000) i; VACUUM ANALYZE t")
    on_target(pair, "CREATE TABLE t (id int PRIMARY KEY, v longtext); INSERT INTO t VALUES (7, 'target'), (70000, 'target')")
    applier = proceeding(pair, copy={"workers": 1, "chunk_bytes": "256kB", "key_chunk_bytes": "256kB"}, throttle={"copy_rows": 5000})
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done") >= 1, 60, "a chunk is done")
    applier.kill()
    pair.source.psql("VACUUM FULL t")
    assert applier.start().wait_exit() == Exit.copy_stage, applier.log_tail()
    assert "nothing tells them apart any more" in applier.status()["error"]["reason"]
    assert [row[0] for row in pair.target.sql("SELECT id FROM t WHERE v = 'target' ORDER BY 1")] == [7, 70000]


def test_a_state_from_before_gets_the_new_columns(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    applier = pair.run()
    assert applier.stop() == Exit.ok
    on_target(pair, "ALTER TABLE walbridge.table_sync DROP COLUMN existing, DROP COLUMN kept, DROP COLUMN overwritten; UPDATE walbridge.state_version SET version = version - 1")
    applier.start()
    applier.wait_caught_up()
    assert table_of(applier, "t")["done"] and pair.target.scalar("SELECT kept FROM walbridge.table_sync") == 0
