# REFRESH CONCURRENTLY writes rows that logical decoding sees, of a relation that the target fills by itself.


def test_a_concurrent_refresh_leaves_no_trace(pair):
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 100) i;
        CREATE MATERIALIZED VIEW mv AS SELECT id, v * 2 AS w FROM t; CREATE UNIQUE INDEX ON mv (id);""")
    applier = pair.run(ddl={"classes": "none"})
    before = pair.target.scalar("SELECT relispopulated FROM pg_class WHERE relname = 'mv'")
    pair.source.psql("""UPDATE t SET v = v + 1; REFRESH MATERIALIZED VIEW CONCURRENTLY mv; DELETE FROM t WHERE id > 90;
        BEGIN; INSERT INTO t VALUES (1000, 1); REFRESH MATERIALIZED VIEW mv; COMMIT; REFRESH MATERIALIZED VIEW CONCURRENTLY mv; VACUUM FULL t; INSERT INTO t VALUES (1001, 1);""")
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.scalar("SELECT relispopulated FROM pg_class WHERE relname = 'mv'") == before


def test_unlogged_and_temporary_tables_stay_at_home(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); CREATE UNLOGGED TABLE u (id int PRIMARY KEY);")
    applier = pair.run()
    pair.source.psql("CREATE TEMP TABLE x (id int); INSERT INTO x VALUES (1); INSERT INTO u VALUES (1); INSERT INTO t VALUES (1)")
    applier.wait_caught_up()
    pair.compare("t")
