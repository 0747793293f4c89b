# A comparison that overlooks a difference would make every story about MySQL green; one that sees what is not there, red.
import pytest

from walbridge_testing.compare import Difference
from walbridge_testing.mysql_values import NoRule, SourceColumn, TargetColumn, expected, found

SOURCE = """CREATE DOMAIN price AS numeric(10, 2);
CREATE TABLE a (id int PRIMARY KEY, v text, f float8, g float4, p price, at timestamptz, b bytea, ok bool, c char(5));
CREATE TABLE dup (v text); CREATE SCHEMA other; CREATE TABLE other.t (id int);
CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1); INSERT INTO parts VALUES (1);
INSERT INTO a SELECT i, E'tab\\tü\\\\ \\nline\\r' || i, i / 3.0::float8, i / 7.0::float4, i * 1.5, timestamptz '2024-01-01 00:00+00' + i * interval '1 ms', decode(md5(i::text), 'hex'),
  i % 2 = 0, 'c' || i FROM generate_series(1, 50) i;
INSERT INTO a (id) VALUES (100); INSERT INTO dup VALUES ('x'), ('x'), (NULL), ('x '), ('X'), (E'\\\\N');"""
TARGET = """CREATE TABLE a (id int PRIMARY KEY, v longtext, f double, g {single}, p decimal(10, 2), at datetime(6), b longblob, ok tinyint(1), c char(5)) CHARACTER SET utf8mb4;
CREATE TABLE dup (v longtext) CHARACTER SET utf8mb4; CREATE TABLE part_1 (id int); INSERT INTO part_1 VALUES (1);"""


