# A row that lands in a table of the source's name, or of another task's, is a row in the wrong table: everything that
# names a table of the target has to say what it is called there.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated
from walbridge_testing.compare import compare

SCHEMAS = [{"name": "public", "rename": "crm"}]
TABLES = [{"name": "public.customer", "rename": "client"}, {"name": 'sales."Or.der"', "rename": 'archive."Old Order"'}]
RENAMES = {"schemas": SCHEMAS, "tables": TABLES}
NO_SCHEMA = ("full", "incremental")


def target_name(schema, name):
    single = {("public", "customer"): ("crm", "client"), ("sales", "Or.der"): ("archive", "Old Order")}
    return single.get((schema, name), ("crm" if schema == "public" else schema, name))


def compare_renamed(pair):
    compare(pair.source, pair.target, names=target_name)


def tables(pair):
    """The same tables on both sides, under their names. The target has traps: tables that still bear the source's names."""
    definition = """CREATE TYPE {public}.mood AS ENUM ('sad', 'ok');
        CREATE TABLE {public}.{customer} (id int PRIMARY KEY, name text UNIQUE, feeling {public}.mood, born date);
        CREATE TABLE {public}.item (id bigint PRIMARY KEY, customer_id int, price numeric(10, 2));
        CREATE TABLE {public}.log (at timestamptz, line text);
        CREATE TABLE {sales}.{order} (id int PRIMARY KEY, "what?" text, feelings {public}.mood[]);
        CREATE TABLE other.plain (id int PRIMARY KEY, v text);"""
    pair.source.psql("CREATE SCHEMA sales; CREATE SCHEMA other;" + definition.format(
        public="public", sales="sales", customer="customer", order='"Or.der"')
        + "ALTER TABLE public.log REPLICA IDENTITY FULL;")
    pair.target.psql("CREATE SCHEMA crm; CREATE SCHEMA archive; CREATE SCHEMA other;" + definition.format(
        public="crm", sales="archive", customer="client", order='"Old Order"')
        + """CREATE SCHEMA sales; CREATE TABLE public.customer (id int); CREATE TABLE public.item (id int);
            CREATE TABLE crm.customer (trap int); CREATE TABLE sales."Or.der" (trap int);""")


def fill(pair, rows=500):
    pair.source.psql(f"""INSERT INTO customer SELECT i, 'name ' || i, CASE WHEN i % 2 = 0 THEN 'ok'::mood END, DATE '2000-01-01' + i FROM generate_series(1, {rows}) i;
        INSERT INTO item SELECT i, i % 97, i / 7.0 FROM generate_series(1, {4 * rows}) i;
        INSERT INTO log SELECT now(), 'line ' || i % 7 FROM generate_series(1, {rows}) i;
        INSERT INTO sales."Or.der" SELECT i, 'x' || i, ARRAY['ok', 'sad']::mood[] FROM generate_series(1, {rows}) i;
        INSERT INTO other.plain SELECT i, 'p' FROM generate_series(1, {rows}) i;""")


def change(pair):
    pair.source.psql("""BEGIN; UPDATE customer SET feeling = 'sad', name = name || '!' WHERE id % 3 = 0; DELETE FROM item WHERE id % 5 = 0;
        INSERT INTO customer VALUES (100001, 'new', 'ok', NULL); UPDATE log SET line = 'changed' WHERE line = 'line 3'; COMMIT;
        DELETE FROM log WHERE line = 'line 4'; UPDATE sales."Or.der" SET id = id + 100000 WHERE id % 10 = 0;
        DELETE FROM sales."Or.der" WHERE id = 7; UPDATE other.plain SET v = 'q' WHERE id < 10;
        INSERT INTO item SELECT i, 1, 1 FROM generate_series(1000001, 1001000) i;""")


