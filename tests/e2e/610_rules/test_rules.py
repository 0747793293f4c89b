# What is replicated is what the task says: the rows, the columns, the values and the names. The copy and the stream read
# the same rules by two ways; whatever the order of events, the target has to hold what a query of the source gives.
import random
import socket
import threading

import psycopg2
import pytest
from walbridge_testing.applier import Exit

SETUP = """CREATE TABLE customer (id int PRIMARY KEY, region text NOT NULL, name text, email text, phone text, secret text, born date, note text);
ALTER TABLE customer REPLICA IDENTITY FULL;
INSERT INTO customer SELECT i, CASE i % 3 WHEN 0 THEN 'EU' WHEN 1 THEN 'US' END || '', 'n' || i, 'e' || i || '@x', '+49 30 ' || i, 'top' || i,
    date '1970-01-01' + i, repeat('long ' || i, 600) FROM generate_series(1, 300) i WHERE i % 3 < 2;
CREATE INDEX customer_secret ON customer (secret); CREATE INDEX customer_email ON customer (email);
CREATE VIEW people AS SELECT id, name, email FROM customer;
COMMENT ON COLUMN customer.name IS 'full name'; CREATE TABLE plain (id int PRIMARY KEY, v text); INSERT INTO plain VALUES (1, 'a');"""

RULES = {"name": "public.customer", "where": "region = 'EU' AND id % 5 <> 0", "exclude_columns": ["secret*"],
         "columns": {"email": "md5(email)", "phone": "left(phone, 3) || '***'", "year": "extract(year FROM born)::int"},
         "rename_columns": {"name": "full_name"}}

WANTED = """SELECT id, region, name AS full_name, md5(email) AS email, left(phone, 3) || '***' AS phone, born, note, extract(year FROM born)::int AS year
    FROM customer WHERE region = 'EU' AND id % 5 <> 0"""
COLUMNS = "id, region, full_name, email, phone, born, note, year"


def rows(database, query, columns=COLUMNS):
    return database.sql(f"SELECT {columns} FROM ({query}) q ORDER BY 1")


def same(pair, table="customer", wanted=WANTED, columns=COLUMNS):
    assert rows(pair.target, f"SELECT * FROM {table}", columns) == rows(pair.source, wanted, columns)


def columns_of(database, table):
    return [c for (c,) in database.sql("SELECT column_name::text FROM information_schema.columns WHERE table_name = %s ORDER BY 1", (table,))]


def test_copy_and_stream_bring_what_the_rules_say(pair):
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES])
    same(pair)
    assert columns_of(pair.target, "customer") == sorted(COLUMNS.split(", "))
    assert pair.target.sql("SELECT count(*) FROM people") == pair.target.sql("SELECT count(*) FROM customer")
    indexes = {name for (name,) in pair.target.sql("SELECT indexname::text FROM pg_indexes WHERE tablename = 'customer'")}
    assert indexes == {"customer_pkey", "customer_email"}
    pair.source.psql("""INSERT INTO customer (id, region, email, secret) VALUES (1001, 'EU', 'a@b', 'hidden'), (1002, 'US', 'c@d', 'hidden');
        UPDATE customer SET region = 'EU' WHERE region = 'US' AND id < 40; UPDATE customer SET region = 'US' WHERE id IN (3, 6, 9);
        UPDATE customer SET email = 'new', secret = 'x' WHERE id = 12; UPDATE customer SET secret = 'y' WHERE id = 18; UPDATE customer SET id = 2004 WHERE id = 21;
        UPDATE customer SET id = 2005 WHERE id = 24; DELETE FROM customer WHERE id IN (27, 28, 33); UPDATE plain SET v = 'b';
        BEGIN; INSERT INTO customer (id, region) VALUES (3001, 'EU'); UPDATE customer SET region = 'US' WHERE id = 3001; UPDATE customer SET region = 'EU', name = 'back' WHERE id = 3001; COMMIT;""")
    applier.wait_caught_up(60)
    same(pair)
    pair.compare("plain")
    verdict = applier.cli("verify")
    assert verdict.code == 0, verdict
    pair.target.sql("UPDATE customer SET email = 'wrong' WHERE id = 12")
    assert applier.cli("verify").code == Exit.data_differs
    repaired = applier.cli("verify", "--repair", "--yes", timeout=120)
    assert applier.cli("verify").code == 0, repaired
    same(pair)


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_and_kills_end_as_the_query_of_the_source(pair, seed):
    pair.source.psql(SETUP)
    applier = pair.applier(tables=[RULES])
    applier.start()
    chance = random.Random(seed)
    with pair.source.connect(autocommit=True) as connection, connection.cursor() as cursor:
        for step in range(150):
            if chance.random() < 0.04:
                applier.kill()
                applier.start()
            key, region = chance.randrange(1, 400), chance.choice(["EU", "US"])
            statement = chance.choice([
                "INSERT INTO customer (id, region, name, email, phone, note) VALUES (%(k)s, %(r)s, 'i', 'm', '+1', repeat('z', %(n)s)) ON CONFLICT DO NOTHING",
                "UPDATE customer SET region = %(r)s WHERE id BETWEEN %(k)s AND %(k)s + 5", "DELETE FROM customer WHERE id = %(k)s",
                "UPDATE customer SET email = email || 'x' WHERE id = %(k)s", "UPDATE customer SET id = id + 1000 WHERE id = %(k)s AND NOT EXISTS (SELECT FROM customer c WHERE c.id = %(k)s + 1000)"])
            cursor.execute(statement, {"k": key, "r": region, "n": chance.choice([1, 9000])})
    applier.wait_caught_up(90)
    same(pair)


