# A definition that keeps one old name either fails, or refers to another table than it did: every kind of object has to
# come out under the target's names, and nothing may come out under the source's.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated
from walbridge_testing.compare import compare
from walbridge_testing.renames import Renames

RENAMES = Renames({"public": "crm"}, {("public", "customer"): ("crm", "client"), ("sales", "Or.der"): ("archive", "Old Order"),
                                      ("public", "part_2"): ("other", "second part")},
                  moved={("sales", "Or.der_id_seq"): ("archive", "Or.der_id_seq"), ("sales", "Or.der_number_seq"): ("archive", "Or.der_number_seq"),
                         ("sales", "Or.der_pkey"): ("archive", "Or.der_pkey"), ("sales", "order_number"): ("archive", "order_number"),
                         ("public", "part_2_pkey"): ("other", "part_2_pkey"), ("public", "part_2_v_idx"): ("other", "part_2_v_idx")})
NEW_SCHEMAS = ["CREATE SCHEMA crm", "CREATE SCHEMA archive"]    # that the source has no statement for
# Stories write on the target: its sequences are left alone behind the copy.
OPTIONS = {**RENAMES.options(), "ddl": {"classes": "none"}, "sequences": {"interval": "0s"}}

DEFINITIONS = r"""
CREATE SCHEMA sales; CREATE SCHEMA other; COMMENT ON SCHEMA sales IS 'where money comes from';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'public.customer');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a mood, b positive);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE SEQUENCE ticket START 7 INCREMENT 3;
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION code(m mood) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT CASE m WHEN 'sad'::mood THEN 0 ELSE public.doubled(1) END; END;
CREATE FUNCTION tick() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION largest(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';
CREATE AGGREGATE top(int) (SFUNC = largest, STYPE = int, INITCOND = '0');
CREATE FUNCTION sadder(mood, mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE OPERATOR <<< (LEFTARG = mood, RIGHTARG = mood, FUNCTION = sadder);
CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1::text; END';
CREATE TABLE customer (
    id serial PRIMARY KEY, name text COLLATE german NOT NULL, feeling mood DEFAULT 'ok', pairs pair, number int DEFAULT nextval('ticket'),
    rank int DEFAULT doubled(21) CHECK (doubled(rank) > 0), twice int GENERATED ALWAYS AS (doubled(1)) STORED,
    parent int REFERENCES customer (id), reach span, UNIQUE (name, feeling));
CREATE FUNCTION count_customers() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.customer';
CREATE TABLE sales."Or.der" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int REFERENCES customer ON DELETE CASCADE, number serial,
    "what?" mood[] DEFAULT ARRAY['sad'::mood], snapshot customer, CHECK (customer_id IS DISTINCT FROM 0));
CREATE TABLE item (order_id bigint REFERENCES sales."Or.der" (id), line int, price numeric(10, 2) NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE note (id int PRIMARY KEY, line text, target regclass DEFAULT 'customer'::regclass, happy boolean DEFAULT 'sad'::mood OPERATOR(public.<<<) 'ok'::mood);
CREATE TABLE part (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE part_2 (at date NOT NULL, id int NOT NULL, v text);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE base (id int PRIMARY KEY, v text);
CREATE TABLE derived (more text) INHERITS (base); ALTER TABLE derived REPLICA IDENTITY FULL;
CREATE INDEX part_v ON part (v);
CREATE INDEX customer_low ON customer (lower(name)) WHERE feeling = 'ok'::mood;
CREATE UNIQUE INDEX order_number ON sales."Or.der" (number) INCLUDE (customer_id);
CREATE INDEX customer_code ON customer (code(feeling));
CREATE STATISTICS customer_stx ON name, feeling FROM customer;
ALTER TABLE customer CLUSTER ON customer_code; ALTER TABLE customer ALTER name SET STATISTICS 500; ALTER TABLE item SET (fillfactor = 80);
CREATE VIEW happy AS SELECT c.id, c.name, customer.feeling FROM customer c JOIN customer ON customer.id = c.id WHERE c.feeling > 'sad'::mood;
CREATE VIEW sales.totals WITH (security_barrier) AS
    WITH customer AS (SELECT 1 AS id) SELECT o.id, sum(i.price) AS total, (SELECT max(h.name) FROM public.happy h) AS best
    FROM sales."Or.der" o JOIN item i ON i.order_id = o.id, customer GROUP BY o.id;
CREATE MATERIALIZED VIEW richest AS SELECT c.name, count(*) AS orders FROM customer c JOIN sales."Or.der" o ON o.customer_id = c.id GROUP BY c.name;
CREATE UNIQUE INDEX richest_name ON richest (name);
CREATE FUNCTION of_row(c customer) RETURNS SETOF sales."Or.der" LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.rank := 1; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE OF name ON customer FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION touched();
CREATE TRIGGER totals_insert INSTEAD OF INSERT ON sales.totals FOR EACH ROW EXECUTE FUNCTION touched();
CREATE RULE no_delete AS ON DELETE TO happy DO INSTEAD DELETE FROM customer WHERE customer.id = OLD.id;
ALTER TABLE sales."Or.der" ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON sales."Or.der" USING (customer_id IN (SELECT c.id FROM customer c WHERE c.name = CURRENT_USER)) WITH CHECK (number > 0);
CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood);
COMMENT ON TABLE customer IS 'public.customer, as it was'; COMMENT ON COLUMN customer.name IS 'of public.customer';
COMMENT ON INDEX customer_low IS 'i'; COMMENT ON CONSTRAINT customer_pkey ON customer IS 'k'; COMMENT ON TRIGGER touch ON customer IS 't';
COMMENT ON INDEX sales."order_number" IS 'n'; COMMENT ON SEQUENCE customer_id_seq IS 's'; COMMENT ON VIEW happy IS 'v'; COMMENT ON FUNCTION doubled(int) IS 'f';
COMMENT ON TYPE mood IS 'm'; COMMENT ON POLICY mine ON sales."Or.der" IS 'p';
CREATE FUNCTION with_path() RETURNS int LANGUAGE plpgsql SET search_path = public, sales AS 'BEGIN RETURN 1; END';
"""

