# A target without statistics plans sequential scans on the morning after the switchover; autovacuum never analyzes partitioned tables.
from walbridge_testing.applier import Exit

TABLES = """
    CREATE TABLE plain (id int PRIMARY KEY, a int, b int); INSERT INTO plain SELECT i, i % 10, i % 10 FROM generate_series(1, 5000) i;
    CREATE STATISTICS pairs (dependencies) ON a, b FROM plain; CREATE INDEX ON plain ((a + b));
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') PARTITION BY LIST (id);
    CREATE TABLE parts_1_a PARTITION OF parts_1 DEFAULT; CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
    INSERT INTO parts SELECT i, '2024-01-01'::date + i % 60 FROM generate_series(1, 3000) i;
    CREATE TABLE empty (id int PRIMARY KEY); CREATE MATERIALIZED VIEW summary AS SELECT a, count(*) FROM plain GROUP BY a;
"""


def with_statistics(database):
    return {name for (name,) in database.sql("SELECT DISTINCT tablename::text FROM pg_stats WHERE schemaname = 'public'")}


def analyzed(database):
    """Tables that somebody has analyzed, and not autovacuum, whose hour may have come."""
    return {name for (name,) in database.sql("SELECT relname::text FROM pg_stat_user_tables WHERE schemaname = 'public' AND analyze_count > 0")}


def test_every_table_has_statistics_behind_the_load(pair):
    pair.target.sql(f"ALTER DATABASE {pair.name} SET log_statement = 'none'")
    pair.source.psql(TABLES)
    applier = pair.applier(stages=["schema", "full"])
    assert applier.start().wait_exit(60) == Exit.ok
    assert with_statistics(pair.target) >= {"plain", "parts", "parts_1", "parts_1_a", "parts_2", "summary", "plain_expr_idx"}
    assert analyzed(pair.target) >= {"plain", "parts_1_a", "parts_2"}
    assert pair.target.sql("SELECT tablename::text FROM pg_stats WHERE inherited AND schemaname = 'public' GROUP BY 1 ORDER BY 1") == [("parts",), ("parts_1",)]
    assert pair.target.scalar("SELECT count(*) FROM pg_stats_ext WHERE statistics_name = 'pairs' AND dependencies IS NOT NULL") == 1
    done = pair.target.sql("SELECT object_name, done FROM walbridge.schema_item WHERE task = %s AND section = 'statistics' ORDER BY 1", (pair.name,))
    assert done == [("public.empty", True), ("public.parts", True), ("public.plain", True), ("public.summary", True)], done


def test_they_can_be_left_to_somebody_else(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
    applier = pair.applier(stages=["schema", "full"], copy={"analyze": False})
    assert applier.start().wait_exit(60) == Exit.ok
    assert pair.target.scalar("SELECT count(*) FROM t") == 100 and analyzed(pair.target) == set()


def test_a_role_that_owns_nothing_gets_the_statement_instead_of_a_failure(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
    pair.target.psql(f"""CREATE TABLE t (id int PRIMARY KEY);
        DO $$ BEGIN IF to_regrole('no_owner') IS NULL THEN CREATE ROLE no_owner LOGIN; END IF; END $$; GRANT SET ON PARAMETER session_replication_role TO no_owner;
        GRANT CREATE ON DATABASE {pair.name} TO no_owner; GRANT INSERT, SELECT, UPDATE, DELETE, TRUNCATE ON t TO no_owner; GRANT pg_read_all_settings TO no_owner""")
    applier = pair.applier(stages=["full"], schema={"owner": "none", "grants": "none"}, ddl={"classes": ["none"]}, target_url=pair.target.url(user="no_owner"))
    assert applier.start().wait_exit(60) == Exit.ok, applier.log_tail()
    assert 'ANALYZE \\"public' in applier.log_text() and "does not own it" in applier.log_text()
    assert pair.target.scalar("SELECT count(*) FROM t") == 100 and analyzed(pair.target) == set()


def test_a_table_that_comes_later_gets_them_too(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
    applier = pair.run(include=["public.*"])
    pair.source.psql("CREATE SCHEMA outside; CREATE TABLE outside.late (id int PRIMARY KEY); INSERT INTO outside.late SELECT generate_series(1, 100); ALTER TABLE outside.late SET SCHEMA public")
    applier.wait_caught_up()
    applier.wait_until(lambda: with_statistics(pair.target) == {"t", "late"}, 30, "statistics of the table that came")
    pair.compare()
