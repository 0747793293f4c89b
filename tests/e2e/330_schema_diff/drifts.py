"""A schema with something of everything, and the ways in which a copy of it can drift away from it."""

BASE = r'''
CREATE SCHEMA app;
CREATE SCHEMA "Odd Names";
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE app.point3 AS (x int, y int, z text COLLATE "C");
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE DOMAIN app.email AS text NOT NULL DEFAULT 'a@b' CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE COLLATION app.german (provider = libc, locale = 'C');
CREATE SEQUENCE app.numbers INCREMENT BY 2 MINVALUE 1 MAXVALUE 1000 CACHE 5;
CREATE FUNCTION app.doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed = now(); RETURN NEW; END $$;
CREATE PROCEDURE app.nothing(INOUT a int DEFAULT 1) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; END; $$;
CREATE FUNCTION app.modern(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; SELECT 4; END;
CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE FUNCTION app.less(a app.point3, b app.point3) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT (a).x < (b).x';
CREATE OPERATOR app.<<< (leftarg = app.point3, rightarg = app.point3, procedure = app.less);
CREATE CAST (app.point3 AS text) WITH INOUT;
CREATE TEXT SEARCH CONFIGURATION app.plain (COPY = pg_catalog.simple);
CREATE TABLE app.customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    mail app.email,
    feeling app.mood DEFAULT 'ok',
    feelings app.mood[],
    place app.point3,
    balance numeric(12,2) NOT NULL DEFAULT 0,
    doubled numeric GENERATED ALWAYS AS (balance * 2) STORED,
    short varchar(20) COLLATE "C",
    note text DEFAULT 'it''s; -- "fine"',
    changed timestamptz DEFAULT now(),
    CONSTRAINT positive CHECK (balance >= 0),
    CONSTRAINT one_name UNIQUE (name, short)
) WITH (fillfactor = 90);
CREATE TABLE app.orders (
    id serial PRIMARY KEY,
    customer bigint NOT NULL CONSTRAINT of_customer REFERENCES app.customer ON DELETE CASCADE,
    number int DEFAULT nextval('app.numbers'),
    during tstzrange,
    amount int,
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&) DEFERRABLE
);
CREATE TABLE "Odd Names"."Table; x" ("Col A" int PRIMARY KEY, "a.b" text, """q""" int DEFAULT 5);
CREATE TABLE app.keyless (a int, b text);
CREATE UNLOGGED TABLE app.scratch (a int PRIMARY KEY);
CREATE TABLE app.log (id int NOT NULL, at date NOT NULL, body text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.log_2025 PARTITION OF app.log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE app.log_2026 PARTITION OF app.log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE app.log_other PARTITION OF app.log DEFAULT;
CREATE INDEX log_body ON app.log (body);
CREATE TABLE app.animal (id int PRIMARY KEY, name text CONSTRAINT named CHECK (name <> ''));
CREATE TABLE app.dog (breed text) INHERITS (app.animal);
CREATE INDEX customer_name ON app.customer (lower(name)) WHERE balance > 0;
CREATE INDEX customer_trgm ON app.customer USING gin (name public.gin_trgm_ops);
CREATE UNIQUE INDEX customer_expression ON app.customer ((mail || name)) INCLUDE (short);
CREATE STATISTICS app.customer_stats (dependencies) ON name, short FROM app.customer;
CREATE VIEW app.rich AS SELECT id, name, balance FROM app.customer WHERE balance > 100;
CREATE VIEW app.richest WITH (security_barrier = true) AS SELECT id, name FROM app.rich ORDER BY balance DESC LIMIT 10;
CREATE VIEW app.moods AS SELECT feeling, count(*) FROM app.customer GROUP BY feeling;
CREATE FUNCTION app.is_sad(m app.mood) RETURNS bool LANGUAGE sql AS $$ SELECT m = 'sad' $$;
CREATE MATERIALIZED VIEW app.sums AS SELECT customer, sum(amount) AS amount FROM app.orders GROUP BY customer;
CREATE UNIQUE INDEX sums_customer ON app.sums (customer);
CREATE TRIGGER touch BEFORE UPDATE ON app.customer FOR EACH ROW WHEN (OLD.balance IS DISTINCT FROM NEW.balance) EXECUTE FUNCTION app.touch();
CREATE RULE quiet AS ON DELETE TO app.keyless WHERE OLD.a > 100 DO INSTEAD NOTHING;
ALTER TABLE app.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.customer FOR SELECT USING (balance > -1);
ALTER TABLE app.customer ALTER note SET STORAGE EXTERNAL, ALTER name SET STATISTICS 500;
COMMENT ON TABLE app.customer IS 'those who pay';
COMMENT ON COLUMN app.customer.name IS 'it''s; a name';
COMMENT ON FUNCTION app.doubled(int) IS 'twice';
COMMENT ON CONSTRAINT positive ON app.customer IS 'no debts';
COMMENT ON INDEX app.customer_name IS 'for search';
COMMENT ON TRIGGER touch ON app.customer IS 'touches';
GRANT USAGE ON SCHEMA app TO diff_reader;
GRANT SELECT ON app.customer TO diff_reader;
GRANT UPDATE (name) ON app.customer TO diff_writer WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION app.doubled(int) TO diff_reader;
REVOKE EXECUTE ON FUNCTION app.modern(int) FROM PUBLIC;
'''

