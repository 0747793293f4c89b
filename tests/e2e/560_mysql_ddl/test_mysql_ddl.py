# A migration of the source that MySQL does not follow, follows twice, or follows at another place among the rows.
import time

import psycopg2
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated
from walbridge_testing.mysql_ddl import same_as_a_fresh_copy
from walbridge_testing.waiting import wait_until

ITEMS = "CREATE TABLE item (id int PRIMARY KEY, name varchar(50) NOT NULL, price numeric(10,2)); INSERT INTO item SELECT g, 'n' || g, g FROM generate_series(1, 200) g;"

# name: what there is before, and one script with one or more transactions.
FORMS = {
    "create_alter_drop_with_rows": (ITEMS, """
        BEGIN; INSERT INTO item VALUES (1000, 'before', 1);
        CREATE TABLE fresh (id serial PRIMARY KEY, item int REFERENCES item, note varchar(20) DEFAULT 'none'); INSERT INTO fresh (item) SELECT id FROM item;
        ALTER TABLE item ADD COLUMN stock int NOT NULL DEFAULT 5; UPDATE item SET stock = 7 WHERE id < 10; INSERT INTO item VALUES (1001, 'after', 2, 9);
        ALTER TABLE item DROP COLUMN price; INSERT INTO item VALUES (1002, 'later', 3); DELETE FROM item WHERE id = 1001; COMMIT;
        BEGIN; DROP TABLE fresh; INSERT INTO item VALUES (1003, 'x', 1); COMMIT;
        INSERT INTO item VALUES (1004, 'y', 1)"""),
    "add_columns": (ITEMS, """
        ALTER TABLE item ADD COLUMN a text, ADD COLUMN b timestamptz DEFAULT '2024-01-01 12:00+02', ADD COLUMN c bool NOT NULL DEFAULT true, ADD COLUMN d numeric(8,3) DEFAULT 1.5;
        ALTER TABLE item ADD COLUMN IF NOT EXISTS a int; INSERT INTO item VALUES (300, 'x', 1, 'a', now(), false, 2); UPDATE item SET a = 'ü🙂' WHERE id = 5;
        ALTER TABLE item ADD COLUMN e uuid, ADD COLUMN f jsonb DEFAULT '{"a": 1}', ADD COLUMN g date DEFAULT '2024-02-29'; INSERT INTO item (id, name) VALUES (301, 'y')"""),
    "drop_columns": (ITEMS + "ALTER TABLE item ADD COLUMN a int, ADD COLUMN b int UNIQUE; CREATE INDEX item_a_price ON item (a, price);", """
        ALTER TABLE item DROP COLUMN a; INSERT INTO item VALUES (300, 'x', 1, 5); ALTER TABLE item DROP COLUMN b, DROP COLUMN IF EXISTS nothing; INSERT INTO item VALUES (301, 'x', 1)"""),
    "rename_columns_and_tables": (ITEMS, """
        BEGIN; ALTER TABLE item RENAME COLUMN name TO label; INSERT INTO item VALUES (300, 'a', 1); ALTER TABLE item RENAME TO thing; INSERT INTO thing VALUES (301, 'b', 1); COMMIT;
        ALTER TABLE thing RENAME COLUMN price TO "select"; UPDATE thing SET "select" = 7 WHERE id = 300; ALTER TABLE IF EXISTS item RENAME TO other; DELETE FROM thing WHERE id = 3"""),
    "swap_of_tables": (ITEMS, """
        BEGIN; CREATE TABLE item_new (LIKE item INCLUDING ALL); INSERT INTO item_new SELECT id, upper(name), price FROM item;
        ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item; UPDATE item SET price = 0 WHERE id = 3; DELETE FROM item_old WHERE id < 5; COMMIT;
        INSERT INTO item VALUES (500, 'new', 1); INSERT INTO item_old VALUES (501, 'old', 1)"""),
    "types_of_columns": (ITEMS, """
        ALTER TABLE item ALTER COLUMN id TYPE bigint; INSERT INTO item VALUES (5000000000, 'large', 1); ALTER TABLE item ALTER COLUMN name TYPE varchar(200), ALTER COLUMN price TYPE numeric(14,4);
        INSERT INTO item VALUES (600, repeat('ü', 200), 1.2345); BEGIN; INSERT INTO item VALUES (601, 'in', 2); ALTER TABLE item ALTER COLUMN name TYPE text; INSERT INTO item VALUES (602, repeat('x', 5000), 3); COMMIT"""),
    "type_with_an_expression": (ITEMS, """
        BEGIN; ALTER TABLE item ALTER COLUMN price TYPE text USING 'p' || price || '-' || (random() * 1000)::int; INSERT INTO item VALUES (800, 'x', 'free'); COMMIT; UPDATE item SET price = 'none' WHERE id = 5"""),
    "defaults_and_nulls": (ITEMS, """
        ALTER TABLE item ALTER COLUMN price SET DEFAULT 3; INSERT INTO item (id, name) VALUES (600, 'd'); ALTER TABLE item ALTER COLUMN price SET NOT NULL; ALTER TABLE item ALTER COLUMN name DROP NOT NULL;
        INSERT INTO item VALUES (601, NULL, -1); ALTER TABLE item ALTER COLUMN price DROP DEFAULT; ALTER TABLE item ALTER COLUMN name SET DEFAULT 'it''s \\ "x"'; INSERT INTO item (id, price) VALUES (602, 1)"""),
    "a_default_per_row": (ITEMS, """
        ALTER TABLE item ADD COLUMN token double precision DEFAULT random(), ADD COLUMN made timestamptz DEFAULT clock_timestamp(); INSERT INTO item (id, name) VALUES (900, 'x'); UPDATE item SET name = 'y' WHERE id = 900;
        BEGIN; INSERT INTO item (id, name) VALUES (901, 'z'); ALTER TABLE item ADD COLUMN seen timestamptz NOT NULL DEFAULT now(); INSERT INTO item (id, name) VALUES (902, 'z'); COMMIT"""),
    "indexes": (ITEMS, """
        CREATE INDEX item_name ON item (name); CREATE UNIQUE INDEX item_both ON item (name, id DESC); CREATE INDEX ON item (price); INSERT INTO item VALUES (300, 'x', 1);
        ALTER INDEX item_name RENAME TO by_name; DROP INDEX item_both; CREATE INDEX CONCURRENTLY later ON item (price, name); DROP INDEX IF EXISTS nothing; INSERT INTO item VALUES (301, 'x', 1); REINDEX TABLE item"""),
    "constraints": (ITEMS + "CREATE TABLE child (id int PRIMARY KEY, item int);", """
        ALTER TABLE item ADD CONSTRAINT positive CHECK (price >= 0); ALTER TABLE item ADD CONSTRAINT name_once UNIQUE (name); INSERT INTO child SELECT id, id FROM item;
        ALTER TABLE child ADD CONSTRAINT of_item FOREIGN KEY (item) REFERENCES item ON DELETE CASCADE; INSERT INTO item VALUES (300, 'x', 1); INSERT INTO child VALUES (300, 300); DELETE FROM item WHERE id = 7;
        ALTER TABLE item DROP CONSTRAINT positive; INSERT INTO item VALUES (301, 'neg', -1); ALTER TABLE item DROP CONSTRAINT name_once; INSERT INTO item VALUES (302, 'x', 1); ALTER TABLE child DROP CONSTRAINT of_item; DELETE FROM item WHERE id = 8"""),
    "another_primary_key": (ITEMS, """
        ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY (name); UPDATE item SET id = id + 1 WHERE name = 'n5'; UPDATE item SET name = 'm6' WHERE name = 'n6'; DELETE FROM item WHERE name = 'n7'"""),
    "a_key_by_serial": ("CREATE TABLE log (line varchar(40)); ALTER TABLE log REPLICA IDENTITY FULL; INSERT INTO log SELECT 'l' || g FROM generate_series(1, 50) g;", """
        ALTER TABLE log ADD COLUMN id bigserial PRIMARY KEY; INSERT INTO log (line) VALUES ('more'); DELETE FROM log WHERE id = 7"""),
    "create_table_as": (ITEMS, """
        CREATE TABLE cheap AS SELECT id, name AS label, random() AS lot FROM item WHERE price < 50;
        BEGIN; SELECT id, price * 2 AS twice INTO dear FROM item WHERE price >= 50; INSERT INTO dear VALUES (1, 2); ALTER TABLE dear ADD PRIMARY KEY (id); DELETE FROM dear WHERE id = 60; COMMIT"""),
    "truncate_and_drop": (ITEMS + "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);", """
        BEGIN; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1); TRUNCATE a, b; INSERT INTO a VALUES (2); COMMIT; TRUNCATE item; INSERT INTO item VALUES (1, 'after', 1);
        DROP TABLE a CASCADE; INSERT INTO b VALUES (5, 5); DROP TABLE IF EXISTS nothing; DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (9)"""),
    "enum_values": ("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (id int PRIMARY KEY, mood mood); INSERT INTO m VALUES (1, 'ok');", """
        ALTER TYPE mood ADD VALUE 'great' AFTER 'ok'; INSERT INTO m VALUES (2, 'great'); ALTER TYPE mood ADD VALUE 'bad' BEFORE 'ok'; UPDATE m SET mood = 'bad' WHERE id = 1"""),
    "comments": (ITEMS, "COMMENT ON TABLE item IS 'it''s \"here\" \\ ü'; COMMENT ON COLUMN item.name IS E'tab\\there'; INSERT INTO item VALUES (300, 'x', 1); COMMENT ON COLUMN item.name IS NULL"),
    "settings_that_matter": ("CREATE TABLE d (id int PRIMARY KEY);", """
        SET DateStyle = 'SQL, DMY'; SET TimeZone = 'America/New_York'; CREATE TABLE e (id int PRIMARY KEY, at timestamptz DEFAULT '03/04/2026 12:00', day date DEFAULT '03/04/2026'); INSERT INTO e VALUES (1);
        ALTER TABLE d ADD COLUMN at timestamptz DEFAULT '05/06/2026 10:00'; INSERT INTO d VALUES (1)"""),
    "generated_columns": (ITEMS, """
        ALTER TABLE item ADD COLUMN double_id int GENERATED ALWAYS AS (id * 2) STORED; INSERT INTO item VALUES (300, 'x', 1);
        ALTER TABLE item ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('english', name)) STORED; INSERT INTO item VALUES (301, 'some words', 1); ALTER TABLE item ALTER COLUMN double_id DROP EXPRESSION;
        INSERT INTO item VALUES (302, 'y', 1, 7); UPDATE item SET name = 'other words' WHERE id < 4"""),
    "dropped_with_what_it_needs": ("CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE TABLE m (id int PRIMARY KEY, mood mood, v int); INSERT INTO m VALUES (1, 'ok', 1);" + ITEMS +
                                   "CREATE TABLE child (id int PRIMARY KEY, item int REFERENCES item); INSERT INTO child VALUES (1, 1);", """
        DROP TYPE mood CASCADE; INSERT INTO m VALUES (2, 3); DROP TABLE item CASCADE; INSERT INTO child VALUES (2, 777)"""),
    "from_functions_and_blocks": (ITEMS, """
        DO $$ BEGIN FOR n IN 1..3 LOOP EXECUTE format('ALTER TABLE item ADD COLUMN c%s int DEFAULT %s', n, n); EXECUTE format('UPDATE item SET c%s = id WHERE id < 4', n); END LOOP; END $$;
        CREATE FUNCTION grow() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE made (id int PRIMARY KEY); INSERT INTO made VALUES (1); ALTER TABLE made ADD v text; INSERT INTO made VALUES (2, ''x''); END';
        SELECT grow(); BEGIN; SAVEPOINT a; ALTER TABLE item ADD COLUMN undone int; INSERT INTO item VALUES (700, 'undone', 1, 1, 1, 1, 1); ROLLBACK TO a; INSERT INTO item VALUES (701, 'done', 1, 1, 1, 1); COMMIT"""),
    "partitions": ("CREATE TABLE log (at date, v int) PARTITION BY RANGE (at); CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); INSERT INTO log VALUES ('2026-01-05', 1); ALTER TABLE log_a REPLICA IDENTITY FULL;", """
        CREATE TABLE log_b PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); INSERT INTO log VALUES ('2026-02-05', 2), ('2026-01-06', 3); ALTER TABLE log ADD COLUMN w int DEFAULT 5; INSERT INTO log VALUES ('2026-02-06', 4);
        ALTER TABLE log DETACH PARTITION log_a; INSERT INTO log_a VALUES ('2026-01-07', 9); CREATE INDEX ON log (v); DROP TABLE log"""),
    "nothing_that_mysql_needs": (ITEMS, """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT id FROM item; GRANT SELECT ON item TO PUBLIC; ANALYZE item; CREATE SEQUENCE s; CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
        CREATE TABLE uses (id int PRIMARY KEY, p percent); INSERT INTO uses VALUES (1, 50); ALTER TABLE item SET (fillfactor = 70); ALTER TABLE item REPLICA IDENTITY FULL; UPDATE item SET price = 1 WHERE id = 4"""),
}