def test_ddl_of_a_table_with_rules(pair):
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES], ddl={"trust": "source"})
    pair.source.psql("""ALTER TABLE customer ADD COLUMN level int DEFAULT 3, ADD COLUMN secret_two text; CREATE INDEX customer_name ON customer (lower(name), level);
        CREATE INDEX customer_both ON customer (secret_two); UPDATE customer SET level = 4, secret_two = 's' WHERE id = 3; ALTER TABLE customer DROP COLUMN secret;
        ALTER TABLE customer ADD CONSTRAINT named CHECK (name <> ''); COMMENT ON COLUMN customer.name IS 'called';
        ALTER TABLE customer ALTER COLUMN name SET DEFAULT 'nobody'; INSERT INTO customer (id, region) VALUES (600, 'US'), (603, 'EU');
        ALTER TABLE customer RENAME COLUMN level TO grade; UPDATE customer SET grade = 5 WHERE id = 6;
        CREATE TABLE customer_two (id int PRIMARY KEY, name text);""")
    applier.wait_caught_up(60)
    same(pair, wanted=WANTED.replace("note,", "note, grade,"), columns=COLUMNS + ", grade")
    assert "secret_two" not in columns_of(pair.target, "customer")
    assert pair.target.scalar("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'named'") == "CHECK ((full_name <> ''::text))"
    assert pair.target.scalar("SELECT full_name FROM customer WHERE id = 603") == "nobody"
    assert pair.target.exists("customer_name") and not pair.target.exists("customer_both")


def test_patterns_rename_filter_and_mask_many_tables(pair):
    pair.source.psql("""CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b; CREATE SCHEMA other;
        CREATE TABLE tenant_a.inv_x (id serial PRIMARY KEY, c_one text, gone boolean); CREATE TABLE tenant_b.inv_y (id serial PRIMARY KEY, c_one text, gone boolean);
        CREATE TABLE other."Mixed" (id int PRIMARY KEY, "Value" text); INSERT INTO other."Mixed" VALUES (1, 'x');
        ALTER TABLE tenant_a.inv_x REPLICA IDENTITY FULL; ALTER TABLE tenant_b.inv_y REPLICA IDENTITY FULL;
        INSERT INTO tenant_a.inv_x (c_one, gone) SELECT 'a' || i, i % 2 = 0 FROM generate_series(1, 10) i; INSERT INTO tenant_b.inv_y (c_one, gone) VALUES ('b', false);""")
    applier = pair.run(schemas=[{"name": "tenant_*", "rename": "t_$1"}], objects={"case": "lower"},
                       tables=[{"name": "tenant_?.inv_*", "rename": "invoice_$2", "where": "NOT gone", "rename_columns": {"c_*": "col_$1"}}])
    pair.source.psql("""UPDATE tenant_a.inv_x SET gone = NOT gone; INSERT INTO tenant_b.inv_y (c_one, gone) VALUES ('c', true), ('d', false);
        CREATE TABLE tenant_b.inv_new (id int PRIMARY KEY, c_one text, gone boolean); ALTER TABLE tenant_b.inv_new REPLICA IDENTITY FULL; INSERT INTO tenant_b.inv_new VALUES (1, 'x', false), (2, 'y', true);
        CREATE TABLE other."Late" (id int PRIMARY KEY, "UP" int); INSERT INTO other."Late" VALUES (1, 2); UPDATE other."Mixed" SET "Value" = 'y';""")
    applier.wait_caught_up(60)
    assert pair.target.sql("SELECT id, col_one, gone FROM t_a.invoice_x ORDER BY 1") == pair.source.sql("SELECT id, c_one, gone FROM tenant_a.inv_x WHERE NOT gone ORDER BY 1")
    assert pair.target.sql("SELECT id, col_one FROM t_b.invoice_y ORDER BY 1") == [(1, "b"), (3, "d")]
    assert pair.target.sql("SELECT id, col_one FROM t_b.invoice_new ORDER BY 1") == [(1, "x")]
    assert pair.target.sql("SELECT id, value FROM other.mixed") == [(1, "y")]
    assert pair.target.sql("SELECT id, up FROM other.late") == [(1, 2)]
    assert applier.cli("verify").code == 0
    applier.kill()
    applier.start()
    pair.source.psql("UPDATE tenant_b.inv_y SET c_one = 'z'")
    applier.wait_caught_up(60)
    assert pair.target.scalar("SELECT count(*) FROM t_b.invoice_y WHERE col_one = 'z'") == 2


