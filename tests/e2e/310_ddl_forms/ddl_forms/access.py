"""Comments, grants, owners."""
from .form import NOT_FOLLOWED, Form

FORMS = [
    Form("comment-table", """COMMENT ON TABLE t IS 'it''s a table'; COMMENT ON COLUMN t.v IS E'two\\nlines'; COMMENT ON CONSTRAINT t_pkey ON t IS 'key'; COMMENT ON INDEX t_v IS 'index'; COMMENT ON TRIGGER g ON t IS 'trigger'; COMMENT ON RULE r ON w IS 'rule';
         COMMENT ON POLICY p ON t IS 'policy'; COMMENT ON SEQUENCE q IS 'sequence'; COMMENT ON VIEW w IS 'view'; COMMENT ON MATERIALIZED VIEW m IS 'matview'; COMMENT ON COLUMN w.v IS 'column of a view'""",
         setup="""CREATE INDEX t_v ON t (v); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE VIEW w AS SELECT * FROM t;
                  CREATE RULE r AS ON DELETE TO w DO INSTEAD NOTHING; CREATE POLICY p ON t USING (true); CREATE SEQUENCE q; CREATE MATERIALIZED VIEW m AS SELECT 1"""),
    Form("comment-other", """COMMENT ON SCHEMA {s} IS 'schema'; COMMENT ON FUNCTION f(int) IS 'function'; COMMENT ON PROCEDURE p() IS 'procedure'; COMMENT ON ROUTINE f(int) IS 'routine'; COMMENT ON AGGREGATE total(int) IS 'aggregate'; COMMENT ON TYPE mood IS 'type';
         COMMENT ON DOMAIN d IS 'domain'; COMMENT ON CONSTRAINT dc ON DOMAIN d IS 'domain constraint'; COMMENT ON OPERATOR === (int, int) IS 'operator'; COMMENT ON CAST (mood AS own) IS 'cast'; COMMENT ON COLLATION c IS 'collation'; COMMENT ON STATISTICS st IS 'statistics';
         COMMENT ON TEXT SEARCH CONFIGURATION ts IS 'configuration'; COMMENT ON EXTENSION plpgsql IS 'language'; COMMENT ON LANGUAGE plpgsql IS 'PL'; COMMENT ON CONVERSION cv IS 'conversion'""",
         setup="""CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int); CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE own AS (a int);
                  CREATE DOMAIN d AS text CONSTRAINT dc CHECK (VALUE <> ''); CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); CREATE CAST (mood AS own) WITH INOUT; CREATE COLLATION c FROM "C"; CREATE STATISTICS st ON v, n FROM t;
                  CREATE TEXT SEARCH CONFIGURATION ts (COPY = simple); CREATE CONVERSION cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"""),
    Form("comment-remove", "COMMENT ON TABLE t IS NULL; COMMENT ON COLUMN t.v IS ''; COMMENT ON SCHEMA {s} IS NULL", setup="COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN t.v IS 'x'; COMMENT ON SCHEMA {s} IS 'x'"),
    Form("comment-shared", "COMMENT ON ROLE forms_owner IS 'a role'; COMMENT ON TABLESPACE pg_default IS 'space'", expect=NOT_FOLLOWED),
    Form("comment-large-object", "SELECT lo_create(4711); COMMENT ON LARGE OBJECT 4711 IS 'large'", expect=NOT_FOLLOWED, later="SELECT lo_unlink(4711); INSERT INTO t VALUES (103)"),
    Form("security-label", "SECURITY LABEL ON TABLE t IS 'secret'", unavailable="no label provider is part of a PostgreSQL installation"),
    Form("grant-table", """GRANT SELECT, INSERT ON t TO forms_reader; GRANT UPDATE (v), REFERENCES (id) ON TABLE t TO forms_writer, PUBLIC; GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA {s} TO forms_owner; GRANT TRIGGER ON t TO CURRENT_USER;
         CREATE VIEW w AS SELECT * FROM t; GRANT SELECT ON w TO forms_reader"""),
    Form("grant-other", """GRANT USAGE, CREATE ON SCHEMA {s} TO forms_reader; GRANT USAGE ON SEQUENCE q TO forms_reader; GRANT ALL ON ALL SEQUENCES IN SCHEMA {s} TO forms_writer; GRANT EXECUTE ON FUNCTION f(int) TO forms_reader; REVOKE ALL ON FUNCTION f(int) FROM PUBLIC;
         GRANT EXECUTE ON PROCEDURE p() TO forms_reader; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {s} TO forms_writer; GRANT USAGE ON TYPE mood TO forms_reader; GRANT USAGE ON DOMAIN d TO forms_reader; GRANT USAGE ON LANGUAGE plpgsql TO forms_reader;
         GRANT USAGE ON FOREIGN DATA WRAPPER {s}__w TO forms_reader; GRANT USAGE ON FOREIGN SERVER {s}__s TO forms_reader""",
         setup="""CREATE SEQUENCE q; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN d AS text;
                  CREATE FOREIGN DATA WRAPPER {s}__w; CREATE SERVER {s}__s FOREIGN DATA WRAPPER {s}__w""", only_source=("{s}__w", "{s}__s")),
    Form("grant-option", "GRANT SELECT ON t TO forms_owner WITH GRANT OPTION; SET LOCAL ROLE forms_owner; GRANT SELECT ON t TO forms_reader; RESET ROLE; GRANT INSERT ON t TO forms_writer GRANTED BY CURRENT_USER",
         setup="GRANT USAGE ON SCHEMA {s} TO forms_owner", since=14),
    Form("grant-revoke", "REVOKE INSERT ON t FROM forms_reader; REVOKE GRANT OPTION FOR SELECT ON t FROM forms_owner CASCADE; REVOKE ALL ON SCHEMA {s} FROM forms_writer; REVOKE UPDATE (v) ON t FROM forms_writer RESTRICT",
         setup="""GRANT SELECT, INSERT ON t TO forms_reader; GRANT SELECT ON t TO forms_owner WITH GRANT OPTION; GRANT USAGE ON SCHEMA {s} TO forms_owner, forms_writer; GRANT UPDATE (v) ON t TO forms_writer; SET ROLE forms_owner; GRANT SELECT ON t TO forms_reader; RESET ROLE"""),
    Form("grant-default-privileges", """ALTER DEFAULT PRIVILEGES IN SCHEMA {s} GRANT SELECT ON TABLES TO forms_reader; ALTER DEFAULT PRIVILEGES IN SCHEMA {s} GRANT EXECUTE ON FUNCTIONS TO forms_writer; CREATE TABLE a (id int PRIMARY KEY);
         ALTER DEFAULT PRIVILEGES FOR ROLE forms_owner IN SCHEMA {s} GRANT ALL ON SEQUENCES TO forms_writer; ALTER DEFAULT PRIVILEGES IN SCHEMA {s} REVOKE SELECT ON TABLES FROM forms_reader; CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)"""),
    Form("grant-database", "GRANT CREATE ON TABLESPACE pg_default TO forms_reader; REVOKE CREATE ON TABLESPACE pg_default FROM forms_reader; GRANT TEMPORARY ON DATABASE postgres TO forms_reader; REVOKE TEMPORARY ON DATABASE postgres FROM forms_reader", expect=NOT_FOLLOWED),
    Form("owner-drop-owned", "DROP OWNED BY {s}__role CASCADE", setup="""CREATE TABLE mine (id int PRIMARY KEY); CREATE VIEW w AS SELECT * FROM mine; ALTER TABLE mine OWNER TO {s}__role; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         ALTER FUNCTION f() OWNER TO {s}__role; GRANT SELECT ON t TO {s}__role""", before="INSERT INTO mine VALUES (1); INSERT INTO t VALUES (101)", differs=("t",)),
    Form("owner-reassign-owned", "REASSIGN OWNED BY {s}__role TO forms_owner", setup="CREATE TABLE mine (id int PRIMARY KEY); ALTER TABLE mine OWNER TO {s}__role", expect=NOT_FOLLOWED, differs=("mine", "mine mine_pkey")),
]