@pytest.mark.parametrize("form", FORMS)
def test_form(mysql_pair, form):
    pair = mysql_pair
    setup, script = FORMS[form]
    pair.source.psql(setup)
    applier = pair.run()
    pair.source.psql(script)
    applier.wait_caught_up(60)
    pair.compare()
    same_as_a_fresh_copy(pair)


def test_a_schema_with_another_name(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, v text); CREATE TABLE shop.part (id int PRIMARY KEY, item int REFERENCES shop.item); INSERT INTO shop.item VALUES (1, 'x')")
    applier = pair.run()
    pair.source.psql("BEGIN; INSERT INTO shop.item VALUES (2, 'y'); ALTER SCHEMA shop RENAME TO store; INSERT INTO store.item VALUES (3, 'z'); INSERT INTO store.part VALUES (1, 3); COMMIT; ALTER TABLE store.part ADD n int DEFAULT 2")
    applier.wait_caught_up()
    pair.compare()
    same_as_a_fresh_copy(pair, ("store",))


def listed(applier, state=None):
    rows = applier.cli("ddl", "list", "--json", check=True).json()
    return [row for row in rows if state in (None, row["state"])]


UNTRANSLATABLE = ["ALTER TABLE item ADD EXCLUDE USING gist (int4range(id, id + 1) WITH &&)", "CREATE UNIQUE INDEX odd ON item (lower(name)) WHERE price > 3",
                  "ALTER TABLE item ADD CONSTRAINT shape CHECK (name ~ '^[nwax]')"]


