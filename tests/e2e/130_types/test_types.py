# A value that changes on its way: rounded, re-encoded, taken for NULL, or bound to an OID that means something else there.
import pytest

USER_TYPES = """
CREATE EXTENSION hstore;
CREATE SCHEMA "Own Types";
CREATE TYPE "Own Types"."Mood" AS ENUM ('sad', 'it''s "ok"', 'größe', ' ');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(10) COLLATE "C";
CREATE TYPE pt AS (x float8, "y y" text);
CREATE TYPE nested AS (p pt, list pt[], m "Own Types"."Mood", n numeric);
CREATE DOMAIN checked AS pt CHECK (VALUE IS NULL OR (VALUE).x IS NOT NULL);
CREATE DOMAIN numbers AS int[];
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE referenced (id int PRIMARY KEY);
"""

# type, literals; NULL is added to every list.
VALUES = [
    ("bool", ["true", "false"]),
    ("int2", ["-32768", "0", "32767"]), ("int4", ["-2147483648", "2147483647"]), ("int8", ["-9223372036854775808", "9223372036854775807"]),
    ("float4", ["0", "-0", "NaN", "Infinity", "-Infinity", "3.4028235e38", "1e-45", "0.1", "16777217"]),
    ("float8", ["0", "-0", "NaN", "Infinity", "-Infinity", "1.7976931348623157e308", "5e-324", "0.1", "0.30000000000000004", "2.2250738585072014e-308"]),
    ("numeric", ["0", "0.00", "-0.000", "NaN", "Infinity", "-Infinity", "1" + "0" * 1000, "1e131071", "1e-16383", "-12345678901234567890.123456789012345678901234567890", "0.1", "10000", "9999.9999"]),
    ("numeric(10,4)", ["0", "-999999.9999", "1.5"]), ("numeric(3,-2)", ["12300"]), ("money", ["-92233720368547758.08", "0", "92233720368547758.07"]),
    ("text", ["", " ", "NULL", "\\N", "\\", "tab\tnew\nline\rreturn", "'quote\"", "ü€𝄞", "a" * 3000, "{}", "()"]),
    ("varchar(5)", ["", "abc  ", "üüüüü"]), ("char(5)", ["", "a", "ab c "]), ("char", ["x"]), ('"char"', ["a", "", "\\377"]), ("name", ["x" * 63, ""]),
    ("bytea", ["\\x", "\\x00", "\\x5c275c22ff00", "\\x" + "ab" * 5000]),
    ("date", ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2000-01-01", "1999-12-31", "0001-12-31 BC"]),
    ("time", ["00:00:00", "24:00:00", "23:59:59.999999"]), ("time(2)", ["12:00:00.25"]),
    ("timetz", ["00:00:00+15:59:59", "24:00:00-15:59:59", "12:34:56.789012+05:45"]),
    ("timestamp", ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "2000-01-01 00:00:00", "1999-12-31 23:59:59.999999"]),
    ("timestamptz", ["infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "2024-03-31 02:30:00 Europe/Berlin"]),
    ("interval", ["0", "-178000000 years", "178000000 years", "1 mon -1 day 00:00:00.000001", "-1 year +2 mons -3 days 04:05:06.789", "PT2562047788H54.775807S"]),
    ("interval hour to minute", ["12:34"]),
    ("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
    ("inet", ["0.0.0.0", "192.168.1.5/24", "::", "2001:db8::1/64", "::ffff:1.2.3.4"]), ("cidr", ["10.0.0.0/8", "::/0", "2001:db8::/32"]),
    ("macaddr", ["08:00:2b:01:02:03"]), ("macaddr8", ["08:00:2b:01:02:03:04:05"]),
    ("bit(9)", ["000000000", "101010101"]), ("bit varying", ["", "1", "0" * 1000 + "1"]), ("bit varying(7)", ["1010101"]),
    ("json", ['{"a":  1, "a": 2, "b": [1,  null]}', "null", '"\\u00e9"', " 1 "]), ("jsonb", ['{"a": 1, "b": [1, null, 1.50]}', "null", '""', "1e400"]),
    ("jsonpath", ['$."a"[*] ? (@ > 1)', "strict $"]), ("xml", ["<a b=\"c\">ü</a>", "", "x<!-- y -->"]),
    ("tsvector", ["'a':1A,3 'b c':2B", ""]), ("tsquery", ["'a' & !'b c':*A | ('d' <-> 'e')", ""]),
    ("point", ["(1.5,-2)", "(NaN,Infinity)", "(0.1,0.30000000000000004)"]), ("line", ["{1,-1,0}"]), ("lseg", ["[(0,0),(1,1)]"]), ("box", ["(1,1),(0,0)"]),
    ("path", ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"]), ("polygon", ["((0,0),(1,1),(2,0))"]), ("circle", ["<(0,0),1>"]),
    ("pg_lsn", ["0/0", "FFFFFFFF/FFFFFFFF"]), ("pg_snapshot", ["10:20:10,14,15"]), ("txid_snapshot", ["10:20:10,14,15"]),
    ("oid", ["0", "4294967295"]), ("xid", ["0", "4294967295"]), ("xid8", ["18446744073709551615"]), ("cid", ["4294967295"]), ("tid", ["(4294967295,65535)"]),
    ("oidvector", ["", "1 2 4294967295"]), ("int2vector", ["", "1 -2 3"]), ("refcursor", ["c"]), ("aclitem", ["postgres=arwdDxt/postgres"]),
    ("regclass", ["referenced", "pg_class"]), ("regtype", ["pt", '"Own Types"."Mood"', "numeric[]"]), ("regproc", ["now"]), ("regprocedure", ["abs(numeric)"]),
    ("regoper", ["||/"]), ("regoperator", ["+(int4,int4)"]), ("regrole", ["postgres"]), ("regnamespace", ['"Own Types"', "pg_catalog"]), ("regconfig", ["english"]),
    ("regdictionary", ["simple"]), ("regcollation", ['"C"']),
    ("int4range", ["empty", "(,)", "[1,10)", "[-2147483648,)"]), ("int8range", ["[9223372036854775806,9223372036854775807)"]), ("numrange", ["(NaN,)", "[1.10,2.200]", "(,Infinity]"]),
    ("tsrange", ["[-infinity,infinity]", '("2024-01-01 00:00:00","2024-01-01 00:00:00.000001"]']), ("tstzrange", ["[2024-01-01 00:00+00,)"]), ("daterange", ["[4713-01-01 BC,2024-01-01)"]),
    ("int4multirange", ["{}", "{[1,3),[5,)}"]), ("nummultirange", ["{(,1.50],[2,NaN]}"]), ("tstzmultirange", ["{[2024-01-01 00:00+00,2024-02-01 00:00+00)}"]),
    ("int4[]", ["{}", "{1,NULL,-3}", "{{1,2},{3,4}}", "[0:1][-2:-1]={{1,2},{3,4}}", "{{{{1}}}}"]), ("text[]", ['{"",NULL,"NULL","a,b","{}","\\"","\\\\",ü}', "{}"]),
    ("bytea[]", ['{"\\\\x00ff",NULL}']), ("numeric[]", ["{NaN,1.10,Infinity}"]), ("timestamptz[]", ['{infinity,"2024-01-01 00:00:00+00"}']), ("jsonb[]", ['{"{\\"a\\": [1, \\"x\\"]}",null}']),
    ("float8[]", ["{-0,NaN,5e-324}"]), ("bool[]", ["{t,f,NULL}"]), ("uuid[]", ["{00000000-0000-0000-0000-000000000000}"]), ("box[]", ["{(1,1),(0,0);(2,2),(1,1)}"]), ("varchar(3)[]", ["{abc,NULL}"]),
    ("int4range[]", ['{"[1,2)",empty}']), ("regclass[]", ["{referenced,pg_class}"]), ("bit(3)[]", ["{101,000}"]),
    ('"Own Types"."Mood"', ["sad", 'it\'s "ok"', "größe", " "]), ('"Own Types"."Mood"[]', ['{sad,"it\'s \\"ok\\"",NULL," "}']),
    ("positive", ["1"]), ("positive[]", ["{1,2}"]), ("code", ["", "abc"]), ("numbers", ["{1,NULL}", "{}"]), ("checked", ['(1,"a b")']),
    ("pt", ["(,)", '(1.5,"a ""b"", (c)")', '(NaN,"")', '(-0,"\\\\")']), ("pt[]", ['{"(1,a)",NULL,"(,\\"x y\\")"}', '{{"(1,a)"},{"(2,b)"}}']),
    ("nested", ['("(1,a)","{""(2,b)"",NULL}",sad,NaN)', "(,,,)"]), ("floats", ["[0.1,0.30000000000000004)", "empty"]), ("floats[]", ['{"[1,2)"}']),
    ("hstore", ['"a"=>"1", "b"=>NULL, "c d"=>"e\\"f"', ""]), ("hstore[]", ['{"\\"a\\"=>\\"1\\"",NULL}']),
]


def sql_text(value):
    return "'" + value.replace("'", "''") + "'"


def script(prefix, filled):
    parts = []
    for i, (type_name, values) in enumerate(VALUES):
        table = f"{prefix}_{i:03}"
        parts.append(f"CREATE TABLE {table} (id int PRIMARY KEY, v {type_name}); COMMENT ON TABLE {table} IS {sql_text(type_name)};")
        if filled:
            rows = ", ".join(f"({n}, {sql_text(v)}::{type_name})" for n, v in enumerate(values))
            parts.append(f"INSERT INTO {table} VALUES {rows}, (1000, NULL);")
    return "\n".join(parts)


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_every_type_arrives_as_it_left(pair, bulk):
    pair.source.psql(USER_TYPES + script("copied", True) + script("streamed", False))
    # OIDs that differ on the two sides: a value sent as a local OID would show.
    pair.target.psql("CREATE TABLE shift_the_oids (a int, b text); CREATE TYPE shift AS ENUM ('a');")
    applier = pair.run(apply={"bulk": bulk})
    pair.compare()
    tables = [f"streamed_{i:03}" for i in range(len(VALUES))]
    pair.source.psql("\n".join(f"INSERT INTO {t} SELECT * FROM {t.replace('streamed', 'copied')};" for t in tables))
    applier.wait_caught_up()
    pair.compare()
    # Updates carry every value through the update's own way of binding; each row takes its neighbour's value.
    pair.source.psql("\n".join(f"BEGIN; UPDATE {t} SET v = (SELECT v FROM {c} WHERE {c}.id > {t}.id ORDER BY id LIMIT 1) WHERE id < 1000; "
                               f"DELETE FROM {t} WHERE id = 1000; COMMIT;" for t, c in ((t, t.replace("streamed", "copied")) for t in tables)))
    applier.wait_caught_up()
    pair.compare()


def test_full_identity_finds_rows_of_every_type(pair):
    """The old row is compared value by value: types without an equality (json, xml, point) included."""
    full = "\n".join(f"ALTER TABLE streamed_{i:03} DROP CONSTRAINT streamed_{i:03}_pkey; ALTER TABLE streamed_{i:03} REPLICA IDENTITY FULL;" for i in range(len(VALUES)))
    pair.source.psql(USER_TYPES + script("streamed", True) + full)
    applier = pair.run()
    pair.source.psql("\n".join(f"UPDATE streamed_{i:03} SET id = id + 1 WHERE id % 2 = 0; DELETE FROM streamed_{i:03} WHERE id = 1;" for i in range(len(VALUES))))
    applier.wait_caught_up()
    pair.compare()


def test_values_of_keys_of_many_types(pair):
    """A key is looked up by the target's own equality for its type."""
    keys = [(i, t, [v for v in values]) for i, (t, values) in enumerate(VALUES)
            if t in ("int2", "int8", "float8", "numeric", "text", "varchar(5)", "char(5)", "bytea", "date", "timestamp", "timestamptz", "time", "timetz",
                     "interval", "uuid", "inet", "bit(9)", "jsonb", "int4[]", "text[]", "pt", '"Own Types"."Mood"', "int4range", "positive", "code", "macaddr",
                     '"Own Types"."Mood"[]', "name", "pg_lsn", "money", "regclass", "oid", "floats", "tsvector", "hstore")]
    parts = []
    for i, t, values in keys:
        parts.append(f"CREATE TABLE k_{i:03} (k {t} PRIMARY KEY, n int);")
        for n, v in enumerate(values):
            parts.append(f"INSERT INTO k_{i:03} VALUES ({sql_text(v)}, {n}) ON CONFLICT DO NOTHING;")
    pair.source.psql(USER_TYPES + "\n".join(parts))
    applier = pair.run()
    pair.source.psql("\n".join(f"UPDATE k_{i:03} SET n = n + 100; DELETE FROM k_{i:03} WHERE n = 100;" for i, _, _ in keys))
    applier.wait_caught_up()
    pair.compare()
