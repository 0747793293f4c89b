# Rows that move between partitions arrive as delete and insert, and belong to tables that may come and go.
from walbridge_testing.applier import Exit

TABLES = """
CREATE TABLE m (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE m_2024 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (id);
CREATE TABLE m_2024_odd PARTITION OF m_2024 FOR VALUES IN (1, 3, 5, 7, 9);
CREATE TABLE m_2024_rest PARTITION OF m_2024 DEFAULT;
CREATE TABLE m_2025 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE h (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE h_1 (v text, dropped int, id int NOT NULL);
ALTER TABLE h_1 DROP COLUMN dropped;
ALTER TABLE h ATTACH PARTITION h_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO m SELECT i, '2024-01-01'::date + i * 20, 'v' FROM generate_series(1, 30) i;
INSERT INTO h SELECT i, 'v' FROM generate_series(1, 100) i;
"""


def test_partitions_and_row_movement(pair):
    pair.source.psql(TABLES)
    applier = pair.run()
    pair.compare()
    pair.source.psql("""UPDATE m SET at = at + 365 WHERE at < '2024-06-01';
        UPDATE m SET id = id + 1 WHERE id IN (11, 13); UPDATE h SET v = 'w' WHERE id < 10; UPDATE h SET id = id + 1000;
        DELETE FROM m WHERE id = 30; INSERT INTO m VALUES (1, '2024-05-05', 'new'); TRUNCATE m_2025;
        INSERT INTO m VALUES (2, '2025-05-05', 'after the truncate');""")
    applier.wait_caught_up()
    pair.compare()


def test_a_partition_attached_later_on_both_sides(pair):
    pair.source.psql(TABLES)
    applier = pair.run(ddl={"classes": "none"})
    later = "CREATE TABLE m_2026 (v text, id int NOT NULL, at date NOT NULL); ALTER TABLE m ATTACH PARTITION m_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    pair.target.psql(later)
    pair.source.psql(later + "INSERT INTO m SELECT i, '2026-01-01', 'later' FROM generate_series(1, 20) i; UPDATE m SET at = '2026-02-02' WHERE at < '2024-03-01';")
    applier.wait_caught_up()
    pair.compare()


def test_a_partition_the_target_lacks_stops_the_task_and_it_resumes(pair):
    pair.source.psql(TABLES)
    applier = pair.run(ddl={"classes": "none"})
    later = "CREATE TABLE m_2026 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    pair.source.psql(later + "INSERT INTO m VALUES (1, '2026-05-05', 'later')")
    assert applier.wait_exit() == Exit.target_shape
    assert "m_2026" in applier.log_text()
    pair.target.psql(later)
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_detached_and_truncated_partitions(pair):
    pair.source.psql(TABLES)
    applier = pair.run(ddl={"classes": "none"})
    pair.both("ALTER TABLE m DETACH PARTITION m_2025")
    pair.source.psql("INSERT INTO m_2025 VALUES (77, '2030-01-01', 'on its own'); TRUNCATE m; INSERT INTO m VALUES (1, '2024-01-01', 'x')")
    applier.wait_caught_up()
    pair.compare()
