# Tables that come to a running task must hold every row exactly once, and the others must not wait for their copy.
import time

from walbridge_testing.nodes import KeyLoad
from walbridge_testing.waiting import wait_until
from walbridge_testing.objects import copy_held_back, objects


def test_a_table_is_added(pair):
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x');"
                     "INSERT INTO b SELECT i, 'b' || i FROM generate_series(1, 1000) i")
    applier = pair.run(include=["public.a"])
    assert not pair.target.exists("public.b")
    result = applier.cli("objects add", "--wait", after=["public.b"], check=True)
    assert "streaming since" in result.out, result
    pair.source.psql("INSERT INTO b VALUES (2000, 'later'); UPDATE b SET v = 'changed' WHERE id < 10; DELETE FROM b WHERE id = 500; INSERT INTO a VALUES (2, 'y')")
    applier.wait_caught_up()
    pair.compare()
    seen = objects(applier)
    assert seen["public.b"]["state"] == "streaming" and "command 1" in seen["public.b"]["why"], seen


def test_others_stream_on_while_a_large_table_is_copied(pair):
    """The copy is held back by its limit, so that it certainly lasts; meanwhile the others' changes arrive at once."""
    pair.source.psql("CREATE TABLE small (id int PRIMARY KEY, v text); CREATE TABLE large (id int PRIMARY KEY, v text);"
                     "INSERT INTO large SELECT i, md5(i::text) FROM generate_series(1, 200000) i; ANALYZE")
    applier = pair.run(include=["public.small"], throttle={"copy_rows": 40000}, copy={"chunk_bytes": "1MB"})
    applier.cli("objects add", after=["public.large"], check=True)
    applier.wait_until(lambda: pair.target.exists("public.large") and pair.target.scalar("SELECT count(*) FROM pg_stat_progress_copy") > 0, 30, "the copy is under way")
    longest, arrived = 0.0, 0
    while objects(applier)["public.large"]["state"] == "copying" and arrived < 30:
        arrived += 1
        began = time.monotonic()
        pair.source.sql("INSERT INTO small VALUES (%s, 'x')", (arrived,))
        pair.source.sql("UPDATE large SET v = 'during the copy' WHERE id %% 1000 = %s", (arrived,))
        wait_until(lambda: pair.target.scalar("SELECT count(*) FROM small") == arrived, 10, "a change of another table arrives", interval=0.01)
        longest = max(longest, time.monotonic() - began)
    assert arrived >= 3, "the copy was over before anything could be seen"
    assert objects(applier)["public.large"]["state"] == "copying" or arrived >= 3
    print(f"{arrived} changes of another table during the copy, the slowest arrived after {longest:.3f} s")
    assert longest < 5
    applier.wait_until(lambda: objects(applier)["public.large"]["state"] == "streaming", 60, "the table is handed over")
    applier.wait_caught_up()
    pair.compare()


def test_added_under_load(pair, seeded):
    pair.source.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text, n int); CREATE TABLE u (id bigint PRIMARY KEY, v text, n int);"
                     "INSERT INTO u SELECT i, 'start', 0 FROM generate_series(1, 20000) i")
    applier = pair.run(include=["public.t"])
    loads = [KeyLoad(pair.source, 0, table="t").start(), KeyLoad(pair.source, 1, table="u").start()]
    loads[1].wait_for(50)
    applier.cli("objects add", "--wait", after=["public.u"], check=True, timeout=120)
    for load in loads:
        load.wait_for(100)
    for load in loads:
        load.stop()
    applier.wait_caught_up(120)
    applier.check_alive()
    pair.compare()
    assert "conflict" not in applier.log_text(), "a change of the handed over table met a row that it did not expect"


def test_a_pattern_brings_what_comes_into_being_meanwhile(pair):
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE inv_1 (id int PRIMARY KEY, v text); INSERT INTO inv_1 SELECT i, 'x' FROM generate_series(1, 60000) i; ANALYZE")
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 20000})
    applier.cli("objects add", after=["public.inv_*"], check=True)
    applier.wait_until(lambda: pair.target.exists("public.inv_1"), 30, "the copy begins")
    pair.source.psql("CREATE TABLE inv_2 (id int PRIMARY KEY, v text); INSERT INTO inv_2 VALUES (1, 'new'); CREATE TABLE other (id int PRIMARY KEY)")
    applier.wait_until(lambda: objects(applier).get("public.inv_1", {}).get("state") == "streaming", 60, "handed over")
    pair.source.psql("CREATE TABLE inv_3 (id int PRIMARY KEY, v text); INSERT INTO inv_3 VALUES (1, 'newer'); INSERT INTO inv_2 VALUES (2, 'more'); INSERT INTO inv_1 VALUES (-1, 'y')")
    applier.wait_caught_up()
    pair.compare("a", "inv_1", "inv_2", "inv_3")
    assert not pair.target.exists("public.other")