def test_operations_and_added_columns(pair):
    pair.source.psql("CREATE TABLE log (id int PRIMARY KEY, v text); INSERT INTO log VALUES (1, 'a'), (2, 'b'); CREATE TABLE keep (id int PRIMARY KEY, v text); INSERT INTO keep VALUES (1, 'a');")
    applier = pair.run(tables=[{"name": "public.log", "operations": ["insert", "update"],
                                "add_columns": {"op": "operation", "changed": "commit_time", "at": "lsn", "origin": "source", "by_task": "task"}}])
    assert pair.target.sql("SELECT id, v, op, changed IS NOT NULL, at IS NOT NULL, origin, by_task FROM log ORDER BY 1") == [
        (i, v, "copy", True, True, pair.source.name, pair.name) for i, v in ((1, "a"), (2, "b"))]
    pair.source.psql("INSERT INTO log VALUES (3, 'c'); UPDATE log SET v = 'd' WHERE id = 1; DELETE FROM log WHERE id = 2; TRUNCATE keep; TRUNCATE log; INSERT INTO log VALUES (4, 'e');")
    applier.wait_caught_up(60)
    assert pair.target.sql("SELECT id, v, op FROM log ORDER BY 1") == [(1, "d", "update"), (2, "b", "copy"), (3, "c", "insert"), (4, "e", "insert")]
    assert pair.target.scalar("SELECT count(*) FROM keep") == 0
    assert pair.target.scalar("SELECT changed > now() - interval '1 hour' AND at > '0/0' FROM log WHERE id = 4")


@pytest.mark.parametrize("rule, words", {
    "unknown_column": ({"where": "nowhere = 1"}, ["nowhere", "public.customer"]),
    "unknown_table": ({"name": "public.custmer", "where": "true"}, ['"public.custmer" matches no table']),
    "unknown_left_out": ({"name": "public.*", "exclude_columns": ["email", "phnoe"]}, ['"phnoe" in exclude_columns of "public.*" matches no column']),
    "unknown_renamed": ({"rename_columns": {"naem": "title"}}, ["naem"]),
    "ill_typed": ({"where": "id + 1"}, ["boolean"]),
    "not_immutable": ({"columns": {"email": "email || now()"}}, ["email", "immutable"]),
    "subquery": ({"where": "id IN (SELECT 1)"}, ["where"]),
    "position": ({"where": "region = = 'EU'"}, ["character"]),
    "key_left_out": ({"exclude_columns": ["id"]}, ["id"]),
    "equal_keys": ({"columns": {"id": "id / 100"}}, ["customer_pkey", "equal"]),
    "names_meet": ({"rename_columns": {"name": "email"}}, ["name and email", "would both be email"]),
}.values(), ids=lambda value: None)
def test_rules_that_cannot_be_followed_are_refused_before_anything_starts(pair, rule, words):
    pair.source.psql(SETUP)
    applier = pair.applier(tables=[{"name": "public.customer", **rule}])
    result = applier.cli("precheck", "--only", "tables.rules")
    assert result.code == Exit.precheck, result
    assert all(word in result.text for word in words), result
    assert not pair.target.exists("customer")


def test_a_filter_outside_of_the_replica_identity_is_refused_with_its_statement(pair):
    pair.source.psql(SETUP + "ALTER TABLE customer REPLICA IDENTITY DEFAULT;")
    applier = pair.applier(tables=[{"name": "public.customer", "where": "region = 'EU'"}])
    result = applier.cli("precheck", "--only", "tables.rules")
    assert result.code == Exit.precheck and 'ALTER TABLE "public"."customer" REPLICA IDENTITY FULL' in result.text, result
    applier.document["objects"]["table"][0]["operations"] = ["insert"]
    applier.write_task()
    assert applier.cli("precheck", "--only", "tables.rules").code == 0