def traps_are_untouched(pair):
    for table in ("public.customer", "public.item", "crm.customer", 'sales."Or.der"'):
        assert pair.target.scalar(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize("apply", [{"bulk": True}, {"bulk": False}, {"workers": 3}], ids=["bulk", "exact", "workers"])
def test_copy_and_changes_reach_the_renamed_tables(pair, apply):
    tables(pair)
    fill(pair)
    applier = pair.run(stages=NO_SCHEMA, apply=apply, **RENAMES)
    compare_renamed(pair)
    change(pair)
    applier.wait_caught_up()
    compare_renamed(pair)
    pair.source.psql("TRUNCATE item; TRUNCATE customer, sales.\"Or.der\"; INSERT INTO item VALUES (1, 1, 1)")
    applier.wait_caught_up()
    compare_renamed(pair)
    traps_are_untouched(pair)
    found = {(t["schema"], t["table"]): t.get("target") for t in applier.status()["tables"]}
    assert found[("public", "customer")] == {"schema": "crm", "table": "client"}
    assert found[("sales", "Or.der")] == {"schema": "archive", "table": "Old Order"}
    assert found[("other", "plain")] is None


def test_a_killed_copy_goes_on_under_the_same_names(pair):
    tables(pair)
    fill(pair, 30000)
    pair.source.psql("ANALYZE")

    def write(cursor, i):
        cursor.execute("UPDATE customer SET born = born + 1 WHERE id = %s; UPDATE item SET price = price + 1 WHERE id %% 1000 = %s",
                       (i % 30000, i % 1000))

    with Repeated(pair.source, write):
        applier = pair.applier(stages=NO_SCHEMA, copy={"workers": 2, "chunk_bytes": "64kB", "key_chunk_bytes": "128kB"}, **RENAMES)
        applier.start()
        for part in (1, 3, 6):
            applier.wait_until(lambda: _chunks_done(pair) >= part, 60, f"{part} chunks done")
            applier.kill()
            applier.start()
        applier.wait_caught_up(120)
    applier.wait_caught_up()
    compare_renamed(pair)
    traps_are_untouched(pair)


def _chunks_done(pair):
    if not pair.target.exists("walbridge.table_sync"):
        return 0
    return pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done")


def test_rows_that_are_not_ours_are_found_under_the_targets_name(pair):
    tables(pair)
    fill(pair, 20)
    pair.target.psql("INSERT INTO crm.client VALUES (1, 'mine')")
    result = pair.applier(stages=NO_SCHEMA, **RENAMES).cli("precheck")
    assert result.code == Exit.precheck
    assert "hold rows already: crm.client" in result.text and "TRUNCATE crm.client" in result.text


@pytest.mark.parametrize("policy", ["fail", "overwrite"])
def test_conflicts_and_their_records_name_the_targets_table(pair, policy):
    tables(pair)
    fill(pair, 20)
    applier = pair.run(stages=NO_SCHEMA, conflict={"policy": policy}, **RENAMES)
    pair.target.psql("INSERT INTO crm.client VALUES (500, 'mine')")
    pair.source.psql("INSERT INTO customer VALUES (500, 'yours')")
    if policy == "fail":
        assert applier.wait_exit(60) == Exit.conflict
        assert "public.customer (crm.client on the target)" in applier.log_text()
    else:
        applier.wait_caught_up()
        compare_renamed(pair)
    assert pair.target.sql("SELECT schema_name, table_name, kind FROM walbridge.conflict") == [("crm", "client", "insert_exists")]


def test_a_missing_table_is_told_by_both_names(pair):
    tables(pair)
    pair.target.psql("DROP TABLE crm.item")
    result = pair.applier(stages=NO_SCHEMA, **RENAMES).cli("precheck")
    assert result.code == Exit.precheck and "public.item (crm.item on the target)" in result.text
    pair.target.psql("ALTER TABLE crm.client DROP COLUMN born; CREATE TABLE crm.item (id bigint PRIMARY KEY, customer_id int, price numeric(10, 2))")
    result = pair.applier(stages=NO_SCHEMA, **RENAMES).cli("precheck")
    assert result.code == Exit.precheck and "crm.client.born" in result.text


def test_reset_empties_the_renamed_tables_and_no_others(pair):
    tables(pair)
    fill(pair, 20)
    pair.target.psql("INSERT INTO public.customer VALUES (42); INSERT INTO crm.customer VALUES (42)")
    applier = pair.run(stages=NO_SCHEMA, **RENAMES)
    applier.stop()
    applier.cli("reset", "--truncate", "--yes", check=True)
    assert pair.target.scalar("SELECT count(*) FROM crm.client") == 0
    assert pair.target.sql("SELECT (SELECT count(*) FROM public.customer), (SELECT count(*) FROM crm.customer)") == [(1, 1)]
    applier.start()
    applier.wait_caught_up()
    compare_renamed(pair)


def test_renames_cannot_change_under_a_started_task(pair):
    tables(pair)
    applier = pair.run(stages=NO_SCHEMA, **RENAMES)
    applier.stop()
    kept = applier.document["objects"].pop("table")
    applier.write_task()
    applier.start()
    assert applier.wait_exit() == Exit.task_state
    assert '"public"."customer" -> "crm"."client"' in applier.log_text()
    applier.document["objects"]["table"] = kept
    applier.write_task()
    applier.start()
    fill(pair, 20)
    applier.wait_caught_up()
    compare_renamed(pair)


@pytest.mark.parametrize("renames, expected", [
    ({"tables": [{"name": "public.nobody", "rename": "x"}]}, "table public.nobody does not exist"),
    ({"tables": [{"name": "public.Customer", "rename": "x"}]}, "table public.Customer does not exist"),
    ({"tables": [{"name": "sales.left_out", "rename": "x"}]}, "table sales.left_out is not selected"),
    ({"schemas": [{"name": "nowhere", "rename": "x"}]}, "schema nowhere does not exist"),
    ({"schemas": [{"name": "left", "rename": "x"}]}, "nothing of schema left is selected"),
    ({"schemas": [{"name": "public", "rename": "other"}]}, "schemas public and other would both be other on the target"),
    ({"tables": [{"name": "public.customer", "rename": "item"}]}, "public.customer and public.item would both be public.item"),
    ({"schemas": [{"name": "public", "rename": "crm"}], "tables": [{"name": "other.plain", "rename": "crm.item"}]},
     "would both be crm.item on the target"),
])
@pytest.mark.parametrize("stages", [NO_SCHEMA, ("schema", "full", "incremental")], ids=["data", "schema"])
def test_renames_that_cannot_be(pair, renames, expected, stages):
    tables(pair)
    pair.source.psql("CREATE SCHEMA \"left\"; CREATE TABLE \"left\".t (id int PRIMARY KEY); CREATE TABLE sales.left_out (id int PRIMARY KEY)")
    applier = pair.applier(stages=stages, exclude=["left.*", "sales.left_out"], **renames)
    result = applier.cli("precheck", "--only", "tables.renames")
    assert result.code == Exit.precheck and expected in result.text, result
