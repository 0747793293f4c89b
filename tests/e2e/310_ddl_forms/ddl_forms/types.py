"""Types, domains, sequences, extensions, foreign data."""
from .form import NOT_FOLLOWED, REFUSED, Form

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TABLE t ADD m mood DEFAULT 'ok'"
PAIR = "CREATE TYPE pair AS (a int, b text)"

FORMS = [
    Form("enum-create", "CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s'); CREATE TYPE nothing AS ENUM (); ALTER TABLE t ADD m mood DEFAULT 'ok'; UPDATE t SET m = 'it''s' WHERE id = 7"),
    Form("enum-add-value", "ALTER TYPE mood ADD VALUE 'great'; ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok'; ALTER TYPE mood ADD VALUE 'so so' AFTER 'sad'; ALTER TYPE mood ADD VALUE 'worst' BEFORE 'sad'", setup=MOOD,
         later="UPDATE t SET m = 'so so' WHERE id < 5; INSERT INTO t (id, m) VALUES (103, 'worst'), (104, 'great')"),
    Form("enum-add-value-in-transaction", "CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'great'; ALTER TABLE t ADD m mood; UPDATE t SET m = 'sad' WHERE id < 9", later="UPDATE t SET m = 'great' WHERE id < 5"),
    Form("enum-rename-value", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; UPDATE t SET m = 'blue' WHERE id = 7", setup=MOOD, before="UPDATE t SET m = 'sad' WHERE id < 5",
         later="UPDATE t SET m = 'ok' WHERE m = 'blue' AND id < 3"),
    Form("composite-create", "CREATE TYPE pair AS (a int, b text COLLATE \"C\"); CREATE TYPE empty AS (); ALTER TABLE t ADD p pair DEFAULT ROW(1, 'x'); UPDATE t SET p.b = 'y' WHERE id = 7"),
    Form("composite-alter", """ALTER TYPE pair ADD ATTRIBUTE c date; ALTER TYPE pair ALTER ATTRIBUTE b TYPE varchar(20), DROP ATTRIBUTE a; ALTER TYPE linked ADD ATTRIBUTE extra int CASCADE; UPDATE k SET extra = 5""",
         setup=PAIR + "; CREATE TYPE linked AS (id int, v text); CREATE TABLE k OF linked (PRIMARY KEY (id)); INSERT INTO k VALUES (1, 'x')"),
    Form("composite-rename-attribute", "ALTER TYPE pair RENAME ATTRIBUTE a TO first; UPDATE t SET p.first = 9 WHERE id = 7; ALTER TYPE linked RENAME ATTRIBUTE v TO w CASCADE; UPDATE k SET w = 'y'",
         setup=PAIR + "; ALTER TABLE t ADD p pair; CREATE TYPE linked AS (id int, v text); CREATE TABLE k OF linked (PRIMARY KEY (id)); INSERT INTO k VALUES (1, 'x')"),
    Form("range-create", "CREATE TYPE spans AS RANGE (subtype = float8, subtype_diff = float8mi); CREATE TYPE letters AS RANGE (subtype = text, collation = \"C\"); ALTER TABLE t ADD r spans, ADD l letters; UPDATE t SET r = '[1.5,2)', l = '[a,c]' WHERE id = 7"),
    Form("base-type", """CREATE TYPE number; CREATE FUNCTION number_in(cstring) RETURNS number LANGUAGE internal IMMUTABLE STRICT AS 'int4in'; CREATE FUNCTION number_out(number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
         CREATE TYPE number (INPUT = number_in, OUTPUT = number_out, LIKE = int4, CATEGORY = 'N'); CREATE FUNCTION number_recv(internal) RETURNS number LANGUAGE internal IMMUTABLE STRICT AS 'int4recv'; ALTER TYPE number SET (RECEIVE = number_recv);
         CREATE TABLE a (id int PRIMARY KEY, n number); INSERT INTO a VALUES (1, '55')""", later="UPDATE a SET n = '77'"),
    Form("type-rename", "ALTER TYPE mood RENAME TO feeling; ALTER TYPE pair SET SCHEMA {s}__to; ALTER TYPE feeling OWNER TO forms_owner; UPDATE t SET p = ROW(1, 'x') WHERE id = 7",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s} TO forms_owner; " + PAIR + "; ALTER TABLE t ADD p pair; " + MOOD, later="UPDATE t SET p.a = 4, m = 'sad' WHERE id = 8"),
    Form("type-drop", "DROP TYPE pair; DROP TYPE IF EXISTS pair; DROP TYPE mood CASCADE", setup=PAIR + "; " + MOOD, before="UPDATE t SET m = 'sad' WHERE id < 4"),
    Form("domain-create", "CREATE DOMAIN email AS text COLLATE \"C\" DEFAULT 'a@b' NOT NULL CONSTRAINT has_at CHECK (VALUE LIKE '%@%'); CREATE DOMAIN years AS int[] CHECK (VALUE[1] > 0); ALTER TABLE t ADD e email, ADD y years; UPDATE t SET e = 'x@y', y = '{3}' WHERE id = 7"),
    Form("domain-alter", """ALTER DOMAIN d SET DEFAULT 8; ALTER DOMAIN d ADD CONSTRAINT high CHECK (VALUE < 100) NOT VALID; ALTER DOMAIN d VALIDATE CONSTRAINT high; ALTER DOMAIN d RENAME CONSTRAINT high TO upper_limit; ALTER DOMAIN d DROP CONSTRAINT low;
         UPDATE t SET d = -5 WHERE id = 7; ALTER DOMAIN d DROP DEFAULT; ALTER DOMAIN e SET NOT NULL; ALTER DOMAIN e DROP NOT NULL; ALTER DOMAIN e RENAME TO e2; ALTER DOMAIN e2 OWNER TO forms_owner; ALTER DOMAIN e2 SET SCHEMA {s}__to""",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner; CREATE DOMAIN d AS int CONSTRAINT low CHECK (VALUE > 0); CREATE DOMAIN e AS text; ALTER TABLE t ADD d d"),
    Form("domain-drop", "DROP DOMAIN e; DROP DOMAIN IF EXISTS e; DROP DOMAIN d CASCADE", setup="CREATE DOMAIN d AS int; CREATE DOMAIN e AS text; ALTER TABLE t ADD d d", before="UPDATE t SET d = 3 WHERE id < 3"),
    Form("sequence-create", """CREATE SEQUENCE a AS smallint START 5 INCREMENT BY 3 MINVALUE 1 MAXVALUE 500 CACHE 7 CYCLE OWNED BY t.n; CREATE SEQUENCE IF NOT EXISTS a; CREATE SEQUENCE "B c" NO MINVALUE NO CYCLE;
         ALTER TABLE t ALTER n SET DEFAULT nextval('a'); INSERT INTO t (id) VALUES (201)"""),
    Form("sequence-alter", "ALTER SEQUENCE a AS bigint INCREMENT 2 MAXVALUE 9999999999 CACHE 3 CYCLE OWNED BY t.n; ALTER SEQUENCE a RESTART WITH 77; ALTER SEQUENCE IF EXISTS not_there CYCLE; ALTER SEQUENCE b OWNED BY NONE",
         setup="CREATE SEQUENCE a AS int; CREATE SEQUENCE b OWNED BY t.n"),
    Form("sequence-rename", "ALTER SEQUENCE a RENAME TO a2; ALTER SEQUENCE b SET SCHEMA {s}__to; ALTER SEQUENCE a2 OWNER TO forms_owner; ALTER TABLE c RENAME TO c2; INSERT INTO t (id) VALUES (201)",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s} TO forms_owner; CREATE SEQUENCE a; CREATE SEQUENCE b; CREATE SEQUENCE c; ALTER TABLE t ALTER n SET DEFAULT nextval('a')"),
    Form("sequence-unlogged", "CREATE UNLOGGED SEQUENCE a; ALTER SEQUENCE a INCREMENT 2; ALTER SEQUENCE a SET LOGGED", expect=REFUSED, reason="unlogged|does not exist|enters the WAL", only_source=("a",), since=15),
    Form("sequence-drop", "DROP SEQUENCE a, b; DROP SEQUENCE IF EXISTS a; DROP SEQUENCE c CASCADE", setup="CREATE SEQUENCE a; CREATE SEQUENCE b; CREATE SEQUENCE c; ALTER TABLE t ALTER n SET DEFAULT nextval('c')"),

    Form("extension-create", "CREATE EXTENSION hstore SCHEMA {s}; CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION citext WITH SCHEMA {s} VERSION '1.6'; ALTER TABLE t ADD h hstore DEFAULT 'a=>1', ADD c citext; UPDATE t SET c = 'X', h = h || 'b=>2' WHERE id = 7",
         later="INSERT INTO t (id, c) VALUES (103, 'CI'); UPDATE t SET h = 'c=>3' WHERE id = 8; DROP TABLE t; DROP EXTENSION citext; DROP EXTENSION hstore"),
    Form("extension-alter", "ALTER EXTENSION pg_trgm SET SCHEMA {s}__to; ALTER EXTENSION pg_trgm UPDATE TO '1.6'; CREATE INDEX ON t USING gin (v {s}__to.gin_trgm_ops)",
         setup="CREATE SCHEMA {s}__to; CREATE EXTENSION pg_trgm SCHEMA {s} VERSION '1.5'", later="INSERT INTO t VALUES (103, 'later'); DROP EXTENSION pg_trgm CASCADE"),
    Form("extension-members", "ALTER EXTENSION pgcrypto ADD FUNCTION f(); ALTER EXTENSION pgcrypto ADD TABLE k; ALTER EXTENSION pgcrypto DROP FUNCTION f(); ALTER EXTENSION pgcrypto DROP TABLE k; INSERT INTO k VALUES (1)",
         setup="CREATE EXTENSION pgcrypto SCHEMA {s}; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE k (id int PRIMARY KEY)", later="INSERT INTO k VALUES (2); DROP EXTENSION pgcrypto"),
    Form("extension-drop", "DROP EXTENSION fuzzystrmatch; DROP EXTENSION IF EXISTS fuzzystrmatch; DROP EXTENSION hstore CASCADE", before="UPDATE t SET h = 'a=>1' WHERE id < 3",
         setup="CREATE EXTENSION fuzzystrmatch SCHEMA {s}; CREATE EXTENSION hstore SCHEMA {s}; ALTER TABLE t ADD h hstore"),
    Form("foreign-server", """CREATE FOREIGN DATA WRAPPER {s}__w OPTIONS (a '1'); ALTER FOREIGN DATA WRAPPER {s}__w OPTIONS (SET a '2', ADD b '3'); CREATE SERVER {s}__s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER {s}__w OPTIONS (host 'h');
         ALTER SERVER {s}__s VERSION '2' OPTIONS (DROP host); ALTER SERVER {s}__s RENAME TO {s}__n; ALTER SERVER {s}__n OWNER TO forms_owner; CREATE SERVER IF NOT EXISTS {s}__b FOREIGN DATA WRAPPER {s}__w; DROP SERVER {s}__b; DROP FOREIGN DATA WRAPPER {s}__a""",
         setup="CREATE FOREIGN DATA WRAPPER {s}__a; GRANT USAGE ON FOREIGN DATA WRAPPER {s}__a TO forms_owner", expect=NOT_FOLLOWED, only_source=("{s}__w", "{s}__n")),
    Form("foreign-table", "CREATE FOREIGN TABLE a (id int, v text) SERVER {s}__s OPTIONS (x '1'); ALTER FOREIGN TABLE a ADD n int, ALTER v OPTIONS (y '2'); ALTER FOREIGN TABLE a RENAME TO b; COMMENT ON FOREIGN TABLE b IS 'far'; DROP FOREIGN TABLE gone",
         setup="CREATE FOREIGN DATA WRAPPER {s}__w; CREATE SERVER {s}__s FOREIGN DATA WRAPPER {s}__w; CREATE FOREIGN TABLE gone (id int) SERVER {s}__s", expect=NOT_FOLLOWED, only_source=("{s}__w", "{s}__s", "b")),
    Form("user-mapping", "CREATE USER MAPPING FOR CURRENT_USER SERVER {s}__s OPTIONS (user 'u', password 'very secret')", expect=NOT_FOLLOWED,
         setup="CREATE FOREIGN DATA WRAPPER {s}__w; CREATE SERVER {s}__s FOREIGN DATA WRAPPER {s}__w", only_source=("{s}__w", "{s}__s")),
]