@pytest.fixture(params=["double", "float"])
def copied(request, mysql_pair):
    """Both sides filled, without the product."""
    pair = mysql_pair
    pair.source.psql(SOURCE)
    pair.target.sql(TARGET.format(single=request.param))
    pair.server.create_database("other").sql("CREATE TABLE t (id int)")
    with pair.target.connect(autocommit=True) as connection, connection.cursor() as cursor:
        rows = pair.source.sql("SELECT id, v, f, g::float8, p, (at AT TIME ZONE 'UTC')::text, b, ok, c FROM a")
        cursor.executemany("INSERT INTO a VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                           [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows])
        cursor.executemany("INSERT INTO dup VALUES (%s)", pair.source.sql("SELECT v FROM dup"))
    return pair


def test_equal_databases_are_equal(copied):
    assert copied.compare() == {"public.a": 51, "public.dup": 6, "public.part_1": 1, "other.t": 0}


@pytest.mark.parametrize("change,sign", [
    ("UPDATE a SET v = concat(v, ' ') WHERE id = 7", "51 on the target; 1 only"), ("DELETE FROM a WHERE id = 8", "50 on the target"),
    ("UPDATE a SET v = '' WHERE id = 100", "NULL"), ("UPDATE a SET f = f + 1e-15 WHERE id = 1", "f float8 as double"),
    ("UPDATE a SET p = p + 0.01 WHERE id = 5", "'7.51'"), ("UPDATE a SET at = at + interval 1 microsecond WHERE id = 5", "00.005001"),
    ("UPDATE a SET b = concat(b, x'00') WHERE id = 5", "1 only on the target"), ("UPDATE a SET ok = NOT ok WHERE id = 5", "1 only on the target"),
    ("UPDATE dup SET v = 'y' WHERE v = BINARY 'X'", "'y'"), ("DELETE FROM dup WHERE v = 'x' LIMIT 1", "1 only on the source"), ("UPDATE dup SET v = 'NULL' WHERE v IS NULL", "'NULL'"),
    ("DROP TABLE dup", "no table"), ("ALTER TABLE a DROP COLUMN c", "no column c"), ("INSERT INTO other.t VALUES (1)", "other.t"),
])
def test_a_difference_is_shown(copied, change, sign):
    copied.target.sql(change)
    with pytest.raises(Difference) as difference:
        copied.compare()
    assert sign in str(difference.value)


def test_a_value_that_a_policy_changes_is_expected_changed(copied):
    copied.target.sql("UPDATE a SET v = NULL WHERE id = 3")
    copied.compare("a", lossy={"public.a.v": lambda text: None if text and text.endswith("\r3") else text})


def column(type, scale=0, fraction=0):
    return TargetColumn("c", type, scale, fraction)


@pytest.mark.parametrize("base,target,text,there", [
    ("numeric", column("decimal", 4), "1.5", "1.5000"), ("numeric", column("decimal", 30), "-" + "9" * 35 + "." + "1" * 30, "-" + "9" * 35 + "." + "1" * 30),
    ("numeric", column("decimal", 2), "-0.00", "0.00"), ("numeric", column("longtext"), "1.50", "1.50"), ("numeric", column("longtext"), "NaN", "NaN"),
    ("int8", column("bigint"), "-9223372036854775808", "-9223372036854775808"), ("bool", column("tinyint"), "t", "1"),
    ("float8", column("double"), "5e-324", "5e-324"), ("float8", column("double"), "-0", "-0"), ("float8", column("double"), "1e+22", "1e22"),
    ("float4", column("double"), "0.1", "0.1"), ("float4", column("double"), "0.1", "0.10000000149011612"), ("float4", column("float"), "3.4028235e+38", "3.4028234663852886e38"),
    ("timestamp", column("datetime", fraction=6), "2024-01-01 00:00:00", "2024-01-01 00:00:00.000000"), ("timestamptz", column("datetime", fraction=6), "2024-01-01 00:00:00.5+00", "2024-01-01 00:00:00.500000"),
    ("time", column("time", fraction=6), "24:00:00", "24:00:00.000000"), ("time", column("time", fraction=2), "12:00:00.25", "12:00:00.25"),
    ("bytea", column("longblob"), "\\x00ff", "00FF"), ("uuid", column("binary"), "00000000-0000-0000-0000-0000000000ff", "000000000000000000000000000000FF"),
    ("bit", column("bit"), "000000101", "101"), ("varbit", column("varchar"), "000", "000"), ("bpchar", column("char"), "ab   ", "ab"),
    ("jsonb", column("json"), '{"b": 1.50, "a": [null]}', '{"a": [null], "b": 1.5}'), ("json", column("longtext"), '{"b":  1}', '{"b":  1}'), ("money", column("decimal", 2), "-$1,234.50", "-1234.50"),
    ("_int4", column("longtext"), "{1,NULL,-3}", "[1, null, -3]"), ("_int4", column("longtext"), "{{1,2},{3,4}}", "[[1,2],[3,4]]"), ("_text", column("longtext"), "{}", "[]"),
    ("_text", column("longtext"), '{"",NULL,"NULL","a,b","{}","\\"","\\\\",ü,1}', '["", null, "NULL", "a,b", "{}", "\\"", "\\\\", "\\u00fc", "1"]'), ("_numeric", column("longtext"), "{1.10,NaN}", '[1.10, "NaN"]'),
    ("_bool", column("longtext"), "{t,f,NULL}", "[true, false, null]"), ("_float8", column("longtext"), "{-Infinity,1e+22}", '["-Infinity", 1e+22]'), ("_timestamptz", column("varchar"), '{"2024-01-01 00:00:00+00"}', '["2024-01-01 00:00:00+00"]'),
    ("hstore", column("longtext"), '"a"=>"1", "b"=>NULL, "c d"=>"e\\"f\\\\"', '{"b": null, "a": "1", "c d": "e\\"f\\\\"}'), ("hstore", column("longtext"), "", "{}"), ("float8", column("double"), "-0", "0"),
    ("_numeric", column("decimal", 2), None, None),
])
def test_the_same_value_has_the_same_form(base, target, text, there):
    assert expected(SourceColumn("c", base), target, text) == found(SourceColumn("c", base), target, there)


@pytest.mark.parametrize("base,target,text,there", [
    ("numeric", column("decimal", 2), "1.555", "1.56"), ("numeric", column("longtext"), "1.50", "1.5"), ("numeric", column("decimal", 2), "NaN", "0.00"),
    ("float8", column("double"), "0.30000000000000004", "0.3"), ("_numeric", column("longtext"), "{1.10}", "[1.1]"), ("_text", column("longtext"), "{1}", "[1]"), ("_text", column("longtext"), "{NULL}", '["NULL"]'),
    ("hstore", column("longtext"), '"a"=>NULL', '{"a": "NULL"}'), ("float4", column("double"), "0.1", "0.100001"),
    ("text", column("longtext"), "a ", "a"), ("text", column("longtext"), "a", "A"), ("timestamp", column("datetime", fraction=6), "2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000000"),
    ("timestamp", column("datetime", fraction=0), "2024-01-01 00:00:00.5", "2024-01-01 00:00:00"), ("timestamptz", column("datetime", fraction=6), "infinity", "9999-12-31 23:59:59.999999"),
    ("bytea", column("longblob"), "\\x", "00"), ("bool", column("tinyint"), "f", "1"), ("text", column("longtext"), "", None), ("jsonb", column("json"), '{"a": 1}', '{"a": "1"}'),
])
def test_another_value_has_another_form(base, target, text, there):
    assert expected(SourceColumn("c", base), target, text) != found(SourceColumn("c", base), target, there)


def test_a_pair_of_types_without_a_rule_is_an_error():
    with pytest.raises(NoRule):
        expected(SourceColumn("c", "timestamptz"), column("int"), "x")