ROWS = r"""
INSERT INTO customer (name, feeling, pairs, reach) SELECT 'name ' || i, CASE i % 2 WHEN 0 THEN 'ok'::mood ELSE 'sad' END, ROW('sad', 3)::pair, '[1,2)' FROM generate_series(1, 3000) i;
UPDATE customer SET parent = id - 1 WHERE id > 1 AND id < 100;
INSERT INTO sales."Or.der" (customer_id, snapshot) SELECT 1 + i % 3000, c FROM generate_series(1, 3000) i JOIN customer c ON c.id = 1 + i % 3000;
INSERT INTO item SELECT o.id, n, o.id / 7.0 FROM sales."Or.der" o, generate_series(1, 3) n;
INSERT INTO note (id, line, target) SELECT i, 'l', NULL FROM generate_series(1, 100) i;
INSERT INTO part SELECT i, DATE '2024-01-01' + i % 700, 'p' FROM generate_series(1, 3000) i;
INSERT INTO base SELECT i, 'b' FROM generate_series(1, 100) i; INSERT INTO derived SELECT i, 'd', 'm' FROM generate_series(101, 200) i;
"""

CHANGES = r"""
BEGIN; UPDATE customer SET feeling = 'sad', pairs = ROW('ok', 9)::pair WHERE id % 3 = 0; DELETE FROM item WHERE line = 2; COMMIT;
INSERT INTO customer (name) SELECT 'later ' || i FROM generate_series(1, 500) i;
INSERT INTO sales."Or.der" (customer_id, "what?") SELECT id, ARRAY[feeling] FROM customer WHERE name LIKE 'later%';
UPDATE part SET at = at + 300 WHERE id % 10 = 0 AND at < '2024-03-01'; DELETE FROM derived WHERE id % 2 = 0; UPDATE base SET v = 'new' WHERE id = 3;
TRUNCATE note; INSERT INTO note (id, target) VALUES (1, NULL);
"""


def compare_rows(pair):
    RENAMES.compare_rows(pair)


def compare_definitions(pair):
    RENAMES.compare_definitions(pair, NEW_SCHEMAS)


