# The same rules with a target that is no PostgreSQL: rows, values and names come as a query of the source gives them.
import random

import pytest
from walbridge_testing.applier import Exit

SETUP = """CREATE TABLE customer (id int PRIMARY KEY, region text NOT NULL, name varchar(100), email varchar(100), secret text, born date, note text);
ALTER TABLE customer REPLICA IDENTITY FULL;
INSERT INTO customer SELECT i, CASE i % 2 WHEN 0 THEN 'EU' ELSE 'US' END, 'n' || i, 'e' || i || '@x', 'top' || i, date '1970-01-01' + i, repeat('long ' || i, 600) FROM generate_series(1, 200) i;
CREATE INDEX customer_secret ON customer (secret); CREATE INDEX customer_name ON customer (name);
CREATE TABLE bill (id int PRIMARY KEY, customer int REFERENCES customer);"""

RULES = {"name": "public.customer", "where": "region = 'EU' AND id % 5 <> 0", "exclude_columns": ["secret*"],
         "columns": {"email": "md5(email)", "year": "extract(year FROM born)::int"}, "types": {"email": "varchar(100)", "year": "int"},
         "rename_columns": {"name": "full_name"}, "add_columns": {"op": "operation", "by_task": "task"}}
WANTED = "SELECT id, region, name, md5(email), born::text, note, extract(year FROM born)::int FROM customer WHERE region = 'EU' AND id % 5 <> 0 ORDER BY 1"
THERE = "SELECT id, region, full_name, email, CAST(born AS char), note, year FROM customer ORDER BY id"


def same(pair):
    assert [tuple(row) for row in pair.target.sql(THERE)] == [tuple(row) for row in pair.source.sql(WANTED)]


def columns_of(pair, table):
    return {name for (name,) in pair.target.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s", (table,))}


def test_copy_stream_and_ddl_bring_what_the_rules_say(mysql_pair):
    pair = mysql_pair
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES])
    same(pair)
    assert columns_of(pair, "customer") == {"id", "region", "full_name", "email", "born", "note", "year", "op", "by_task"}
    assert {row[0] for row in pair.target.sql("SELECT op FROM customer")} == {"copy"}
    pair.source.psql("""INSERT INTO customer (id, region, email, secret) VALUES (1001, 'EU', 'a@b', 'hidden'), (1002, 'US', 'c@d', 'hidden'); UPDATE customer SET region = 'EU' WHERE id IN (1, 3, 7);
        UPDATE customer SET region = 'US' WHERE id IN (4, 8); UPDATE customer SET email = 'new', secret = 'x' WHERE id = 12; UPDATE customer SET id = 2004 WHERE id = 22; DELETE FROM customer WHERE id IN (24, 25);""")
    applier.wait_caught_up(60)
    same(pair)
    assert dict(pair.target.sql("SELECT id, op FROM customer WHERE id IN (1, 2, 12, 1001)")) == {1: "insert", 2: "copy", 12: "update", 1001: "insert"}
    pair.source.psql("""ALTER TABLE customer ADD COLUMN level int DEFAULT 3, ADD COLUMN secret_two text; CREATE INDEX customer_level ON customer (level, name); UPDATE customer SET level = 4, secret_two = 's' WHERE id = 2;
        ALTER TABLE customer DROP COLUMN secret; INSERT INTO customer (id, region, name) VALUES (602, 'EU', 'late');""")
    applier.wait_caught_up(60)
    same(pair)
    assert columns_of(pair, "customer") == {"id", "region", "full_name", "email", "born", "note", "year", "op", "by_task", "level"}
    assert dict(pair.target.sql("SELECT id, level FROM customer WHERE id IN (2, 6, 602)")) == {2: 4, 6: 3, 602: 3}


