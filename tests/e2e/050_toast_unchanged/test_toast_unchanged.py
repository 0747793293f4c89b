# An update that leaves a TOASTed value alone does not send it: taken for NULL, it would empty the target's column.
import pytest

TABLES = """
CREATE TABLE t (id int PRIMARY KEY, n int, a text, b bytea, c jsonb);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
CREATE TABLE f (id int PRIMARY KEY, n int, a text);
ALTER TABLE f ALTER a SET STORAGE EXTERNAL;
ALTER TABLE f REPLICA IDENTITY FULL;
INSERT INTO t SELECT i, 0, repeat('a' || i, 3000), decode(repeat(md5(i::text), 400), 'hex'), to_jsonb(repeat(md5(i::text), 400)) FROM generate_series(1, 40) i;
INSERT INTO f SELECT i, 0, repeat('f' || i, 3000) FROM generate_series(1, 40) i;
"""


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_unchanged_values_stay(pair, bulk):
    pair.source.psql(TABLES)
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""
        UPDATE t SET n = 1 WHERE id <= 10;
        UPDATE t SET n = 2, b = '\\x00' WHERE id BETWEEN 5 AND 15;
        UPDATE t SET a = NULL WHERE id = 3;
        UPDATE t SET a = '' WHERE id = 4;
        UPDATE t SET id = id + 1000 WHERE id BETWEEN 20 AND 25;
        UPDATE f SET n = n + 1;
        UPDATE f SET id = id + 1000 WHERE id < 10;
        DELETE FROM f WHERE id BETWEEN 11 AND 13;""")
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_several_changes_of_a_row_in_one_transaction(pair, bulk):
    """Merging them into a net effect must not forget the value that only the first of them carries."""
    pair.source.psql(TABLES)
    applier = pair.run(apply={"bulk": bulk})
    pair.source.psql("""
        BEGIN;
        INSERT INTO t VALUES (100, 0, repeat('new', 3000), '\\x01', '1');
        UPDATE t SET n = 1 WHERE id = 100;
        UPDATE t SET id = 101 WHERE id = 100;
        UPDATE t SET n = 2 WHERE id = 101;
        UPDATE t SET a = repeat('other', 3000) WHERE id = 1; UPDATE t SET n = 9 WHERE id = 1; UPDATE t SET c = 'null' WHERE id = 1;
        DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (2, 5, repeat('back', 3000), NULL, NULL); UPDATE t SET n = 6 WHERE id = 2;
        UPDATE t SET id = 200 WHERE id = 3; UPDATE t SET n = 7 WHERE id = 200; UPDATE t SET id = 3 WHERE id = 200;
        UPDATE t SET n = 8 WHERE id = 4; DELETE FROM t WHERE id = 4;
        COMMIT;
        BEGIN; UPDATE t SET id = 300 WHERE id = 5; INSERT INTO t VALUES (5, 0, repeat('five', 3000), NULL, NULL); UPDATE t SET n = 1 WHERE id IN (5, 300); COMMIT;""")
    applier.wait_caught_up()
    pair.compare()