ROLES = """
DO $$ BEGIN CREATE ROLE diff_reader; CREATE ROLE diff_writer; CREATE ROLE diff_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
"""

# What pg_dump shows and no statement changes back: whether a child's columns and checks are its own as well.
SHOWN_BY_PG_DUMP_ONLY = {"inheritance_ended", "partition_detached", "child_dropped"}

DRIFTS = {
    # columns
    "column_added": "ALTER TABLE app.customer ADD COLUMN more int DEFAULT 7",
    "column_added_serial": "ALTER TABLE app.keyless ADD COLUMN n serial",
    "column_added_identity": "ALTER TABLE app.keyless ADD COLUMN n int GENERATED BY DEFAULT AS IDENTITY (START WITH 10 INCREMENT BY 5)",
    "column_dropped": "ALTER TABLE app.customer DROP COLUMN note",
    "column_dropped_with_its_index_and_view": "ALTER TABLE app.customer DROP COLUMN balance CASCADE",
    "column_renamed": 'ALTER TABLE app.customer RENAME COLUMN note TO "Remark, new"',
    "column_of_odd_table": 'ALTER TABLE "Odd Names"."Table; x" DROP COLUMN "a.b", ALTER """q""" SET DEFAULT 6',
    "type_wider": "ALTER TABLE app.orders ALTER number TYPE bigint",
    "type_under_a_materialized_view": "DROP MATERIALIZED VIEW app.sums; ALTER TABLE app.orders ALTER amount TYPE bigint; CREATE MATERIALIZED VIEW app.sums AS "
                                      "SELECT customer, sum(amount) AS amount FROM app.orders GROUP BY customer; CREATE UNIQUE INDEX sums_customer ON app.sums (customer)",
    "type_length": "ALTER TABLE app.customer ALTER short TYPE varchar(40)",
    "type_with_generated_column": "DROP VIEW app.rich CASCADE; DROP TRIGGER touch ON app.customer; DROP POLICY own ON app.customer; "
                                  "ALTER TABLE app.customer DROP COLUMN doubled, ALTER balance TYPE numeric(14,3); "
                                  "ALTER TABLE app.customer ADD COLUMN doubled numeric GENERATED ALWAYS AS (balance * 2) STORED",
    "type_under_a_view": "DROP VIEW app.richest; DROP VIEW app.rich; ALTER TABLE app.customer ALTER name TYPE varchar(100); "
                         "CREATE VIEW app.rich AS SELECT id, name, balance FROM app.customer WHERE balance > 100; "
                         "CREATE VIEW app.richest WITH (security_barrier = true) AS SELECT id, name FROM app.rich ORDER BY balance DESC LIMIT 10",
    "collation": 'ALTER TABLE app.customer ALTER short TYPE varchar(20) COLLATE "default"',
    "default_changed": "ALTER TABLE app.customer ALTER balance SET DEFAULT 5",
    "default_dropped": "ALTER TABLE app.customer ALTER note DROP DEFAULT",
    "default_added": "ALTER TABLE app.orders ALTER amount SET DEFAULT app.doubled(4)",
    "not_null_dropped": "ALTER TABLE app.customer ALTER name DROP NOT NULL",
    "not_null_added": "ALTER TABLE app.orders ALTER amount SET NOT NULL",
    "identity_kind": "ALTER TABLE app.customer ALTER id SET GENERATED BY DEFAULT",
    "identity_dropped": "ALTER TABLE app.customer ALTER id DROP IDENTITY",
    "identity_added": "ALTER TABLE app.keyless ALTER a SET NOT NULL, ALTER a ADD GENERATED ALWAYS AS IDENTITY",
    "identity_step": "ALTER TABLE app.customer ALTER id SET INCREMENT BY 10",
    "generated_dropped": "ALTER TABLE app.customer ALTER doubled DROP EXPRESSION",
    "generated_changed": "ALTER TABLE app.customer DROP COLUMN doubled; ALTER TABLE app.customer ADD COLUMN doubled numeric GENERATED ALWAYS AS (balance * 3) STORED",
    "storage": "ALTER TABLE app.customer ALTER note SET STORAGE MAIN, ALTER name SET STORAGE EXTERNAL",
    "statistics_target": "ALTER TABLE app.customer ALTER name SET STATISTICS -1, ALTER note SET STATISTICS 10",
    "compression": "ALTER TABLE app.customer ALTER note SET COMPRESSION pglz",
    "column_options": "ALTER TABLE app.customer ALTER name SET (n_distinct = 5)",
    # tables
    "table_added": "CREATE TABLE app.new (id serial PRIMARY KEY, c bigint REFERENCES app.customer, f app.mood CHECK (f <> 'sad'), g int GENERATED ALWAYS AS IDENTITY); "
                   "CREATE INDEX ON app.new (c); COMMENT ON COLUMN app.new.c IS 'c'; GRANT SELECT ON app.new TO diff_reader; ALTER TABLE app.new ENABLE ROW LEVEL SECURITY",
    "table_dropped": "DROP TABLE app.keyless",
    "table_dropped_with_view_and_keys": "DROP TABLE app.customer CASCADE",
    "table_renamed": "ALTER TABLE app.orders RENAME TO purchases",
    "table_options": "ALTER TABLE app.customer RESET (fillfactor); ALTER TABLE app.customer SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)",
    "table_unlogged": "ALTER TABLE app.keyless SET UNLOGGED",
    "table_logged": "ALTER TABLE app.scratch SET LOGGED",
    "row_security_off": "ALTER TABLE app.customer DISABLE ROW LEVEL SECURITY",
    "row_security_forced": "ALTER TABLE app.customer FORCE ROW LEVEL SECURITY",
    "schema_added": "CREATE SCHEMA extra; CREATE TABLE extra.t (id int PRIMARY KEY); CREATE FUNCTION extra.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE app.keyless ALTER a SET DEFAULT extra.f()",
    "schema_dropped": 'DROP SCHEMA "Odd Names" CASCADE',
    # partitions, inheritance
    "partition_added": "ALTER TABLE app.log DETACH PARTITION app.log_other; CREATE TABLE app.log_2027 PARTITION OF app.log FOR VALUES FROM ('2027-01-01') TO ('2028-01-01'); ALTER TABLE app.log ATTACH PARTITION app.log_other DEFAULT",
    "partition_dropped": "DROP TABLE app.log_2025",
    "partition_detached": "ALTER TABLE app.log DETACH PARTITION app.log_2025",
    "partition_bound": "ALTER TABLE app.log DETACH PARTITION app.log_2026; ALTER TABLE app.log ATTACH PARTITION app.log_2026 FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')",
    "partition_default": "ALTER TABLE app.log_2026 ALTER body SET DEFAULT 'x', ALTER body SET NOT NULL",
    "partitioned_column": "ALTER TABLE app.log ADD COLUMN more int, ALTER body TYPE varchar(50)",
    "partitioned_key": "ALTER TABLE app.log DROP CONSTRAINT log_pkey",
    "partitioned_index": "DROP INDEX app.log_body; CREATE INDEX log_id ON app.log (id)",
    "partitioned_differently": "DROP TABLE app.log; CREATE TABLE app.log (id int NOT NULL, at date NOT NULL, body text, PRIMARY KEY (id, at)) PARTITION BY HASH (id)",
    "partition_index": "CREATE INDEX only_here ON app.log_2026 (id)",
    "inheritance_ended": "ALTER TABLE app.dog NO INHERIT app.animal",
    "inherited_column": "ALTER TABLE app.animal ADD COLUMN legs int DEFAULT 4, ALTER name SET DEFAULT 'nobody'",
    "inherited_not_null": "ALTER TABLE app.animal ALTER name SET NOT NULL; ALTER TABLE app.dog ALTER name DROP NOT NULL",
    "child_dropped": "DROP TABLE app.dog",
    # constraints
    "check_dropped": "ALTER TABLE app.customer DROP CONSTRAINT positive",
    "check_changed": "ALTER TABLE app.customer DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (balance >= -10)",
    "check_not_valid": "ALTER TABLE app.customer DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (balance >= 0) NOT VALID",
    "check_inherited": "ALTER TABLE app.animal DROP CONSTRAINT named",
    "primary_key_dropped": "ALTER TABLE app.customer DROP CONSTRAINT customer_pkey CASCADE",
    "primary_key_renamed": "ALTER TABLE app.customer RENAME CONSTRAINT customer_pkey TO pk",
    "primary_key_wider": "ALTER TABLE app.customer DROP CONSTRAINT customer_pkey CASCADE; ALTER TABLE app.customer ADD PRIMARY KEY (id, name)",
    "unique_changed": "ALTER TABLE app.customer DROP CONSTRAINT one_name, ADD CONSTRAINT one_name UNIQUE (name)",
    "unique_added": "ALTER TABLE app.keyless ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED",
    "foreign_key_action": "ALTER TABLE app.orders DROP CONSTRAINT of_customer, ADD CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES app.customer ON DELETE SET NULL",
    "foreign_key_dropped": "ALTER TABLE app.orders DROP CONSTRAINT of_customer",
    "exclusion_dropped": "ALTER TABLE app.orders DROP CONSTRAINT apart",
    # indexes, statistics
    "index_added": 'CREATE INDEX "An Index" ON app.orders (amount DESC NULLS LAST) WITH (fillfactor = 80)',
    "index_dropped": "DROP INDEX app.customer_name",
    "index_changed": "DROP INDEX app.customer_name; CREATE INDEX customer_name ON app.customer (upper(name))",
    "index_statistics": "ALTER INDEX app.customer_name ALTER COLUMN 1 SET STATISTICS 77",
    "expression_index_dropped": "DROP INDEX app.customer_expression",
    "statistics_changed": "DROP STATISTICS app.customer_stats; CREATE STATISTICS app.customer_stats (mcv) ON name, short FROM app.customer",
    "statistics_dropped": "DROP STATISTICS app.customer_stats",
    # types
    "enum_grown": "ALTER TYPE app.mood ADD VALUE 'ecstatic'; ALTER TYPE app.mood ADD VALUE 'awful' BEFORE 'sad'; ALTER TYPE app.mood ADD VALUE 'meh' AFTER 'awful'",
    "enum_renamed_label": "ALTER TYPE app.mood RENAME VALUE 'ok' TO 'fine'",
    "enum_added": "CREATE TYPE app.size AS ENUM ('s', 'm'); ALTER TABLE app.keyless ADD COLUMN s app.size DEFAULT 's'",
    "composite_grown": "ALTER TYPE app.point3 ADD ATTRIBUTE w float8",
    "composite_order": "CREATE TYPE app.pair AS (b int, a int)",
    "domain_check": "ALTER DOMAIN app.email DROP CONSTRAINT has_at; ALTER DOMAIN app.email ADD CONSTRAINT longer CHECK (length(VALUE) > 3)",
    "domain_default": "ALTER DOMAIN app.email DROP NOT NULL; ALTER DOMAIN app.email SET DEFAULT 'x@y'",
    "range_dropped": "DROP TYPE app.span",
    "collation_dropped": "DROP COLLATION app.german",
    # sequences
    "sequence_options": "ALTER SEQUENCE app.numbers INCREMENT BY 3 MAXVALUE 5000 CYCLE",
    "sequence_type": "ALTER SEQUENCE app.numbers AS smallint",
    "sequence_owner_column": "ALTER SEQUENCE app.numbers OWNED BY app.orders.number",
    "sequence_dropped": "DROP SEQUENCE app.numbers CASCADE",
    "sequence_added": "CREATE SEQUENCE app.other START 10; ALTER TABLE app.keyless ALTER a SET DEFAULT nextval('app.other')",
    # routines
    "function_body": "CREATE OR REPLACE FUNCTION app.doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + n; -- ;'",
    "function_result": "DROP FUNCTION app.doubled(int); CREATE FUNCTION app.doubled(n int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n::bigint * 2'",
    "function_used_by_a_trigger": "CREATE OR REPLACE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = app AS $$ BEGIN RETURN NEW; END $$",
    "function_atomic": "CREATE OR REPLACE FUNCTION app.modern(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 5; SELECT a; END",
    "function_overloaded": "CREATE FUNCTION app.doubled(n text) RETURNS text LANGUAGE sql AS 'SELECT n || n'",
    "function_dropped": "DROP FUNCTION app.doubled(int)",
    "function_over_a_table": "CREATE TABLE app.base (a int); CREATE FUNCTION app.all_of() RETURNS SETOF app.base LANGUAGE sql AS 'SELECT * FROM app.base'",
    "function_became_procedure": "DROP FUNCTION app.modern(int); CREATE PROCEDURE app.modern(a int) LANGUAGE sql AS 'SELECT 1'",
    "procedure_changed": "CREATE OR REPLACE PROCEDURE app.nothing(INOUT a int DEFAULT 2) LANGUAGE plpgsql AS $$ BEGIN a := 0; END; $$",
    "aggregate_changed": "CREATE OR REPLACE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '5')",
    "operator_dropped": "DROP OPERATOR app.<<< (app.point3, app.point3)",
    "cast_dropped": "DROP CAST (app.point3 AS text)",
    "text_search_changed": "ALTER TEXT SEARCH CONFIGURATION app.plain DROP MAPPING FOR word",
    # views, triggers, rules, policies
    "view_query": "CREATE OR REPLACE VIEW app.rich AS SELECT id, name, balance FROM app.customer WHERE balance > 1000",
    "view_column_added": "CREATE OR REPLACE VIEW app.rich AS SELECT id, name, balance, short FROM app.customer WHERE balance > 100",
    "view_column_default": "ALTER VIEW app.rich ALTER COLUMN name SET DEFAULT 'nobody'",
    "view_options": "ALTER VIEW app.richest RESET (security_barrier); ALTER VIEW app.rich SET (check_option = 'local')",
    "view_dropped": "DROP VIEW app.rich CASCADE",
    "view_became_table": "DROP VIEW app.richest; CREATE TABLE app.richest (id int PRIMARY KEY)",
    "view_over_new_table": "CREATE TABLE app.base (a int); CREATE VIEW app.over AS SELECT * FROM app.base; CREATE OR REPLACE VIEW app.richest WITH (security_barrier = true) AS SELECT rich.id, rich.name FROM app.rich, app.base",
    "materialized_view_query": "DROP MATERIALIZED VIEW app.sums; CREATE MATERIALIZED VIEW app.sums AS SELECT customer, max(amount) AS amount FROM app.orders GROUP BY customer",
    "materialized_view_index": "DROP INDEX app.sums_customer; CREATE INDEX sums_amount ON app.sums (amount)",
    "trigger_changed": "CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON app.customer FOR EACH ROW EXECUTE FUNCTION app.touch()",
    "trigger_disabled": "ALTER TABLE app.customer DISABLE TRIGGER touch",
    "trigger_on_partitioned": "CREATE FUNCTION app.quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t AFTER INSERT ON app.log FOR EACH ROW EXECUTE FUNCTION app.quiet()",
    "rule_changed": "CREATE OR REPLACE RULE quiet AS ON DELETE TO app.keyless DO ALSO NOTHING",
    "rule_dropped": "DROP RULE quiet ON app.keyless",
    "policy_changed": "ALTER POLICY own ON app.customer USING (balance > 5)",
    "policy_added": "CREATE POLICY more ON app.customer AS RESTRICTIVE TO diff_reader WITH CHECK (true)",
    # comments, owners, grants
    "comment_changed": "COMMENT ON TABLE app.customer IS 'the ones who pay'; COMMENT ON TRIGGER touch ON app.customer IS NULL",
    "comment_added": "COMMENT ON VIEW app.rich IS 'x'; COMMENT ON COLUMN app.orders.amount IS 'many'; COMMENT ON TYPE app.mood IS 'm'; COMMENT ON SCHEMA app IS 's'; "
                     "COMMENT ON CONSTRAINT has_at ON DOMAIN app.email IS 'd'; COMMENT ON POLICY own ON app.customer IS 'p'; COMMENT ON STATISTICS app.customer_stats IS 'st'",
    "owner_changed": "ALTER TABLE app.orders OWNER TO diff_owner; ALTER FUNCTION app.doubled(int) OWNER TO diff_owner; ALTER SCHEMA app OWNER TO diff_owner; ALTER TYPE app.mood OWNER TO diff_owner; ALTER VIEW app.rich OWNER TO diff_owner",
    "grants_changed": "REVOKE SELECT ON app.customer FROM diff_reader; GRANT INSERT ON app.customer TO diff_reader WITH GRANT OPTION; REVOKE GRANT OPTION FOR UPDATE (name) ON app.customer FROM diff_writer; "
                      "GRANT SELECT (note) ON app.customer TO PUBLIC; GRANT USAGE ON SEQUENCE app.numbers TO diff_reader; REVOKE USAGE ON TYPE app.mood FROM PUBLIC; GRANT ALL ON SCHEMA app TO diff_writer; "
                      "REVOKE EXECUTE ON FUNCTION app.doubled(int) FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.modern(int) TO PUBLIC",
}
