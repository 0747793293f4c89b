# A table that appears, leaves or enters the selection is half there: its first rows, or all of them, are missing.
from walbridge_testing.ddl import follow, same_schema

ITEMS = "CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 50) g;"


def test_a_new_table_without_a_key_gets_an_identity(pair):
    applier = follow(pair, ITEMS, source={"replica_identity": "set"})
    pair.source.psql("CREATE TABLE log (line text); INSERT INTO log VALUES ('a'), ('b'), ('b')")
    identity = "SELECT relreplident FROM pg_class WHERE relname = 'log'"
    applier.wait_until(lambda: pair.source.scalar(identity) == "f", 30, "REPLICA IDENTITY FULL")
    pair.source.psql("UPDATE log SET line = 'c' WHERE line = 'a'; DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE line = 'b')")
    applier.wait_caught_up()
    pair.compare()
    same_schema(pair)
    applier.stop()
    applier.cli("release", "--yes", check=True)
    assert pair.source.scalar(identity) == "d"


def test_a_new_table_without_a_key_is_named(pair):
    applier = follow(pair, ITEMS)
    pair.source.psql("CREATE TABLE log (line text); CREATE TABLE good (id int PRIMARY KEY)")
    applier.wait_log("public.log.* REPLICA IDENTITY FULL")
    pair.source.psql("INSERT INTO log VALUES ('a')")
    applier.wait_caught_up()
    assert not [line for line in applier.log_text().splitlines() if "REPLICA IDENTITY" in line and "good" in line]
    pair.compare()


def test_only_what_is_selected_follows(pair):
    applier = follow(pair, ITEMS + "CREATE SCHEMA other; CREATE TABLE audit_a (id int PRIMARY KEY);", include=["public.*"], exclude=["public.audit_*"])
    pair.source.psql("""CREATE TABLE fresh (id int PRIMARY KEY); CREATE TABLE audit_b (id int PRIMARY KEY); CREATE TABLE other.t (id int PRIMARY KEY); ALTER TABLE audit_a ADD COLUMN v int;
        INSERT INTO fresh VALUES (1); INSERT INTO audit_b VALUES (1); INSERT INTO other.t VALUES (1); ALTER TABLE item ADD COLUMN v int DEFAULT 3; DROP TABLE audit_a, audit_b""")
    applier.wait_caught_up()
    pair.compare("item", "fresh")
    assert not pair.target.exists("audit_b") and not pair.target.exists("other.t")


def test_a_table_that_leaves_the_selection_stays_as_it_was(pair):
    applier = follow(pair, ITEMS + "CREATE SCHEMA attic;", include=["public.*"])
    pair.target.psql("CREATE SCHEMA attic")     # without it the table would keep its name on the target
    pair.source.psql("INSERT INTO item VALUES (100, 'last')")
    pair.source.psql("ALTER TABLE item SET SCHEMA attic; INSERT INTO attic.item VALUES (101, 'not followed'); CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)")
    applier.wait_caught_up()
    pair.compare("item")
    rows = applier.cli("ddl", "list", "--json", check=True).json()
    assert [row["state"] for row in rows] == ["left"]
    assert "out of the selection" in applier.log_text()


def test_a_table_that_enters_the_selection_is_copied_and_followed(pair):
    applier = follow(pair, ITEMS + """CREATE SCHEMA staging; CREATE TYPE staging.kind AS ENUM ('a', 'b'); CREATE TABLE staging.incoming (id serial PRIMARY KEY, kind staging.kind, v text UNIQUE);
        INSERT INTO staging.incoming (kind, v) SELECT 'a', 'v' || g FROM generate_series(1, 500) g; CREATE INDEX ON staging.incoming (kind);""", include=["public.*"])
    pair.source.psql("""BEGIN; INSERT INTO item VALUES (100, 'with'); ALTER TABLE staging.incoming SET SCHEMA public; UPDATE incoming SET v = 'in' WHERE id = 1; COMMIT;
        INSERT INTO incoming (kind, v) VALUES ('b', 'after'); DELETE FROM incoming WHERE id = 7""")
    applier.wait_until(lambda: pair.target.exists("incoming"), 60)
    pair.source.psql("INSERT INTO incoming (kind, v) VALUES ('b', 'later'); UPDATE incoming SET v = 'x' WHERE id = 9")
    applier.wait_caught_up(90)
    pair.compare()
    assert pair.target.scalar("SELECT count(*) FROM pg_indexes WHERE tablename = 'incoming'") == 3


def test_the_swap_inside_the_selection(pair):
    applier = follow(pair, ITEMS, include=["public.item*"])
    pair.source.psql("""BEGIN; CREATE TABLE item_new (id int PRIMARY KEY, name text, more int DEFAULT 1); INSERT INTO item_new SELECT * FROM item; ALTER TABLE item RENAME TO item_old;
        ALTER TABLE item_new RENAME TO item; UPDATE item SET more = 2 WHERE id = 5; INSERT INTO item_old VALUES (200, 'old'); COMMIT; INSERT INTO item VALUES (300, 'new'); DROP TABLE item_old""")
    applier.wait_caught_up()
    pair.compare()
    same_schema(pair)


def test_ddl_of_a_single_table_can_be_left_out(pair):
    applier = follow(pair, ITEMS + "CREATE TABLE free (id int PRIMARY KEY, v text);",
                     tables=[{"name": "public.free", "operations": ["insert", "update", "delete", "truncate"]}])
    pair.source.psql("""CREATE INDEX free_v ON free (v); ALTER TABLE free ADD CONSTRAINT short CHECK (length(v) < 9); COMMENT ON TABLE free IS 'x'; INSERT INTO free VALUES (1, 'a');
        CREATE INDEX item_name ON item (name)""")
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.exists("item_name") and not pair.target.exists("free_v")
    assert pair.target.scalar("SELECT count(*) FROM pg_constraint WHERE conname = 'short'") == 0
