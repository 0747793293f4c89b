# A name quoted in one place and not in another works until the first customer with a capital letter.
import pytest

NAMES = ['Capital', 'with space', 'quo"te', "apo'strophe", 'größe', '表', 'select', 'a.b', 'dollar$x', 'back\\slash', 'x' * 63, '%s', 'new\nline', '$1', 'per%cent', '*', '?']


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_names_of_schemas_tables_columns_and_types(pair, bulk):
    parts = []
    for i, name in enumerate(NAMES):
        q = quoted(name)
        # a schema, a table, a type, its columns and its constraint, all of that name
        parts.append(f"""CREATE SCHEMA {q}; CREATE TYPE {q}.{quoted(name[:60] + '_t')} AS ENUM ('a', {"'" + name.replace("'", "''") + "'"});
            CREATE TABLE {q}.{q} ({q} int, {quoted('k' + name[:60])} text, e {q}.{quoted(name[:60] + '_t')}, CONSTRAINT {quoted('pk' + name[:60])} PRIMARY KEY ({q}, {quoted('k' + name[:60])}));
            INSERT INTO {q}.{q} SELECT i, 'v', 'a' FROM generate_series(1, 20) i;""")
    pair.source.psql("\n".join(parts))
    applier = pair.run(apply={"bulk": bulk})
    pair.compare()
    pair.source.psql("\n".join(
        f"""UPDATE {quoted(n)}.{quoted(n)} SET e = {"'" + n.replace("'", "''") + "'"} WHERE {quoted(n)} < 5; UPDATE {quoted(n)}.{quoted(n)} SET {quoted('k' + n[:60])} = '' WHERE {quoted(n)} = 6;
            DELETE FROM {quoted(n)}.{quoted(n)} WHERE {quoted(n)} = 7; INSERT INTO {quoted(n)}.{quoted(n)} VALUES (100, '', NULL);""" for n in NAMES))
    applier.wait_caught_up()
    pair.compare()


def test_a_database_with_a_difficult_name(request, source_cluster, target_cluster):
    from walbridge_testing.fixtures import Pair
    name = 'Größe "x" \'y\' %z'
    pair = Pair(name, source_cluster, target_cluster)
    try:
        pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        applier = pair.applier(name="difficult_database_name")
        applier.start()
        applier.wait_caught_up()
        pair.source.psql("INSERT INTO t VALUES (2)")
        applier.wait_caught_up()
        pair.compare()
    finally:
        pair.close()


def test_tables_that_differ_only_by_case_or_schema(pair):
    pair.source.psql("""CREATE SCHEMA s; CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE "T" (id int PRIMARY KEY, v text); CREATE TABLE s.t (id int PRIMARY KEY, v text);
        INSERT INTO t VALUES (1, 'a'); INSERT INTO "T" VALUES (1, 'b'); INSERT INTO s.t VALUES (1, 'c')""")
    applier = pair.run()
    pair.source.psql("""UPDATE t SET v = 'aa'; UPDATE "T" SET v = 'bb'; UPDATE s.t SET v = 'cc'; ALTER TABLE t RENAME TO other; ALTER TABLE "T" RENAME TO t; ALTER TABLE other RENAME TO "T";""")
    applier.wait_caught_up()
    assert pair.target.sql('SELECT (SELECT v FROM t), (SELECT v FROM "T"), (SELECT v FROM s.t)') == [("bb", "aa", "cc")]
    pair.compare()
