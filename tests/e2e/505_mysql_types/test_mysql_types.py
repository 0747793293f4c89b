# A value that changes on its way to MySQL: rounded, cut, shifted by a time zone, folded by a collation, or replaced by a default.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.mysql_policies import with_policy

USER_TYPES = """
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'größe', 'SAD', ' ');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(10) COLLATE "C";
CREATE DOMAIN price AS numeric(12, 2);
CREATE TYPE pt AS (x float8, "y y" text);
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);
"""

# type, literals that MySQL holds; NULL is added to every list.
VALUES = [
    ("bool", ["true", "false"]),
    ("int2", ["-32768", "0", "32767"]), ("int4", ["-2147483648", "2147483647"]), ("int8", ["-9223372036854775808", "9223372036854775807"]),
    ("float4", ["0", "3.4028235e38", "-3.4028235e38", "1.17549435e-38", "0.1", "16777217", "3.1415927", "1e-30"]),
    ("float8", ["0", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "0.30000000000000004", "123456789012345680", "1e22", "-1e-300"]),
    ("numeric", ["0", "0.00", "1.50", "-12345678901234567890.123456789012345", "0.1", "10000", "9999.9999"]),
    ("numeric(10,4)", ["0", "-999999.9999", "1.5"]), ("numeric(38,10)", ["9999999999999999999999999999.9999999999", "-0.0000000001"]), ("numeric(65,30)", ["-" + "9" * 35 + "." + "9" * 30]),
    ("numeric(3,-2)", ["12300"]), ("numeric(80,40)", ["1" * 40 + "." + "2" * 40]), ("price", ["-9999999999.99"]), ("money", ["-92233720368547758.08", "0", "92233720368547758.07"]),
    ("text", ["", " ", "NULL", "\\N", "\\", "tab\tnew\nline\rreturn", "'quote\"", "ü€𝄞🙂", "a" * 3000, "a ", "A", "{}", "\x01\x1a\x7f"]),
    ("varchar(5)", ["", "abc  ", "üüüüü", "🙂🙂🙂🙂🙂"]), ("varchar(20000)", ["ü" * 20000]), ("char(5)", ["", "a", "ab c ", "🙂"]), ('"char"', ["a", ""]), ("name", ["x" * 63, ""]),
    ("bytea", ["\\x", "\\x00", "\\x5c275c22ff00", "\\x" + "ab" * 5000]),
    ("date", ["2000-01-01", "1999-12-31", "1000-01-01", "0001-01-01", "9999-12-31", "2024-02-29"]),
    ("time", ["00:00:00", "23:59:59.999999", "24:00:00"]), ("time(2)", ["12:00:00.25"]), ("timetz", ["00:00:00+15:59:59", "12:34:56.789012+05:45", "24:00:00-15:59:59"]),
    ("timestamp", ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"]), ("timestamp(0)", ["2024-03-31 02:30:00"]),
    ("timestamptz", ["2024-03-31 02:30:00 Europe/Berlin", "2038-01-19 03:14:08+00", "1969-12-31 23:59:59.999999+00", "2024-10-27 01:30:00+01", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"]),
    ("interval", ["0", "-178000000 years", "178000000 years", "1 mon -1 day 00:00:00.000001", "-1 year +2 mons -3 days 04:05:06.789"]), ("interval hour to minute", ["12:34"]),
    ("uuid", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "8f14e45f-ceea-467a-9a36-dedd4bea2543"]),
    ("inet", ["0.0.0.0", "192.168.1.5/24", "::", "2001:db8::1/64", "::ffff:1.2.3.4"]), ("cidr", ["10.0.0.0/8", "::/0"]), ("macaddr", ["08:00:2b:01:02:03"]), ("macaddr8", ["08:00:2b:01:02:03:04:05"]),
    ("bit(9)", ["000000000", "101010101"]), ("bit(64)", ["1" * 64]), ("bit(100)", ["10" * 50]), ("bit varying", ["", "1", "0" * 1000 + "1"]), ("bit varying(7)", ["1010101", "0000000", "0"]),
    ("json", ['{"a":  1, "a": 2, "b": [1,  null]}', "null", '"\\u00e9"', " 1 ", '"🙂"']), ("jsonb", ['{"a": 1, "b": [1, null, 1.50]}', "null", '""', "1e400", '{"b": 12345678901234567890.123456789}']),
    ("jsonpath", ['$."a"[*] ? (@ > 1)']), ("xml", ["<a b=\"c\">ü</a>", ""]), ("tsvector", ["'a':1A,3 'b c':2B", ""]), ("tsquery", ["'a' & !'b c':*A"]),
    ("point", ["(1.5,-2)", "(0.1,0.30000000000000004)", "(NaN,Infinity)"]), ("line", ["{1,-1,0}"]), ("lseg", ["[(0,0),(1,1)]"]), ("box", ["(1,1),(0,0)"]), ("path", ["[(0,0),(1,1)]"]),
    ("polygon", ["((0,0),(1,1),(2,0))"]), ("circle", ["<(0,0),1>"]), ("pg_lsn", ["0/0", "FFFFFFFF/FFFFFFFF"]), ("oid", ["0", "4294967295"]), ("xid8", ["18446744073709551615"]),
    ("int4range", ["empty", "(,)", "[1,10)"]), ("numrange", ["[1.10,2.200]"]), ("tstzrange", ["[2024-01-01 00:00+00,)"]), ("daterange", ["[2023-01-01,2024-01-01)"]), ("int4multirange", ["{}", "{[1,3),[5,)}"]),
    ("int4[]", ["{}", "{1,NULL,-3}", "{{1,2},{3,4}}"]), ("text[]", ['{"",NULL,"NULL","a,b","{}","\\"","\\\\",ü,🙂}', "{}"]), ("numeric[]", ["{1.10,2}"]), ("bool[]", ["{t,f,NULL}"]),
    ("timestamptz[]", ['{"2024-01-01 00:00:00+00"}']), ("bytea[]", ['{"\\\\x00ff",NULL}']), ("jsonb[]", ['{"{\\"a\\": [1, \\"x\\"]}",null}']), ("float8[]", ["{0.1,5e-324}"]), ("mood[]", ['{sad,"it\'s \\"ok\\"",NULL," "}']),
    ("mood", ["sad", 'it\'s "ok"', "größe", "SAD", " "]), ("positive", ["1"]), ("code", ["", "abc"]), ("pt", ["(,)", '(1.5,"a ""b"", (c)")', '(NaN,"")']), ("floats", ["[0.1,0.30000000000000004)", "empty"]),
    ("hstore", ['"a"=>"1", "b"=>NULL, "c d"=>"e\\"f"', ""]),
]

# type, what no column of MySQL's for it holds.
UNFIT = [
    ("float4", "NaN"), ("float4", "-Infinity"), ("float8", "NaN"), ("float8", "Infinity"), ("numeric(10,2)", "NaN"), ("date", "infinity"), ("date", "4713-01-01 BC"), ("date", "5874897-12-31"),
    ("timestamp", "-infinity"), ("timestamp", "0044-03-15 12:00:00 BC"), ("timestamptz", "infinity"), ("timestamptz", "294276-12-31 23:59:59.999999+00"), ("int4[]", "[0:1]={1,2}"),
]
NOTHING_NEAR = ("NaN", "[0:1]={1,2}")       # what clamp has no nearest value for


def sql_text(value):
    return "'" + value.replace("'", "''") + "'"


def script(prefix, filled):
    parts = []
    for i, (type_name, values) in enumerate(VALUES):
        table = f"{prefix}_{i:03}"
        parts.append(f"CREATE TABLE {table} (id int PRIMARY KEY, v {type_name});")
        if filled:
            rows = ", ".join(f"({n}, {sql_text(v)}::{type_name})" for n, v in enumerate(values))
            parts.append(f"INSERT INTO {table} VALUES {rows}, (1000, NULL);")
    return "\n".join(parts)


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_every_type_arrives_as_it_left(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql(USER_TYPES + script("copied", True) + script("streamed", False))
    applier = pair.run(apply={"bulk": bulk})
    pair.compare()
    tables = [f"streamed_{i:03}" for i in range(len(VALUES))]
    pair.source.psql("\n".join(f"INSERT INTO {t} SELECT * FROM {t.replace('streamed', 'copied')};" for t in tables))
    applier.wait_caught_up()
    pair.compare()
    # Copy and stream give the same to the byte, and the target finds every value equal to itself.
    for table in tables:
        copied = table.replace("streamed", "copied")
        assert pair.target.scalar(f"SELECT count(*) FROM {table} s JOIN {copied} c ON c.id = s.id AND c.v <=> s.v AND HEX(c.v) <=> HEX(s.v)") == pair.source.scalar(f"SELECT count(*) FROM {table}"), table
    # Updates carry every value through the update's own way of writing; each row takes its neighbour's value.
    pair.source.psql("\n".join(f"BEGIN; UPDATE {t} SET v = (SELECT v FROM {c} WHERE {c}.id > {t}.id ORDER BY id LIMIT 1) WHERE id < 1000; "
                               f"DELETE FROM {t} WHERE id = 1000; COMMIT;" for t, c in ((t, t.replace("streamed", "copied")) for t in tables)))
    applier.wait_caught_up()
    pair.compare()


def test_full_identity_finds_rows_of_every_type(mysql_pair):
    """The old row is compared value by value, by MySQL's own equality."""
    pair = mysql_pair
    full = "\n".join(f"ALTER TABLE streamed_{i:03} DROP CONSTRAINT streamed_{i:03}_pkey; ALTER TABLE streamed_{i:03} REPLICA IDENTITY FULL;" for i in range(len(VALUES)))
    pair.source.psql(USER_TYPES + script("streamed", True) + full)
    applier = pair.run()
    pair.source.psql("\n".join(f"UPDATE streamed_{i:03} SET id = id + 1 WHERE id % 2 = 0; DELETE FROM streamed_{i:03} WHERE id = 1;" for i in range(len(VALUES))))
    applier.wait_caught_up()
    pair.compare()


KEYS = ("int2", "int8", "bool", "numeric(10,4)", "varchar(5)", "text", "char(5)", "bytea", "date", "timestamp", "timestamptz", "time", "timetz", "uuid", "inet", "macaddr", "bit(9)", "mood", "positive", "code", "price",
        "name", "oid", "int4[]", "money")
SHORT = 500         # characters that every key holds


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_values_of_keys_of_many_types(mysql_pair, bulk):
    """A key is looked up by the target's own equality for its type, and what differs on the source may not meet there."""
    pair = mysql_pair
    keys = [(i, t, [v for v in values if len(v) < SHORT]) for i, (t, values) in enumerate(VALUES) if t in KEYS]
    assert {t for _, t, _ in keys} == set(KEYS)
    pair.source.psql(USER_TYPES + "\n".join(f"CREATE TABLE k_{i:03} (k {t} PRIMARY KEY, n int);" + "".join(
        f"INSERT INTO k_{i:03} VALUES ({sql_text(v)}, {n}) ON CONFLICT DO NOTHING;" for n, v in enumerate(values)) for i, t, values in keys))
    applier = pair.run(apply={"bulk": bulk})
    pair.compare()
    pair.source.psql("\n".join(f"UPDATE k_{i:03} SET n = n + 100; DELETE FROM k_{i:03} WHERE n = 100; INSERT INTO k_{i:03} VALUES ({sql_text(values[0])}, 7);" for i, _, values in keys))
    applier.wait_caught_up()
    pair.compare()


def test_a_server_and_sessions_elsewhere_on_the_globe(mysql_pair):
    """The server's own zone is -03:30; clients read the same instant in whatever zone they choose."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz, naive timestamp); SET TimeZone = 'Asia/Kolkata'; INSERT INTO t VALUES (1, '2024-06-01 12:00', '2024-06-01 12:00')")
    pair.source.sql(f'ALTER DATABASE "{pair.source.name}" SET TimeZone = \'America/New_York\'')
    applier = pair.run()
    pair.source.psql("SET DateStyle = 'SQL, DMY'; INSERT INTO t SELECT id + 1, at, naive FROM t")
    applier.wait_caught_up()
    assert [tuple(map(str, row)) for row in pair.target.sql("SELECT at, naive FROM t")] == [("2024-06-01 06:30:00", "2024-06-01 12:00:00")] * 2


@pytest.mark.parametrize("stage", ["copy", "stream"])
def test_a_value_that_does_not_fit_stops_with_table_column_and_row(mysql_pair, stage):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE fine (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, v float8, w date); INSERT INTO t VALUES (1, 1.5, '2024-01-01')")
    value = "BEGIN; INSERT INTO fine VALUES (2); INSERT INTO t VALUES (4711, 'NaN', '2024-01-01'); COMMIT;"
    if stage == "copy":
        pair.source.psql(value)
    applier = pair.applier().start()
    if stage == "stream":
        applier.wait_caught_up()
        pair.source.psql(value)
    assert applier.wait_exit(60) in (Exit.target_data, Exit.copy_stage), applier.log_tail()
    log = applier.log_text().replace('"', "").replace("`", "")
    assert "public.t" in log and "4711" in log and "NaN" in log and "column v" in log
    if stage == "stream":
        assert pair.target.sql("SELECT * FROM fine") == [], "nothing of the transaction is there"
    pair.source.psql("UPDATE t SET v = 0 WHERE id = 4711")      # the value stays in the stream: a policy is the way on
    applier.document |= {"objects": {**applier.document["objects"], "table": with_policy({"public.t": {"v": "null"}})}}
    applier.write_task()
    applier.start()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("stage", ["copy", "stream"])
def test_each_column_has_a_policy_for_what_does_not_fit(mysql_pair, stage):
    """A table for each value, three columns in each."""
    pair = mysql_pair
    tables = "".join(f"CREATE TABLE t_{i} (id int PRIMARY KEY, as_null {t}, as_clamp {t}, as_text {t}, fits {t});" for i, (t, _) in enumerate(UNFIT))
    fits = {"float4": "1.5", "float8": "1.5", "numeric(10,2)": "1.50", "date": "2024-01-01", "timestamp": "2024-01-01 00:00:00", "timestamptz": "2024-01-01 00:00:00+00", "int4[]": "{1}"}
    rows = "".join(f"INSERT INTO t_{i} VALUES (1, '{v}', {'NULL' if v in NOTHING_NEAR else sql_text(v)}, '{v}', '{fits[t]}'), (2, '{fits[t]}', '{fits[t]}', '{fits[t]}', NULL);" for i, (t, v) in enumerate(UNFIT))
    pair.source.psql(tables + (rows if stage == "copy" else ""))
    policies = {f"public.t_{i}": {"as_null": "null", "as_clamp": "clamp", "as_text": "text"} for i in range(len(UNFIT))}
    applier = pair.run(tables=with_policy(policies))
    if stage == "stream":
        pair.source.psql(rows)
        applier.wait_caught_up()
    # clamp: the nearest value that the column holds.
    edges = ("3.4028234663852886e38", "1.7976931348623157e308")
    last = {"date": "9999-12-31", "timestamp": "9999-12-31 23:59:59.999999", "timestamptz": "9999-12-31 23:59:59.999999"}
    for i, (t, v) in enumerate(UNFIT):
        (as_null, as_text, clamped), = pair.target.sql(f"SELECT as_null, CAST(as_text AS CHAR), CAST(as_clamp AS CHAR) FROM t_{i} WHERE id = 1")
        assert as_null is None, (t, v)
        written = pair.source.scalar(f"SET TimeZone = 'UTC'; SELECT as_text::text FROM t_{i} WHERE id = 1")
        assert as_text == written, (t, v)
        if v in NOTHING_NEAR:
            assert clamped is None
        elif t.startswith("float"):
            sign = -1 if v.startswith("-") else 1
            assert float(clamped) in [sign * float(edge) for edge in edges], (t, v)
        elif v.startswith("-") or v.endswith("BC"):
            assert clamped[:10] == "0001-01-01", (t, v, clamped)
        else:
            assert clamped == last[t], (t, v, clamped)
        assert pair.target.scalar(f"SELECT count(*) FROM t_{i} WHERE id = 2 AND as_null IS NOT NULL AND as_clamp IS NOT NULL AND as_text IS NOT NULL AND fits IS NULL") == 1


def test_where_nothing_is_near_clamp_is_an_error(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v float8); INSERT INTO t VALUES (4711, 'NaN')")
    applier = pair.applier(tables=with_policy({"public.t": {"v": "clamp"}}), stages=["schema", "full"]).start()
    assert applier.wait_exit(60) in (Exit.copy_stage, Exit.target_data), applier.log_tail()
    assert "NaN" in applier.log_text() and "4711" in applier.log_text()