def test_a_sync_task_is_removed_while_the_load_plans_on(pair):
    """Both number what the schema stage has to do. Each insertion waits, where it can, until another stands behind it."""
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE inv_1 (id int PRIMARY KEY, v text); INSERT INTO inv_1 SELECT i, 'x' FROM generate_series(1, 60000) i; ANALYZE")
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 20000})
    pair.target.psql("""CREATE FUNCTION stand_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            FOR i IN 1..200 LOOP
                EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)));
                PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
            END LOOP;
            RETURN NULL;
        END $$; CREATE TRIGGER stand_in_the_way AFTER INSERT ON walbridge.schema_item EXECUTE FUNCTION stand_in_the_way()""")
    applier.cli("objects add", after=["public.inv_*"], check=True)
    applier.wait_until(lambda: pair.target.exists("public.inv_1"), 30, "the copy begins")
    pair.source.psql("CREATE TABLE inv_2 (id int PRIMARY KEY, v text); INSERT INTO inv_2 VALUES (1, 'new')")
    applier.wait_until(lambda: objects(applier).get("public.inv_1", {}).get("state") == "streaming", 60, "handed over")
    applier.wait_until(lambda: pair.target.exists("public.inv_2"), 30, "the load has taken up the new table")
    applier.wait_caught_up()
    applier.check_alive()
    pair.compare("a", "inv_1", "inv_2")


def test_foreign_keys_between_old_and_new_tables(pair):
    pair.source.psql("""CREATE TABLE customer (id int PRIMARY KEY); CREATE TABLE country (code text PRIMARY KEY); CREATE TABLE invoice (id int PRIMARY KEY, customer int REFERENCES customer);
        ALTER TABLE customer ADD country text CONSTRAINT "in a country" REFERENCES country; INSERT INTO country VALUES ('eu'); INSERT INTO customer VALUES (1, 'eu'); INSERT INTO invoice VALUES (1, 1)""")
    applier = pair.run(include=["public.customer"])
    keys = "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2"
    assert pair.target.sql(keys) == []
    applier.cli("objects add", "--wait", after=["public.invoice", "public.country"], check=True)
    applier.wait_until(lambda: len(pair.target.sql(keys)) == 2 and all(row[2] for row in pair.target.sql(keys)), 30, "the foreign keys are created and valid")
    assert pair.target.sql(keys) == pair.source.sql(keys)
    pair.source.psql("INSERT INTO country VALUES ('us'); INSERT INTO customer VALUES (2, 'us'); INSERT INTO invoice VALUES (2, 2)")
    applier.wait_caught_up()
    pair.compare()


A_AND_B = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, v text, old int); INSERT INTO b SELECT i, 'x', 1 FROM generate_series(1, 60000) i; ANALYZE"
CHANGED_B = "ALTER TABLE b ADD COLUMN n int DEFAULT 7; INSERT INTO b VALUES (-1, 'after', 2, 8); ALTER TABLE b DROP COLUMN old; CREATE INDEX b_v ON b (v)"


def check_ddl_goes_on(pair, applier):
    """When b is handed over: what it is now, and what is done to it later."""
    applier.wait_until(lambda: objects(applier)["public.b"]["state"] == "streaming", 60, "handed over")
    pair.source.psql("ALTER TABLE b ADD COLUMN last text; UPDATE b SET last = 'l' WHERE id < 50; CREATE INDEX b_last ON b (last)")
    applier.wait_caught_up()
    pair.compare()
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 'b' ORDER BY 1"
    assert pair.target.sql(indexes) == pair.source.sql(indexes)


def test_ddl_on_a_table_while_it_is_brought(pair):
    pair.source.psql(A_AND_B)
    applier = pair.run(include=["public.a"])
    with copy_held_back(pair.target) as held:
        applier.cli("objects add", after=["public.b"], check=True)
        applier.wait_until(held, 30, "the copy is held back")
        pair.source.psql(CHANGED_B)
        pair.source.psql("ALTER TABLE b ALTER COLUMN n TYPE bigint; UPDATE b SET n = 9 WHERE id < 100; COMMENT ON TABLE b IS 'brought'")
    check_ddl_goes_on(pair, applier)
    # What the copy brought already is recognised when its statement comes; nothing waits for a decision.
    assert {statement["state"] for statement in applier.cli("ddl list", "--json", check=True).json()} <= {"recognised"}


def test_ddl_on_a_table_that_is_copied_and_not_yet_handed_over(pair):
    """The source waits for the copy with its statement, which comes by the stream of the sync task then."""
    pair.source.psql(A_AND_B)
    applier = pair.run(include=["public.a"], throttle={"copy_rows": 30000})
    applier.cli("objects add", after=["public.b"], check=True)
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM pg_stat_progress_copy") > 0, 30, "the copy is under way")
    pair.source.psql(CHANGED_B)
    check_ddl_goes_on(pair, applier)
    assert "executed DDL of the source" in applier.log_text()


def test_a_state_of_the_version_before(pair):
    """An installation from before there was any of this takes part after a start."""
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)")
    applier = pair.run(include=["public.a"])
    applier.stop()
    pair.target.psql("ALTER TABLE walbridge.task DROP COLUMN sync_of, DROP COLUMN rules; ALTER TABLE walbridge.table_sync DROP COLUMN rule, DROP COLUMN existing, DROP COLUMN kept, DROP COLUMN overwritten; DROP TABLE walbridge.object_change; UPDATE walbridge.state_version SET version = 6")
    assert "state:" in applier.cli("status", check=True).out
    applier.start()
    pair.source.psql("INSERT INTO a VALUES (1)")
    applier.wait_caught_up()
    applier.cli("objects add", "--wait", after=["public.b"], check=True)
    applier.wait_caught_up()
    pair.compare()