def sequences(pair):
    for source, target in (("public.ticket", "crm.ticket"), ("public.customer_id_seq", "crm.customer_id_seq"),
                           ('sales."Or.der_id_seq"', 'archive."Or.der_id_seq"')):
        assert pair.source.scalar(f"SELECT last_value FROM {source}") <= pair.target.scalar(f"SELECT last_value FROM {target}"), source
    assert pair.target.scalar("SELECT pg_get_serial_sequence('crm.client', 'id')") == "crm.customer_id_seq"
    assert pair.target.scalar("""SELECT pg_get_serial_sequence('archive."Old Order"', 'id')""") == 'archive."Or.der_id_seq"'


def test_every_kind_of_object_comes_out_under_its_new_name(pair):
    pair.source.psql(DEFINITIONS + ROWS)
    applier = pair.applier(**OPTIONS)
    report = applier.cli("precheck", "--only", "tables.renames")
    assert "public.count_customers" in report.text and "public.tick" not in report.text, report
    applier.start()
    applier.wait_caught_up(120)
    compare_rows(pair)
    compare_definitions(pair)
    sequences(pair)
    assert pair.target.scalar("SELECT count(*) FROM crm.richest") == 3000
    pair.source.psql(CHANGES)
    applier.wait_caught_up()
    compare_rows(pair)
    # The objects work: defaults, checks, triggers, foreign keys and generated columns under the new names.
    pair.target.psql("""SELECT setval(pg_get_serial_sequence('crm.client', 'id'), 100000), setval(pg_get_serial_sequence('archive."Old Order"', 'id'), 100000),
            setval(pg_get_serial_sequence('archive."Old Order"', 'number'), 100000);
        INSERT INTO crm.client (name) VALUES ('by hand'); UPDATE crm.client SET name = 'by other hand' WHERE name = 'by hand';
        INSERT INTO archive."Old Order" (customer_id) SELECT id FROM crm.client WHERE rank = 1 AND twice = 2 AND name = 'by other hand';
        INSERT INTO crm.note (id) VALUES (77); REFRESH MATERIALIZED VIEW CONCURRENTLY crm.richest; SELECT crm.with_path(); DELETE FROM crm.happy WHERE name = 'by other hand'""")
    assert pair.target.scalar("SELECT target::text FROM crm.note WHERE id = 77") == "crm.client"
    assert pair.target.scalar("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


def test_reset_uses_the_renamed_objects_again(pair):
    pair.source.psql(DEFINITIONS + ROWS)
    applier = pair.run(**OPTIONS)
    applier.stop()
    applier.cli("reset", "--truncate", "--yes", check=True)
    applier.start()
    applier.wait_caught_up(120)
    assert "used again" in applier.log_text()
    compare_rows(pair)
    compare_definitions(pair)


def test_a_killed_load_goes_on_and_ddl_meanwhile_is_followed(pair):
    pair.source.psql(DEFINITIONS + ROWS + "ANALYZE;")

    def write(cursor, i):
        cursor.execute("""UPDATE customer SET rank = rank + 1 WHERE id = %s; INSERT INTO sales."Or.der" (customer_id) VALUES (%s)""",
                       (1 + i % 3000, 1 + i % 3000))

    with Repeated(pair.source, write):
        applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB", "key_chunk_bytes": "64kB"}, **OPTIONS)
        applier.start()
        for part in (0.2, 0.5, 0.8):
            applier.wait_until(lambda: _share_done(pair) >= part, 90, f"{part} of the load done")
            applier.kill()
            applier.start()
        applier.wait_caught_up(120)
    applier.wait_caught_up()
    compare_rows(pair)
    compare_definitions(pair)


def _share_done(pair):
    if not pair.target.exists("walbridge.schema_item"):
        return 0
    return pair.target.scalar("""SELECT coalesce(avg(done::int), 0) FROM (SELECT done FROM walbridge.schema_item UNION ALL SELECT done FROM walbridge.table_sync) x""")


def test_a_table_altered_between_plan_and_copy_gets_its_new_definition(pair):
    """The copy notices that a table changed under its snapshot: it brings the renamed table to the new definition, with the
    names of the target in types and defaults."""
    pair.source.psql(DEFINITIONS + ROWS)
    applier = pair.applier(copy={"workers": 1}, **OPTIONS)
    applier.start()
    applier.wait_until(lambda: pair.target.exists("walbridge.task"), 30, "the state is installed")
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE pg_catalog.pg_namespace IN SHARE MODE")    # no schema is created, so nothing is copied
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.schema_item") > 0, 60, "the plan is stored")
    applier.kill()
    blocker.rollback()
    blocker.close()
    pair.source.psql("""ALTER TABLE sales."Or.der" ADD other_feeling mood DEFAULT 'sad', ADD ticket_2 int DEFAULT nextval('ticket'), ADD doubled int DEFAULT doubled(4),
            ADD other public.pair; ALTER TABLE note ADD best mood DEFAULT 'ok'; ALTER TABLE item ADD c mood[];""")
    applier.start()
    applier.wait_caught_up(120)
    assert "new_definition=true" in applier.log_text()
    compare_rows(pair)
    compare_definitions(pair)


def test_a_thousand_renamed_tables_start_as_fast_as_any(pair):
    pair.source.psql("\n".join(f"CREATE TABLE t{i} (id serial PRIMARY KEY, v text); CREATE INDEX ON t{i} (v);" for i in range(1000)))
    tables = [{"name": f"public.t{i}", "rename": f"moved.renamed_{i}"} for i in range(1000)]
    applier = pair.applier(schemas=OPTIONS["schemas"], tables=tables)
    applier.start()
    applier.wait_caught_up(180)
    pair.source.psql("\n".join(f"INSERT INTO t{i} (v) VALUES ('x');" for i in range(1000)))
    applier.wait_caught_up(120)
    compare(pair.source, pair.target, names=lambda schema, name: ("moved", "renamed_" + name[1:]))
    assert pair.target.scalar("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'moved' AND relkind = 'S'") == 1000
    applier.stop()


def test_a_schema_that_is_renamed_into_one_that_exists_on_the_target(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    pair.target.psql("CREATE SCHEMA crm; CREATE TABLE crm.mine (id int)")
    applier = pair.run(schemas=OPTIONS["schemas"])
    assert pair.target.scalar("SELECT count(*) FROM crm.t") == 1
    applier.stop()
    pair.target.psql("DROP TABLE walbridge.task CASCADE; DROP SCHEMA walbridge CASCADE")
    result = pair.applier(name="another", schemas=OPTIONS["schemas"]).cli("precheck", "--only", "tables.target")
    assert result.code == Exit.precheck and "public.t (crm.t on the target)" in result.text


@pytest.mark.parametrize("stages", [("schema", "full", "incremental")])
def test_names_are_swapped(pair, stages):
    pair.source.psql("""CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int PRIMARY KEY, v text DEFAULT 'a'); CREATE TABLE b.t (id int PRIMARY KEY, v text DEFAULT 'b', a int REFERENCES a.t);
        CREATE TABLE x (id int PRIMARY KEY, v text DEFAULT 'x'); CREATE TABLE y (id int PRIMARY KEY, v text DEFAULT 'y', x int REFERENCES x);
        INSERT INTO a.t VALUES (1); INSERT INTO b.t VALUES (1, 'b', 1); INSERT INTO x VALUES (1); INSERT INTO y VALUES (1, 'y', 1)""")
    applier = pair.run(stages=stages, schemas=[{"name": "a", "rename": "b"}, {"name": "b", "rename": "a"}],
                       tables=[{"name": "public.x", "rename": "y"}, {"name": "public.y", "rename": "x"}])
    pair.source.psql("INSERT INTO a.t VALUES (2); INSERT INTO b.t VALUES (2, 'b', 2); INSERT INTO x VALUES (2); INSERT INTO y VALUES (2, 'y', 2)")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT (SELECT string_agg(v, '') FROM a.t), (SELECT string_agg(v, '') FROM b.t), (SELECT string_agg(v, '') FROM x), (SELECT string_agg(v, '') FROM y)") == \
        [("bb", "aa", "yy", "xx")]