def test_random_changes_and_kills_end_as_the_query_of_the_source(mysql_pair):
    pair = mysql_pair
    pair.source.psql(SETUP)
    applier = pair.applier(tables=[RULES])
    applier.start()
    chance = random.Random(4)
    with pair.source.connect(autocommit=True) as connection, connection.cursor() as cursor:
        for step in range(100):
            if chance.random() < 0.04:
                applier.kill()
                applier.start()
            key, region = chance.randrange(1, 300), chance.choice(["EU", "US"])
            cursor.execute(chance.choice([
                "INSERT INTO customer (id, region, name, email, note) VALUES (%(k)s, %(r)s, 'i', 'm', repeat('z', %(n)s)) ON CONFLICT DO NOTHING",
                "UPDATE customer SET region = %(r)s WHERE id BETWEEN %(k)s AND %(k)s + 5", "DELETE FROM customer WHERE id = %(k)s",
                "UPDATE customer SET email = left(email || 'x', 90) WHERE id = %(k)s"]), {"k": key, "r": region, "n": chance.choice([1, 9000])})
    applier.wait_caught_up(90)
    same(pair)


def test_patterns_and_case(mysql_pair):
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE "Inv_A" ("Id" int PRIMARY KEY, c_one text, gone boolean NOT NULL); ALTER TABLE "Inv_A" REPLICA IDENTITY FULL; INSERT INTO "Inv_A" VALUES (1, 'a', false), (2, 'b', true);""")
    applier = pair.run(objects={"case": "lower"}, tables=[{"name": "public.Inv_*", "rename": "invoice_$1", "where": "NOT gone", "rename_columns": {"c_*": "col_$1"}}])
    pair.source.psql("""UPDATE "Inv_A" SET gone = NOT gone; CREATE TABLE "Inv_B" ("Id" int PRIMARY KEY, c_one text, gone boolean NOT NULL); ALTER TABLE "Inv_B" REPLICA IDENTITY FULL; INSERT INTO "Inv_B" VALUES (1, 'x', false), (2, 'y', true);""")
    applier.wait_caught_up(60)
    assert [tuple(r) for r in pair.target.sql("SELECT id, col_one FROM `invoice_A`")] == [(2, "b")]
    assert [tuple(r) for r in pair.target.sql("SELECT id, col_one FROM `invoice_B`")] == [(1, "x")]


def test_a_computed_column_needs_a_type(mysql_pair):
    pair = mysql_pair
    pair.source.psql(SETUP)
    applier = pair.applier(tables=[{"name": "public.customer", "columns": {"year": "extract(year FROM born)::int"}}])
    result = applier.cli("precheck", "--only", "tables.rules")
    assert result.code == Exit.precheck and "nothing says its type" in result.text, result


def test_rows_that_come_into_the_filter_are_whole(mysql_pair):
    """Their long values did not travel: they are read from the source, as it is by then."""
    pair = mysql_pair
    pair.source.psql("""CREATE TABLE doc (id int PRIMARY KEY, body text, note text NOT NULL, extra jsonb); ALTER TABLE doc ALTER body SET STORAGE EXTERNAL, ALTER note SET STORAGE EXTERNAL, ALTER extra SET STORAGE EXTERNAL;
        INSERT INTO doc SELECT i, repeat('b' || i, 3000), repeat('n' || i, 3000), jsonb_build_object('k', repeat('e' || i, 3000)) FROM generate_series(1, 40) i;""")
    applier = pair.run(tables=[{"name": "public.doc", "where": "id <= 20"}])
    applier.stop()
    pair.source.psql("""DELETE FROM doc WHERE id < 10; UPDATE doc SET id = 1 WHERE id = 30; UPDATE doc SET id = 2, body = 'short' WHERE id = 31; UPDATE doc SET id = 3 WHERE id = 32; UPDATE doc SET id = 4 WHERE id = 3;
        UPDATE doc SET id = 5 WHERE id = 33; DELETE FROM doc WHERE id = 5; UPDATE doc SET id = 6 WHERE id = 34; UPDATE doc SET note = repeat('younger', 3000) WHERE id = 6;""")
    applier.start()
    applier.wait_caught_up(60)
    question = "SELECT id, body, note, JSON_UNQUOTE(JSON_EXTRACT(extra, '$.k')) FROM doc ORDER BY id"
    assert [tuple(row) for row in pair.target.sql(question)] == [tuple(row) for row in pair.source.sql("SELECT id, body, note, extra ->> 'k' FROM doc WHERE id <= 20 ORDER BY id")]
