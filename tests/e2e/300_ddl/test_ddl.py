# A migration of the source that the target does not follow, or follows out of order, stops the copy at three in the morning.
import pytest

from walbridge_testing.ddl import follow, same_schema

ITEMS = "CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL, price numeric(10,2)); INSERT INTO item SELECT g, 'n' || g, g FROM generate_series(1, 200) g;"

# name: what there is before, and one script with one or more transactions.
FORMS = {
    "create_alter_drop_with_rows": (ITEMS, """
        BEGIN; INSERT INTO item VALUES (1000, 'before', 1);
        CREATE TABLE fresh (id serial PRIMARY KEY, item int REFERENCES item, note text DEFAULT 'none'); INSERT INTO fresh (item) SELECT id FROM item;
        ALTER TABLE item ADD COLUMN stock int NOT NULL DEFAULT 5; UPDATE item SET stock = 7 WHERE id < 10; INSERT INTO item VALUES (1001, 'after', 2, 9);
        ALTER TABLE item DROP COLUMN price; INSERT INTO item VALUES (1002, 'later', 3); DELETE FROM item WHERE id = 1001; COMMIT;
        BEGIN; DROP TABLE fresh; INSERT INTO item VALUES (1003, 'x', 1); COMMIT;
        INSERT INTO item VALUES (1004, 'y', 1)"""),
    "rename_everything": (ITEMS + "CREATE INDEX item_name ON item (name); CREATE SEQUENCE s; CREATE VIEW v AS SELECT id FROM item; CREATE SCHEMA other;"
                          "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';", """
        BEGIN; ALTER TABLE item RENAME TO thing; INSERT INTO thing VALUES (300, 'a', 1); ALTER TABLE thing RENAME COLUMN name TO label;
        INSERT INTO thing VALUES (301, 'b', 1); ALTER INDEX item_name RENAME TO thing_label; ALTER SEQUENCE s RENAME TO s2; ALTER VIEW v RENAME TO v2;
        ALTER TYPE mood RENAME TO feeling; ALTER TYPE feeling RENAME VALUE 'bad' TO 'sad'; ALTER FUNCTION f(int) RENAME TO g;
        ALTER TABLE thing RENAME CONSTRAINT item_pkey TO thing_key; ALTER TABLE thing SET SCHEMA other; UPDATE other.thing SET label = 'c' WHERE id = 300; COMMIT;
        ALTER SCHEMA other RENAME TO another; INSERT INTO another.thing VALUES (302, 'd', 2)"""),
    "swap_of_tables": (ITEMS, """
        BEGIN; CREATE TABLE item_new (LIKE item INCLUDING ALL); INSERT INTO item_new SELECT id, upper(name), price FROM item;
        ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item; UPDATE item SET price = 0 WHERE id = 3; DELETE FROM item_old WHERE id < 5; COMMIT;
        INSERT INTO item VALUES (500, 'new', 1); INSERT INTO item_old VALUES (501, 'old', 1)"""),
    "functions_do_and_several_statements": (ITEMS + """
        CREATE FUNCTION deploy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made (id int PRIMARY KEY); INSERT INTO made VALUES (1);
        EXECUTE 'ALTER TABLE made ADD COLUMN v text'; UPDATE made SET v = 'x'; END $$;""", """
        SELECT deploy();
        DO $$ BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE part_%s (id int PRIMARY KEY, v int)', i); EXECUTE format('INSERT INTO part_%s VALUES (%s, 1)', i, i);
          END LOOP; BEGIN CREATE TABLE gone (id int); INSERT INTO gone VALUES (1); RAISE EXCEPTION 'back'; EXCEPTION WHEN raise_exception THEN NULL; END; END $$;
        INSERT INTO part_2 VALUES (9, 9)"""),
    "drop_cascade": (ITEMS + "CREATE VIEW v AS SELECT * FROM item; CREATE TABLE child (id int PRIMARY KEY, item int REFERENCES item); CREATE SCHEMA z; CREATE TABLE z.a (id int PRIMARY KEY); CREATE TYPE z.t AS (a int);", """
        BEGIN; INSERT INTO child VALUES (1, 1); DROP TABLE item CASCADE; INSERT INTO child VALUES (2, 999); COMMIT;
        DROP SCHEMA z CASCADE; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)"""),
    "create_table_as": (ITEMS, """
        CREATE TABLE cheap AS SELECT id, name AS label, random() AS lot FROM item WHERE price < 50;
        BEGIN; SELECT id, price * 2 AS twice INTO dear FROM item WHERE price >= 50; INSERT INTO dear VALUES (1, 2); ALTER TABLE dear ADD PRIMARY KEY (id); DELETE FROM dear WHERE id = 60; COMMIT;
        CREATE TABLE empty (a, b) AS SELECT id, name FROM item WITH NO DATA; INSERT INTO empty VALUES (1, 'x')"""),
    "volatile_default": (ITEMS, """
        ALTER TABLE item ADD COLUMN token double precision DEFAULT random(), ADD COLUMN made timestamptz DEFAULT clock_timestamp();
        INSERT INTO item (id, name) VALUES (900, 'x'); UPDATE item SET name = 'y' WHERE id = 900"""),
    "stable_default": (ITEMS, """
        BEGIN; INSERT INTO item VALUES (700, 'in', 1); ALTER TABLE item ADD COLUMN seen timestamptz NOT NULL DEFAULT now(), ADD COLUMN who text DEFAULT current_user; INSERT INTO item VALUES (701, 'in', 1); COMMIT;
        INSERT INTO item (id, name) VALUES (901, 'x')"""),
    "type_changes": (ITEMS, """
        BEGIN; ALTER TABLE item ALTER COLUMN price TYPE text USING 'p' || price || '-' || (random() * 1000)::int; INSERT INTO item VALUES (800, 'x', 'free'); COMMIT;
        ALTER TABLE item ALTER COLUMN id TYPE bigint; UPDATE item SET name = 'big' WHERE id = 3; INSERT INTO item VALUES (5000000000, 'large', 'x')"""),
    "key_added_by_serial": ("CREATE TABLE log (line text); ALTER TABLE log REPLICA IDENTITY FULL; INSERT INTO log SELECT 'l' || g FROM generate_series(1, 50) g;", """
        ALTER TABLE log ADD COLUMN id bigserial PRIMARY KEY; INSERT INTO log (line) VALUES ('more'); DELETE FROM log WHERE id = 7"""),
    "generated_and_identity": (ITEMS, """
        ALTER TABLE item ADD COLUMN gross numeric GENERATED ALWAYS AS (price * 1.19) STORED; INSERT INTO item (id, name, price) VALUES (400, 'g', 10);
        CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text); INSERT INTO ident (v) VALUES ('a'), ('b'); ALTER TABLE ident ALTER COLUMN id SET GENERATED BY DEFAULT"""),
    "constraints": (ITEMS, """
        ALTER TABLE item ADD CONSTRAINT positive CHECK (price >= 0) NOT VALID; ALTER TABLE item VALIDATE CONSTRAINT positive; ALTER TABLE item ADD CONSTRAINT name_once UNIQUE (name);
        ALTER TABLE item ALTER COLUMN price SET DEFAULT 3; ALTER TABLE item ALTER COLUMN price SET NOT NULL; INSERT INTO item (id, name) VALUES (600, 'd');
        ALTER TABLE item DROP CONSTRAINT positive; ALTER TABLE item ALTER COLUMN name DROP NOT NULL; INSERT INTO item VALUES (601, NULL, -1)"""),
    "enum_values": ("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (id int PRIMARY KEY, mood mood); INSERT INTO m VALUES (1, 'ok');", """
        ALTER TYPE mood ADD VALUE 'great' AFTER 'ok'; INSERT INTO m VALUES (2, 'great'); ALTER TYPE mood ADD VALUE IF NOT EXISTS 'bad' BEFORE 'ok'; UPDATE m SET mood = 'bad' WHERE id = 1"""),
    "partitions": ("CREATE TABLE p (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
                   "INSERT INTO p VALUES (1, '2026-01-05');", """
        BEGIN; CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); INSERT INTO p SELECT g, '2026-02-03' FROM generate_series(1, 20) g; COMMIT;
        CREATE TABLE p3 (LIKE p INCLUDING ALL); INSERT INTO p3 VALUES (1, '2026-03-09'); ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
        ALTER TABLE p DETACH PARTITION p1; UPDATE p1 SET id = 77; DROP TABLE p1; ALTER TABLE p ADD COLUMN note text DEFAULT 'n'; INSERT INTO p VALUES (5, '2026-03-10')"""),
    "other_objects": (ITEMS, """
        CREATE SCHEMA app; CREATE DOMAIN app.percent AS int CHECK (VALUE BETWEEN 0 AND 100); CREATE SEQUENCE app.numbers START 100; CREATE VIEW app.names AS SELECT id, name FROM item;
        CREATE MATERIALIZED VIEW app.totals AS SELECT count(*) FROM item; CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN $1 * 2; END $$;
        CREATE TRIGGER never BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); CREATE POLICY mine ON item USING (id > 0); ALTER TABLE item ENABLE ROW LEVEL SECURITY;
        CREATE RULE quiet AS ON INSERT TO app.names DO INSTEAD NOTHING; CREATE STATISTICS st ON id, name FROM item; COMMENT ON TABLE item IS 'it''s "here"'; COMMENT ON COLUMN item.name IS E'tab\\there';
        CREATE AGGREGATE app.sum_all(int) (SFUNC = int4pl, STYPE = int); CREATE INDEX item_lower ON item (lower(name)) WHERE price > 3; CREATE TABLE app.t (p app.percent, id int PRIMARY KEY); INSERT INTO app.t VALUES (5, 1);
        CREATE OR REPLACE FUNCTION app.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $1'; REFRESH MATERIALIZED VIEW app.totals"""),
    "settings_that_matter": ("CREATE SCHEMA hidden; CREATE TABLE d (id int PRIMARY KEY);", """
        SET search_path = hidden, public; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'America/New_York';
        CREATE TABLE e (id int PRIMARY KEY, at timestamptz DEFAULT '03/04/2026 12:00', day date DEFAULT '03/04/2026'); INSERT INTO e VALUES (1); ALTER TABLE d ADD COLUMN at timestamptz DEFAULT '05/06/2026 10:00'; INSERT INTO d VALUES (1)"""),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(pair, form):
    setup, script = FORMS[form]
    applier = follow(pair, setup)
    pair.source.psql(script)
    applier.wait_caught_up(60)
    pair.compare()
    same_schema(pair)


def test_concurrent_index_builds(pair):
    applier = follow(pair, ITEMS)
    pair.source.psql("CREATE INDEX CONCURRENTLY by_name ON item (name); INSERT INTO item VALUES (1000, 'x', 1); CREATE UNIQUE INDEX CONCURRENTLY by_id ON item (id, name); DROP INDEX CONCURRENTLY by_name")
    applier.wait_caught_up(60)
    pair.compare()
    same_schema(pair)


def test_an_index_build_that_was_cut_off_is_done_again(pair):
    applier = follow(pair, ITEMS)
    pair.target.psql("INSERT INTO item VALUES (-1, 'n1', 1)")
    with pytest.raises(RuntimeError, match="could not create unique index"):
        pair.target.psql("CREATE UNIQUE INDEX CONCURRENTLY by_name ON item (name)")      # leaves an invalid one
    pair.target.psql("DELETE FROM item WHERE id = -1; CREATE INDEX by_price ON item (price)")  # and one that was finished
    pair.source.psql("CREATE UNIQUE INDEX CONCURRENTLY by_name ON item (name); CREATE INDEX CONCURRENTLY by_price ON item (price)")
    applier.wait_caught_up(60)
    same_schema(pair)
    assert pair.target.scalar("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'item'::regclass")


def test_a_large_transaction_with_ddl_is_streamed_and_waits_for_its_commit(pair):
    applier = follow(pair, ITEMS, source={"decoding_memory": "64kB"})
    session = pair.source.connect()
    cursor = session.cursor()
    cursor.execute("INSERT INTO item SELECT g, repeat('x', 50), g FROM generate_series(10000, 20000) g")
    cursor.execute("CREATE TABLE big (id int PRIMARY KEY, v text); INSERT INTO big SELECT g, repeat('y', 50) FROM generate_series(1, 5000) g")
    cursor.execute("SAVEPOINT a; CREATE TABLE lost (id int); INSERT INTO lost SELECT g FROM generate_series(1, 5000) g; ROLLBACK TO SAVEPOINT a")
    cursor.execute("ALTER TABLE big ADD COLUMN r double precision DEFAULT random(); UPDATE big SET v = 'z' WHERE id % 2 = 0")
    pair.source.psql("INSERT INTO item VALUES (700, 'between', 1)")
    applier.wait_caught_up(60)
    session.commit()
    session.close()
    applier.wait_caught_up(60)
    pair.compare()
    same_schema(pair)


def test_workers_leave_ddl_alone(pair):
    applier = follow(pair, ITEMS, apply={"workers": 3})
    for i in range(5):
        pair.source.psql(f"INSERT INTO item SELECT g, 'n' || g, g FROM generate_series({i + 1}0000, {i + 1}3000) g; ALTER TABLE item ADD COLUMN c{i} int DEFAULT {i};"
                         f"UPDATE item SET c{i} = id WHERE id % 3 = 0")
    applier.wait_caught_up(60)
    pair.compare()
    same_schema(pair)


def test_switched_off_ddl_is_left_alone(pair):
    applier = follow(pair, ITEMS, ddl={"classes": "none"})
    pair.source.psql("CREATE TABLE unknown (id int); CREATE INDEX i ON item (name); INSERT INTO item VALUES (1000, 'x', 1)")
    applier.wait_caught_up(60)
    pair.compare("item")
    assert pair.target.scalar("SELECT to_regclass('unknown') IS NULL AND to_regclass('i') IS NULL")
