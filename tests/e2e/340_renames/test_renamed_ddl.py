# After the copy the schema goes on changing: what a migration of the source says about its own names has to happen to the
# target's, also when the table in question is the very one that has another name.
import psycopg2
import pytest
from walbridge_testing.background import Repeated
from walbridge_testing.renames import Renames

RENAMES = Renames({"public": "crm"}, {("public", "customer"): ("crm", "client"), ("sales", "bill"): ("archive", "old bill")},
                  moved={("sales", "bill_id_seq"): ("archive", "bill_id_seq"), ("sales", "bill_pkey"): ("archive", "bill_pkey"),
                         ("sales", "bill_late"): ("archive", "bill_late")})
NEW_SCHEMAS = ["CREATE SCHEMA crm", "CREATE SCHEMA archive"]

SETUP = """CREATE SCHEMA sales; CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE customer (id int PRIMARY KEY, name text, feeling mood DEFAULT 'ok');
CREATE TABLE sales.bill (id serial PRIMARY KEY, customer int REFERENCES customer, total numeric);
CREATE VIEW rich AS SELECT c.id, c.name FROM customer c;
INSERT INTO customer SELECT i, 'n' || i FROM generate_series(1, 200) i; INSERT INTO sales.bill (customer, total) SELECT i, i FROM generate_series(1, 200) i;"""

