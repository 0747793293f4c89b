"""Functions, procedures, aggregates, languages."""
from .form import Form

FORMS = [
    Form("function-create", """CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b'; CREATE FUNCTION touch(key bigint) RETURNS void LANGUAGE plpgsql AS $f$
         DECLARE it t%ROWTYPE; BEGIN SELECT * INTO it FROM t WHERE id = key; UPDATE t SET v = 'touched ' || it.v WHERE id = key; END $f$; SELECT touch(7); UPDATE t SET n = add(n, 1) WHERE id = 8"""),
    Form("function-or-replace", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'; CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'; UPDATE t SET n = f() WHERE id = 7",
         setup="CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    Form("function-sql-body", "CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a * 2; CREATE FUNCTION names() RETURNS SETOF text BEGIN ATOMIC SELECT v FROM t WHERE n > 3; END; UPDATE t SET n = twice(n) WHERE id = 7",
         since=14),
    Form("function-options", """CREATE FUNCTION safe() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '8MB' STABLE STRICT LEAKPROOF PARALLEL SAFE COST 5 AS 'SELECT 1';
         CREATE FUNCTION many() RETURNS SETOF int LANGUAGE sql ROWS 50 VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED AS 'SELECT 1'"""),
    Form("function-arguments", """CREATE FUNCTION a(x int DEFAULT 3, VARIADIC rest text[] DEFAULT '{}') RETURNS int LANGUAGE sql AS 'SELECT x'; CREATE FUNCTION b(OUT one int, OUT two text) LANGUAGE sql AS $$SELECT 1, 'two'$$;
         CREATE FUNCTION c(it t) RETURNS TABLE (id bigint, e mood) LANGUAGE sql AS $$SELECT it.id, 'sad'::mood$$; CREATE FUNCTION d(t.v%TYPE, INOUT y mood[] = '{sad}') LANGUAGE sql AS 'SELECT y'; CREATE FUNCTION e(anyelement) RETURNS anyarray LANGUAGE sql AS 'SELECT ARRAY[$1]'""",
         setup="CREATE TYPE mood AS ENUM ('sad', 'ok')"),
    Form("function-alter", """ALTER FUNCTION f(int) IMMUTABLE STRICT COST 7; ALTER FUNCTION f(int) SET work_mem = '9MB'; ALTER FUNCTION f(int) RESET work_mem; ALTER FUNCTION f(int) RENAME TO g; ALTER FUNCTION g OWNER TO forms_owner;
         ALTER FUNCTION g(int) SET SCHEMA {s}__to; ALTER FUNCTION h() DEPENDS ON EXTENSION plpgsql; ALTER FUNCTION h() NO DEPENDS ON EXTENSION plpgsql""",
         setup="""CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'; CREATE FUNCTION h() RETURNS int LANGUAGE sql AS 'SELECT 1'"""),
    Form("function-drop", "DROP FUNCTION f(int); DROP FUNCTION IF EXISTS f(int); DROP FUNCTION g; DROP FUNCTION h(int), h(text); DROP FUNCTION used(text) CASCADE",
         setup="""CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION g(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
                  CREATE FUNCTION h(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION h(text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION used(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
                  CREATE INDEX t_used ON t (used(v)); CREATE VIEW w AS SELECT used(v) FROM t"""),
    Form("procedure-create", "CREATE PROCEDURE p(a int, INOUT b text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET v = 'by procedure' WHERE id = a; b := 'done'; END $$; CALL p(7); CREATE OR REPLACE PROCEDURE p(a int, INOUT b text DEFAULT NULL) LANGUAGE sql AS 'SELECT 1::text'"),
    Form("procedure-alter", "ALTER PROCEDURE p(int) SECURITY DEFINER SET search_path = pg_catalog; ALTER PROCEDURE p(int) RENAME TO q; ALTER ROUTINE q(int) RENAME TO r; ALTER ROUTINE r OWNER TO forms_owner",
         setup="GRANT ALL ON SCHEMA {s} TO forms_owner; CREATE PROCEDURE p(int) LANGUAGE sql AS 'SELECT 1'"),
    Form("procedure-drop", "DROP PROCEDURE p(int); DROP PROCEDURE IF EXISTS p(int); DROP ROUTINE q, f(int)",
         setup="CREATE PROCEDURE p(int) LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE q() LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    Form("aggregate-create", """CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0', parallel = safe); CREATE OR REPLACE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '5', combinefunc = int4pl);
         CREATE FUNCTION keep(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, $2)'; CREATE AGGREGATE first_one(text ORDER BY text) (sfunc = keep, stype = text); CREATE AGGREGATE old_style (basetype = int, sfunc = int4pl, stype = int);
         UPDATE t SET n = (SELECT total(n) FROM t WHERE id < 5) WHERE id = 7"""),
    Form("aggregate-alter", "ALTER AGGREGATE total(int) RENAME TO sum_up; ALTER AGGREGATE sum_up(int) OWNER TO forms_owner; ALTER AGGREGATE sum_up(int) SET SCHEMA {s}__to",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner; CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0')"),
    Form("aggregate-drop", "DROP AGGREGATE total(int); DROP AGGREGATE IF EXISTS total(int); DROP AGGREGATE other(int) CASCADE",
         setup="CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int); CREATE AGGREGATE other(int) (sfunc = int4pl, stype = int); CREATE VIEW w AS SELECT other(n) FROM t"),
    Form("language-create", """CREATE LANGUAGE {s} HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator; CREATE FUNCTION f() RETURNS int LANGUAGE {s} AS 'BEGIN RETURN 1; END';
         CREATE OR REPLACE TRUSTED LANGUAGE {s}__b HANDLER plpgsql_call_handler; ALTER LANGUAGE {s}__b RENAME TO {s}__c; ALTER LANGUAGE {s}__c OWNER TO forms_owner; DROP LANGUAGE {s}__a CASCADE""",
         setup="CREATE LANGUAGE {s}__a HANDLER plpgsql_call_handler; CREATE FUNCTION g() RETURNS int LANGUAGE {s}__a AS 'BEGIN RETURN 1; END'"),
    Form("transform-create", """CREATE TRANSFORM FOR box3 LANGUAGE plpgsql (FROM SQL WITH FUNCTION from_sql(internal)); CREATE OR REPLACE TRANSFORM FOR box3 LANGUAGE sql (FROM SQL WITH FUNCTION from_sql(internal)); DROP TRANSFORM FOR box3 LANGUAGE sql""",
         setup="CREATE TYPE box3 AS (a int); CREATE FUNCTION from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype'"),
]