@pytest.mark.parametrize("statement", UNTRANSLATABLE)
def test_what_cannot_be_translated_stops_before_anything_is_visible(mysql_pair, statement):
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run()
    pair.source.psql(f"BEGIN; INSERT INTO item VALUES (1000, 'with', 1); {statement}; COMMIT; INSERT INTO item (id, name) VALUES (1001, 'after')")
    assert applier.wait_exit(60) == Exit.ddl, applier.log_tail()
    assert pair.target.scalar("SELECT count(*) FROM item WHERE id >= 1000") == 0
    (row,) = listed(applier)
    assert row["state"] == "refused" or row["state"] == "failed"
    assert "walbridge ddl dismiss" in applier.log_text()
    assert "dismissed" in applier.cli("ddl", "dismiss", after=[row["id"]]).out
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_table_that_the_capture_could_not_read_stops_the_task(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run()
    pair.source.psql("SET walbridge.debug_capture_failure = 'definitions'; ALTER TABLE item ADD COLUMN more int; RESET walbridge.debug_capture_failure; INSERT INTO item VALUES (1000, 'with', 1, 2)")
    assert applier.wait_exit(60) == Exit.ddl, applier.log_tail()
    assert "the capture could not read them" in applier.log_text()
    (row,) = listed(applier)
    pair.target.sql("ALTER TABLE item ADD COLUMN more int")
    applier.cli("ddl", "dismiss", after=[row["id"]], check=True)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_what_cannot_be_translated_is_passed_over_and_listed(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run(ddl={"on_error": "skip"})
    pair.source.psql(f"BEGIN; INSERT INTO item VALUES (1000, 'with', 1); {UNTRANSLATABLE[1]}; ALTER TABLE item ADD COLUMN more int; UPDATE item SET more = 5 WHERE id < 3; COMMIT")
    applier.wait_caught_up()
    pair.compare()
    assert len(listed(applier, "skipped")) == 1


def test_a_taken_name_stops_the_task_and_it_goes_on_when_it_is_free(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run()
    pair.target.sql("CREATE TABLE taken (other int)")
    pair.source.psql("BEGIN; INSERT INTO item VALUES (100000, 'with', 1); CREATE TABLE taken (id int PRIMARY KEY, v text); INSERT INTO taken VALUES (1, 'x'); COMMIT")
    assert applier.wait_exit(60) == Exit.ddl, applier.log_tail()
    log = applier.log_text()
    assert "already exists" in log and "CREATE TABLE taken" in log
    assert pair.target.columns("taken") == {"other": pair.target.columns("taken")["other"]} and pair.target.scalar("SELECT count(*) FROM taken") == 0
    pair.target.sql("DROP TABLE taken")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_rows_around_ddl_wait_for_no_reader(mysql_pair):
    """A reader's metadata lock holds DDL up; the task waits, tells why, and goes on."""
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run(apply={"lock_timeout": "2s"})
    reader = pair.target.connect()
    reader.cursor().execute("SELECT count(*) FROM item")
    pair.source.psql("BEGIN; INSERT INTO item VALUES (1000, 'a', 1); ALTER TABLE item ADD COLUMN more int DEFAULT 4; INSERT INTO item VALUES (1001, 'b', 1, 2); COMMIT")
    applier.wait_log("(?i)lock", 30)
    applier.check_alive()
    reader.rollback()
    reader.close()
    applier.wait_caught_up()
    pair.compare()


def test_a_statement_that_outlives_its_process_is_ended_first(mysql_pair):
    """The server goes on with what a killed client has sent, and would execute it beside the one that comes again."""
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run(apply={"lock_timeout": "60s"})
    reader = pair.target.connect()
    reader.cursor().execute("SELECT count(*) FROM item")
    waiting = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE%%' AND state LIKE 'Waiting for table metadata lock%%'"
    pair.source.psql("BEGIN; INSERT INTO item VALUES (1000, 'a', 1); ALTER TABLE item ADD COLUMN more int DEFAULT 4; INSERT INTO item VALUES (1001, 'b', 1, 2); COMMIT")
    wait_until(lambda: pair.server.scalar(waiting) == 1, 30, "the statement waits for the reader")
    applier.kill()
    assert pair.server.scalar(waiting) == 1
    applier.start()
    applier.wait_log("ended an older session of this task", 30)
    wait_until(lambda: pair.server.scalar(waiting) == 1, 30, "it waits again, alone")
    reader.rollback()
    reader.close()
    applier.wait_caught_up(60)
    pair.compare()
    same_as_a_fresh_copy(pair)


STEPS = ["ALTER TABLE {t} ADD COLUMN c{n} int DEFAULT {n}", "ALTER TABLE {t} RENAME COLUMN c{n} TO d{n}", "CREATE INDEX i{n} ON {t} (d{n})", "ALTER TABLE {t} ALTER COLUMN d{n} TYPE bigint", "ALTER TABLE {t} RENAME TO {t}_next",
         "CREATE TABLE made_{n} (id int PRIMARY KEY, v varchar(9) DEFAULT 'x')", "TRUNCATE made_{n}", "ALTER TABLE made_{n} ADD CONSTRAINT u{n} UNIQUE (v)", "ALTER TABLE {t}_next RENAME TO {t}", "DROP INDEX i{n}",
         "ALTER TABLE {t} DROP COLUMN d{n}", "DROP TABLE made_{n}"]


@pytest.mark.heavy
def test_a_kill_between_ddl_and_progress_neither_loses_nor_repeats(own_mysql_pair, seeded):
    """MySQL commits DDL by itself. Every statement is such that a second time fails or shows, and so do the rows around it."""
    pair = own_mysql_pair()
    pair.source.psql(ITEMS + "CREATE TABLE log (n int, what varchar(30)); ALTER TABLE log REPLICA IDENTITY FULL")
    applier = pair.run()
    kills = {"applier": 0, "target": 0}
    for n in range(6):
        # Each statement between rows of its own transaction; a table made is filled, so that what is emptied twice shows.
        script = "".join(f"BEGIN; INSERT INTO log VALUES ({n}, 'before {i}'); {step.format(t='item', n=n)}; INSERT INTO log VALUES ({n}, 'after {i}');"
                         + (f"INSERT INTO made_{n} VALUES ({i}, 'v{i}');" if 5 <= i <= 10 else "") + "COMMIT;" for i, step in enumerate(STEPS))
        pair.source.psql(script)
        for _ in range(3):
            # The moment is the random variable of this test: there is no condition to wait for.
            time.sleep(seeded.uniform(0.0, 0.25))
            if seeded.random() < 0.75:
                applier.kill()
                applier.start()
                kills["applier"] += 1
            else:
                pair.server.kill9()
                pair.server.start()
                kills["target"] += 1
    print(f"survived {kills}")
    applier.wait_caught_up(120)
    applier.check_alive()
    assert pair.compare()["public.log"] == 2 * 6 * len(STEPS)
    same_as_a_fresh_copy(pair)
    assert {row["state"] for row in listed(applier)} <= {"recognised"}


def test_a_new_table_and_one_that_leaves_the_selection(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ITEMS + "CREATE SCHEMA attic")
    applier = pair.run(include=["public.*"], exclude=["public.audit_*"])
    pair.server.create_database("attic")
    pair.source.psql("""CREATE TABLE fresh (id int PRIMARY KEY); CREATE TABLE audit_b (id int PRIMARY KEY); CREATE TABLE attic.t (id int PRIMARY KEY); INSERT INTO fresh VALUES (1); INSERT INTO audit_b VALUES (1);
        INSERT INTO attic.t VALUES (1); ALTER TABLE item ADD COLUMN v int DEFAULT 3; DROP TABLE audit_b""")
    applier.wait_caught_up()
    pair.compare("item", "fresh")
    assert not pair.target.exists("audit_b") and not pair.target.exists("t", "attic")
    wait_until(lambda: applier.status()["state"] == "running", 20)


def test_ddl_while_the_task_starts(mysql_pair):
    """A table that changes before its copy is complete is made anew; what its snapshot shows already is not done twice."""
    pair = mysql_pair
    count = 6
    pair.source.psql("".join(f"CREATE TABLE r{i} (id int PRIMARY KEY, v text); INSERT INTO r{i} SELECT g, 'v' || g FROM generate_series(1, 8000) g;" for i in range(count)))
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB"})
    steps = [[f"ALTER TABLE r{i} ADD COLUMN c{n} int DEFAULT {n}", f"UPDATE r{i} SET c{n} = id WHERE id % 7 = {n}", f"CREATE INDEX r{i}_c{n} ON r{i} (c{n})",
              f"ALTER TABLE r{i} ADD CONSTRAINT r{i}_k{n} CHECK (c{n} > -1)", f"ALTER TABLE r{i} ALTER v TYPE text USING v || '{n}'", f"ALTER TABLE r{i} RENAME c{n} TO d{n}",
              f"CREATE TABLE new_{i}_{n} (id int PRIMARY KEY)", f"INSERT INTO new_{i}_{n} VALUES (1)", f"ALTER TABLE r{i} RENAME TO s{i}", f"ALTER TABLE s{i} RENAME TO r{i}"] for n in range(3) for i in range(count)]
    halves = [[s for step in half for s in step] for half in (steps[::2], steps[1::2])]

    def once(statements):
        """Each statement once. What builds on one that lost a deadlock fails, too."""
        return Repeated(pair.source, lambda cursor, number: number <= len(statements) and cursor.execute(statements[number - 1]), 0.03, psycopg2.Error)

    applier.start()
    applier.wait_log("stored the plan")
    with once(halves[0]) as a, once(halves[1]) as b:
        applier.wait_until(lambda: a.calls >= len(halves[0]) and b.calls >= len(halves[1]), 120, "all statements ran")
    applier.wait_caught_up(120)
    pair.compare()
    same_as_a_fresh_copy(pair)
    print(f"{applier.log_text().count('made anew')} tables made anew")


@pytest.mark.parametrize("workers", [1, 3])
def test_a_large_transaction_with_ddl_goes_on_where_it_was_killed(mysql_pair, seeded, workers):
    """It comes in blocks while it is in progress, some of which are taken back; the changes that the target holds are counted without those."""
    pair = mysql_pair
    pair.source.psql(ITEMS)
    applier = pair.run(apply={"workers": workers}, source={"decoding_memory": "64kB"})
    fill = "INSERT INTO item SELECT g, 'n' || g, 1{more} FROM generate_series({low}, {low} + 3999) g;"
    script = "BEGIN; " + fill.format(low=10000, more="") + "SAVEPOINT a; " + fill.format(low=20000, more="") + "ALTER TABLE item ADD COLUMN never int; ROLLBACK TO a;"
    for n in range(5):
        script += f"ALTER TABLE item ADD COLUMN c{n} int DEFAULT {n}; UPDATE item SET c{n} = id WHERE id % 50 = {n};" + fill.format(low=30000 + 5000 * n, more=", 7" * (n + 1))
        script += f"SAVEPOINT b; DELETE FROM item WHERE id < 100; ROLLBACK TO b; CREATE TABLE made_{n} (id int PRIMARY KEY); INSERT INTO made_{n} SELECT generate_series(1, 500);"
    script += "ALTER TABLE item ALTER COLUMN price TYPE text USING 'p' || price; COMMIT; INSERT INTO item (id, name) VALUES (-1, 'after')"
    pair.source.psql(script)
    for _ in range(6):
        # The moment is the random variable of this test.
        time.sleep(seeded.uniform(0.1, 0.7))
        applier.kill()
        applier.start()
    applier.wait_caught_up(120)
    applier.check_alive()
    pair.compare()
    same_as_a_fresh_copy(pair)