# name: scripts of the source; each is run while others write, and both sides are compared behind it.
FORMS = {
    "new_tables_in_the_renamed_schema": """BEGIN; CREATE TABLE visit (id int PRIMARY KEY, who int REFERENCES customer, mood mood); INSERT INTO visit SELECT id, id, 'sad' FROM customer;
        ALTER TABLE visit ADD COLUMN note text DEFAULT 'none'; CREATE INDEX visit_who ON visit (who); DELETE FROM visit WHERE id > 150; COMMIT;
        CREATE VIEW visits AS SELECT v.id, customer.name FROM visit v JOIN customer ON customer.id = v.who; INSERT INTO visit VALUES (1001, 1, NULL, 'x');""",
    "the_renamed_table_is_altered": """BEGIN; INSERT INTO customer VALUES (1001, 'a'); ALTER TABLE customer ADD COLUMN level int NOT NULL DEFAULT 3; UPDATE customer SET level = 4 WHERE id < 20;
        ALTER TABLE public.customer ADD CONSTRAINT level_ok CHECK (customer.level > 0); ALTER TABLE customer RENAME COLUMN level TO grade; COMMIT;
        CREATE INDEX customer_low ON customer (lower(name)) WHERE feeling = 'ok'; COMMENT ON TABLE customer IS 'people'; COMMENT ON INDEX customer_low IS 'i'; ALTER TABLE customer ALTER COLUMN name SET NOT NULL;
        BEGIN; DROP VIEW rich; ALTER TABLE customer ALTER COLUMN id TYPE bigint; CREATE VIEW rich AS SELECT c.id, c.name FROM customer c; COMMIT; ALTER TABLE sales.bill ALTER COLUMN total TYPE text USING 'eur ' || total; CREATE INDEX bill_late ON sales.bill (total); ALTER TABLE sales.bill ADD COLUMN paid boolean DEFAULT false;
        INSERT INTO sales.bill (customer, total) VALUES (3, 'x'); ALTER INDEX sales.bill_late RENAME TO bill_later; ALTER INDEX sales.bill_later RENAME TO bill_late;
        ALTER TABLE customer DROP COLUMN grade; UPDATE customer SET name = name || '!' WHERE id % 7 = 0;""",
    "the_renamed_table_gets_other_names_and_its_own_again": """BEGIN; ALTER TABLE customer RENAME TO person; INSERT INTO person VALUES (1001, 'a'); ALTER TABLE person SET SCHEMA sales; UPDATE sales.person SET name = 'b' WHERE id = 1001; COMMIT;
        ALTER TABLE sales.person SET SCHEMA public; INSERT INTO person VALUES (1002, 'c'); ALTER TABLE person RENAME TO customer; INSERT INTO customer VALUES (1003, 'd');""",
    "the_renamed_table_is_dropped_and_created": """BEGIN; DROP TABLE sales.bill; CREATE TABLE sales.bill (id serial PRIMARY KEY, v text); INSERT INTO sales.bill (v) VALUES ('new'); COMMIT;
        DROP TABLE customer CASCADE; CREATE TABLE customer (id int PRIMARY KEY, feeling mood); INSERT INTO customer VALUES (1, 'sad');""",
    "swap_with_another_table": """BEGIN; CREATE TABLE customer_new (LIKE customer INCLUDING ALL); INSERT INTO customer_new SELECT id, upper(name), feeling FROM customer;
        ALTER TABLE sales.bill DROP CONSTRAINT bill_customer_fkey; DROP VIEW rich; ALTER TABLE customer RENAME TO customer_old; ALTER TABLE customer_new RENAME TO customer; UPDATE customer SET name = 'swapped' WHERE id = 3; COMMIT;
        INSERT INTO customer VALUES (1001, 'new'); INSERT INTO customer_old VALUES (1001, 'old');""",
    "types_functions_triggers_policies": """ALTER TYPE mood ADD VALUE 'great' AFTER 'ok'; INSERT INTO customer VALUES (1001, 'x', 'great'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER q BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION quiet();
        CREATE POLICY p ON customer USING (feeling > 'sad'::mood); ALTER TABLE customer ENABLE ROW LEVEL SECURITY; CREATE SEQUENCE numbers; CREATE TABLE t (id int DEFAULT nextval('numbers') PRIMARY KEY, p positive, c customer);
        INSERT INTO t (p, c) SELECT 5, customer FROM customer WHERE id = 1; CREATE STATISTICS st ON id, name FROM customer; CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM customer; ALTER TYPE mood RENAME TO feeling;""",
    "create_table_as": """CREATE TABLE happy AS SELECT id, name, random() AS lot FROM customer WHERE feeling = 'ok'; BEGIN; SELECT * INTO sales.copied FROM public.customer; UPDATE sales.copied SET name = 'c' WHERE id < 0; COMMIT;
        ALTER TABLE happy ADD PRIMARY KEY (id); DELETE FROM happy WHERE id = 5;""",
    "partitions": """CREATE TABLE log (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); INSERT INTO log VALUES (1, '2026-01-05');
        CREATE TABLE log_2 (LIKE log INCLUDING ALL); INSERT INTO log_2 VALUES (1, '2026-02-05'); ALTER TABLE log ATTACH PARTITION log_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); ALTER TABLE log DETACH PARTITION log_1; DROP TABLE log_1;""",
    "schemas": """CREATE SCHEMA fresh; CREATE TABLE fresh.t (id int PRIMARY KEY, m public.mood); INSERT INTO fresh.t VALUES (1, 'ok'); ALTER TABLE fresh.t SET SCHEMA public; INSERT INTO t VALUES (2, 'sad'); DROP SCHEMA fresh;
        SET search_path = sales, public; CREATE TABLE u (id int PRIMARY KEY, c int REFERENCES customer); INSERT INTO u VALUES (1, 1); ALTER TABLE customer ADD COLUMN x int;""",
    "truncate_between": """BEGIN; TRUNCATE customer, sales.bill; ALTER TABLE customer ADD COLUMN n int DEFAULT 1; INSERT INTO customer VALUES (1, 'x'); COMMIT; TRUNCATE customer CASCADE; INSERT INTO customer VALUES (2, 'y')""",
}


def follow(pair, **options):
    pair.source.psql(SETUP)
    return pair.run(ddl={"trust": "source"}, **RENAMES.options(), **options)


def same(pair):
    RENAMES.compare_rows(pair)
    RENAMES.compare_definitions(pair, NEW_SCHEMAS)


@pytest.mark.parametrize("form", FORMS)
def test_ddl_reaches_the_renamed_objects(pair, form):
    applier = follow(pair)

    def write(cursor, i):
        cursor.execute("SET lock_timeout = 500; UPDATE customer SET feeling = 'sad' WHERE id = %s", (i % 200,))

    # The table may be called otherwise, be gone, or be held by the migration.
    with Repeated(pair.source, write, expected=psycopg2.Error):
        pair.source.psql(FORMS[form])
    applier.wait_caught_up(120)
    same(pair)


def test_a_kill_in_the_middle_of_a_migration(pair):
    applier = follow(pair)
    for i, form in enumerate(("the_renamed_table_is_altered", "new_tables_in_the_renamed_schema", "create_table_as")):
        pair.source.psql(FORMS[form])
        applier.kill()
        applier.start()
    applier.wait_caught_up(120)
    same(pair)
