"""Operators, casts, conversions, collations, text search, statistics."""
from .form import Form

EQUAL = """CREATE TYPE pair AS (a int, b int); CREATE FUNCTION pair_eq(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a = $2.a AND $1.b = $2.b';
CREATE FUNCTION pair_lt(pair, pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a < $2.a'"""
OPERATORS = EQUAL + """; CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_eq, COMMUTATOR = ===);
CREATE OPERATOR <<< (LEFTARG = pair, RIGHTARG = pair, PROCEDURE = pair_lt)"""
CLASS = "CREATE FUNCTION pair_hash(pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.a'"

FORMS = [
    Form("operator-create", """CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_eq, COMMUTATOR = ===, NEGATOR = !==, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
         CREATE OPERATOR {s}.@#@ (RIGHTARG = int, PROCEDURE = int4abs); UPDATE t SET n = 9 WHERE ROW(n, 1)::pair OPERATOR({s}.===) ROW(7, 1)::pair""", setup=EQUAL),
    Form("operator-alter", "ALTER OPERATOR === (pair, pair) OWNER TO forms_owner; ALTER OPERATOR <<< (pair, pair) SET (RESTRICT = scalarltsel, JOIN = NONE); ALTER OPERATOR === (pair, pair) SET SCHEMA {s}__to",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner;" + OPERATORS),
    Form("operator-drop", "DROP OPERATOR === (pair, pair), <<< (pair, pair); DROP OPERATOR IF EXISTS === (pair, pair)", setup=OPERATORS),
    Form("operator-class", """CREATE OPERATOR CLASS pair_ops FOR TYPE pair USING hash AS OPERATOR 1 ===, FUNCTION 1 pair_hash(pair); ALTER OPERATOR CLASS pair_ops USING hash RENAME TO pair_hash_ops;
         CREATE INDEX k_p ON k USING hash (p pair_hash_ops); INSERT INTO k VALUES (2, (3, 4)); DROP OPERATOR CLASS gone USING hash""",
         setup=OPERATORS + ";" + CLASS + """; CREATE TABLE k (id int PRIMARY KEY, p pair); INSERT INTO k VALUES (1, (1, 2)); CREATE OPERATOR FAMILY gone USING hash;
                  CREATE OPERATOR CLASS gone FOR TYPE pair USING hash FAMILY gone AS OPERATOR 1 ===, FUNCTION 1 pair_hash(pair)"""),
    Form("operator-family", """CREATE OPERATOR FAMILY fam USING hash; ALTER OPERATOR FAMILY fam USING hash ADD OPERATOR 1 === (pair, pair), FUNCTION 1 (pair, pair) pair_hash(pair);
         ALTER OPERATOR FAMILY fam USING hash DROP OPERATOR 1 (pair, pair); ALTER OPERATOR FAMILY fam USING hash RENAME TO fam2; CREATE OPERATOR FAMILY fam3 USING btree; DROP OPERATOR FAMILY fam3 USING btree""",
         setup=OPERATORS + ";" + CLASS),
    Form("access-method", "CREATE ACCESS METHOD {s} TYPE INDEX HANDLER bthandler; CREATE ACCESS METHOD {s}__h TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE a (id int PRIMARY KEY) USING {s}__h; INSERT INTO a VALUES (1); DROP ACCESS METHOD {s}"),
    Form("cast-create", "CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair) AS ASSIGNMENT; CREATE CAST (text AS pair) WITH INOUT; CREATE CAST (same AS other) WITHOUT FUNCTION AS IMPLICIT; UPDATE t SET v = ROW(1, 2)::pair::text WHERE id = 7",
         setup="""CREATE TYPE pair AS (a int, b int); CREATE TYPE other AS RANGE (subtype = int); CREATE TYPE same AS RANGE (subtype = int);
                  CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1.a || '/' || $1.b$$"""),
    Form("cast-drop", "DROP CAST (pair AS text); DROP CAST IF EXISTS (pair AS text)", setup="""CREATE TYPE pair AS (a int, b int);
         CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1.a || '/' || $1.b$$; CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair)"""),
    Form("conversion", "CREATE DEFAULT CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; ALTER CONVERSION c RENAME TO d; ALTER CONVERSION d OWNER TO forms_owner; DROP CONVERSION e",
         setup="GRANT ALL ON SCHEMA {s} TO forms_owner; CREATE CONVERSION e FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    Form("collation-create", """CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE COLLATION plain FROM "C"; CREATE COLLATION IF NOT EXISTS plain (locale = 'C');
         CREATE TABLE a (id int PRIMARY KEY, v text COLLATE nocase UNIQUE); INSERT INTO a VALUES (1, 'Abc'), (2, 'other')""", later="UPDATE a SET v = 'ABC' WHERE id = 1; INSERT INTO a VALUES (3, 'third')"),
    Form("collation-alter", "ALTER COLLATION c RENAME TO d; ALTER COLLATION d OWNER TO forms_owner; ALTER COLLATION d REFRESH VERSION; ALTER COLLATION d SET SCHEMA {s}__to",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner; CREATE COLLATION c (provider = icu, locale = 'de')"),
    Form("collation-drop", "DROP COLLATION c; DROP COLLATION IF EXISTS c; DROP COLLATION d CASCADE", setup="CREATE COLLATION c FROM \"C\"; CREATE COLLATION d FROM \"C\"; ALTER TABLE t ADD x text COLLATE d"),
    Form("text-search-configuration", """CREATE TEXT SEARCH CONFIGURATION c (COPY = simple); ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR asciiword, word WITH english_stem; ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING IF EXISTS FOR url;
         ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR url WITH simple; ALTER TEXT SEARCH CONFIGURATION c RENAME TO own; CREATE INDEX ON t USING gin (to_tsvector('{s}.own', v)); DROP TEXT SEARCH CONFIGURATION gone""",
         setup="CREATE TEXT SEARCH CONFIGURATION gone (PARSER = \"default\")"),
    Form("text-search-dictionary", "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = snowball, language = german, stopwords = german); ALTER TEXT SEARCH DICTIONARY d (stopwords); ALTER TEXT SEARCH DICTIONARY d RENAME TO de; DROP TEXT SEARCH DICTIONARY gone",
         setup="CREATE TEXT SEARCH DICTIONARY gone (TEMPLATE = simple)"),
    Form("text-search-parser", """CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline); ALTER TEXT SEARCH PARSER p RENAME TO p2;
         CREATE TEXT SEARCH TEMPLATE m (INIT = dsimple_init, LEXIZE = dsimple_lexize); ALTER TEXT SEARCH TEMPLATE m RENAME TO m2; DROP TEXT SEARCH TEMPLATE gone""",
         setup="CREATE TEXT SEARCH TEMPLATE gone (LEXIZE = dsimple_lexize)"),
    Form("statistics-create", "CREATE STATISTICS s (dependencies, ndistinct) ON v, n FROM t; CREATE STATISTICS IF NOT EXISTS s ON id, n FROM t; CREATE STATISTICS e ON (n + 1), lower(v) FROM t", since=14),
    Form("statistics-alter", "ALTER STATISTICS s SET STATISTICS 200; ALTER STATISTICS s RENAME TO s2; ALTER STATISTICS s2 OWNER TO forms_owner; ALTER STATISTICS s2 SET SCHEMA {s}__to",
         setup="CREATE SCHEMA {s}__to; GRANT ALL ON SCHEMA {s}, {s}__to TO forms_owner; CREATE STATISTICS s ON v, n FROM t; ALTER TABLE t OWNER TO forms_owner"),
    Form("statistics-drop", "DROP STATISTICS s; DROP STATISTICS IF EXISTS s", setup="CREATE STATISTICS s ON v, n FROM t"),
]