def test_long_values_that_an_update_leaves_as_they_are_are_told_of_beforehand(pair):
    pair.source.psql("CREATE TABLE page (id int, state text NOT NULL, title varchar(50), body text, PRIMARY KEY (id, state)); CREATE TABLE plain (id int PRIMARY KEY, n int)")
    applier = pair.applier(tables=[{"name": "public.page", "columns": {"title": "title || left(body, 10)"}}, {"name": "public.plain", "where": "id > 0"}])
    result = applier.cli("precheck", "--only", "tables.rules")
    assert result.code == Exit.precheck and "(title, body)" in result.text and 'ALTER TABLE "public"."page" REPLICA IDENTITY FULL' in result.text, result
    applier.document["objects"]["table"][0] = {"name": "public.page", "where": "state = 'out'"}
    applier.write_task()
    result = applier.cli("precheck", "--only", "tables.rules")
    assert result.code == 0 and "(title, body)" in result.text and "public.plain" not in result.text and 'ALTER TABLE "public"."page" REPLICA IDENTITY FULL' in result.text, result
    pair.source.psql("ALTER TABLE page REPLICA IDENTITY FULL")
    assert "(title, body)" not in applier.cli("precheck", "--only", "tables.rules").text


def test_an_expression_that_fails_for_a_row_names_it_and_the_task_goes_on_with_another(pair):
    pair.source.psql(SETUP)
    broken = {"name": "public.customer", "columns": {"name": "(1000 / (id - 5000))::text"}}
    applier = pair.run(tables=[broken])
    pair.source.psql("INSERT INTO customer (id, region) VALUES (5000, 'EU')")
    result = applier.wait_exit(60)
    assert result == Exit.rule, applier.log_tail()
    log = applier.log_text()
    assert "division by zero" in log and "customer" in log and "5000" in log and "objects.table" in log
    applier.document["objects"]["table"][0]["columns"] = {"name": "(1000 / nullif(id - 5000, 0))::text"}
    applier.write_task()
    applier.start()
    # A table whose expressions changed is copied again beside the stream.
    applier.wait_until(lambda: pair.target.sql("SELECT id, name FROM customer WHERE id = 5000") == [(5000, None)], 60)
    applier.wait_until(lambda: all(c["state"] == "done" for c in applier.cli("objects", "--json").json()["changes"]), 60)
    applier.wait_caught_up(60)
    same(pair, wanted="SELECT id, region, (1000 / nullif(id - 5000, 0))::text AS name FROM customer", columns="id, region, name")


class Wire:
    """Between the task and its source: keeps every byte that the source sends."""

    def __init__(self, port):
        self.sent, self.target = [], port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, keep in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, keep), daemon=True).start()

    def _pump(self, source, sink, keep):
        try:
            while data := source.recv(65536):
                if keep:
                    self.sent.append(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def close(self):
        self.listener.close()

    def all(self):
        return b"".join(self.sent)


def test_what_is_masked_or_left_out_never_crosses_the_wire(pair):
    pair.source.psql(SETUP + "UPDATE customer SET email = 'copied_secret' || id, secret = 'hidden_copy'; UPDATE customer SET region = 'US', note = 'foreign_row' WHERE id = 3;")
    wire = Wire(pair.source.cluster.port)
    try:
        url = pair.source.url().replace(f":{pair.source.cluster.port}/", f":{wire.port}/")
        assert str(wire.port) in url
        applier = pair.applier(source_url=url + ("&" if "?" in url else "?") + "gssencmode=disable&sslmode=disable", tables=[RULES])
        assert applier.cli("precheck").code in (0, Exit.precheck)
        assert "is not sampled" in applier.cli("plan", "--sample=200ms", timeout=120).text
        applier.start()
        applier.wait_caught_up(60)
        pair.source.psql("""UPDATE customer SET email = 'streamed_secret', secret = 'hidden_stream' WHERE id < 50; UPDATE customer SET note = 'foreign_row' WHERE region = 'US'; DELETE FROM customer WHERE id = 6;
            INSERT INTO customer (id, region, email, secret, note) VALUES (2002, 'EU', 'streamed_secret', 'hidden_stream', 'seen_row'), (2001, 'US', 'x', 'y', 'foreign_row')""")
        applier.wait_caught_up(60)
        assert applier.cli("verify").code == 0
        same(pair)
        sent = wire.all()
        assert b"seen_row" in sent, "the wire is read"
        for word in (b"copied_secret", b"hidden_copy", b"streamed_secret", b"hidden_stream", b"foreign_row"):
            assert word not in sent, word
    finally:
        wire.close()
