# A comparison that overlooks a difference would make every story green.
import pytest

from walbridge_testing.compare import Difference

TABLES = """CREATE TABLE a (id int PRIMARY KEY, v text, f float8);
CREATE TABLE dup (v text);
CREATE TABLE empty ();
INSERT INTO a SELECT i, 'v' || i, i / 3.0::float8 FROM generate_series(1, 100) i;
INSERT INTO dup VALUES ('x'), ('x'), (NULL);"""


def test_equal_databases_are_equal_whatever_the_column_order(pair):
    pair.source.psql(TABLES)
    pair.target.psql(TABLES.replace("id int PRIMARY KEY, v text", "v text, id int PRIMARY KEY").replace(
        "SELECT i, 'v' || i", "SELECT 'v' || i, i"))
    assert pair.compare() == {"public.a": 100, "public.dup": 3, "public.empty": 0}


@pytest.mark.parametrize("change,sign", [
    ("UPDATE a SET v = '' WHERE id = 7", "- (7,v7,"),
    ("DELETE FROM a WHERE id = 8", "- (8,v8,"),
    ("INSERT INTO a VALUES (0)", "+ (0,,)"),
    ("DELETE FROM dup WHERE ctid = '(0,1)'", "- (x)"),
    ("UPDATE dup SET v = '' WHERE v IS NULL", '+ ("")'),
    ("UPDATE a SET f = '-0' WHERE id = 1", "+ (1,v1,-0)"),
    ("DROP TABLE dup", "not on the target"),
    ("ALTER TABLE a DROP COLUMN v", "no column v"),
])
def test_a_difference_is_shown(pair, change, sign):
    pair.both(TABLES)
    pair.target.sql(change)
    with pytest.raises(Difference) as difference:
        pair.compare()
    assert sign in str(difference.value)


def test_latin1_and_utf8_compare_by_characters(latin1_pair):
    for database in (latin1_pair.source, latin1_pair.target):
        database.psql("CREATE TABLE t (v text); INSERT INTO t VALUES ('Größe Ý ÿ')")
    latin1_pair.compare()
    latin1_pair.target.sql("UPDATE t SET v = 'Grösse Ý ÿ'")
    with pytest.raises(Difference):
        latin1_pair.compare()
