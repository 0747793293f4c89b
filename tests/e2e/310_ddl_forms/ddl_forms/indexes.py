"""Indexes."""
from .form import NOT_FOLLOWED, Form

PARTED = """CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p SELECT i, 1 + i % 2, 'v' || i FROM generate_series(1, 20) i"""

FORMS = [
    Form("index-create", "CREATE INDEX t_v ON t (v); CREATE INDEX \"Odd Name\" ON t (n, v)"),
    Form("index-create-unnamed", "CREATE INDEX ON t (v); CREATE INDEX ON t (v, n); CREATE INDEX ON t (v); CREATE INDEX ON t (lower(v)); CREATE UNIQUE INDEX ON t (id, v)"),
    Form("index-create-if-not-exists", "CREATE INDEX IF NOT EXISTS t_v ON t (n); CREATE INDEX IF NOT EXISTS t_n ON t (n)", setup="CREATE INDEX t_v ON t (v)"),
    Form("index-create-unique", "CREATE UNIQUE INDEX k_v ON k (v); UPDATE k SET v = 'x' WHERE id = 1; UPDATE k SET v = 'a' WHERE id = 2; CREATE UNIQUE INDEX k_w ON k (v, id DESC)",
         setup="CREATE TABLE k (id int PRIMARY KEY, v text); INSERT INTO k VALUES (1, 'a'), (2, 'b')", later="DELETE FROM k WHERE id = 1; INSERT INTO k VALUES (9, 'x')"),
    Form("index-create-partial", "CREATE INDEX t_part ON t (v) WHERE n > 10; CREATE UNIQUE INDEX t_one ON t ((n IS NULL)) WHERE v = 'only'"),
    Form("index-create-expression", "CREATE INDEX t_e ON t (lower(v), (n + 1)); CREATE INDEX t_f ON t (own(v)); CREATE INDEX ON t (own(v || 'x'), (n * 2))",
         setup="CREATE FUNCTION own(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT reverse($1)'"),
    Form("index-create-include", "CREATE INDEX t_i ON t (v COLLATE \"C\" text_pattern_ops DESC NULLS LAST, n ASC NULLS FIRST) INCLUDE (id) WITH (fillfactor = 70, deduplicate_items = off)"),
    Form("index-create-methods", """CREATE INDEX ON t USING hash (v); CREATE INDEX ON t USING brin (id) WITH (pages_per_range = 4); CREATE INDEX ON k USING gin (words);
         CREATE INDEX ON k USING gist (place); CREATE INDEX ON k USING spgist (place); CREATE INDEX ON k USING gin (doc jsonb_path_ops)""",
         setup="CREATE TABLE k (id int PRIMARY KEY, words text[], place point, doc jsonb); INSERT INTO k VALUES (1, '{a,b}', '(1,2)', '{}')"),
    Form("index-create-concurrently", ["CREATE INDEX CONCURRENTLY t_v ON t (v)", "CREATE UNIQUE INDEX CONCURRENTLY ON t (id, v)",
                                       "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_v ON t (n)", "CREATE INDEX CONCURRENTLY t_low ON t (lower(v)) WHERE n > 3"]),
    Form("index-create-concurrently-failed", ["CREATE UNIQUE INDEX CONCURRENTLY k_v ON k (v)"], setup="CREATE TABLE k (id int PRIMARY KEY, v text); INSERT INTO k VALUES (1, 'a'), (2, 'a')",
         fails="duplicate|could not create unique index", expect=NOT_FOLLOWED, only_source=("k_v",)),
    Form("index-on-only", "CREATE INDEX p_v ON ONLY p (v); CREATE INDEX p1_v ON p1 (v); ALTER INDEX p_v ATTACH PARTITION p1_v; CREATE INDEX p2_v ON p2 (v); ALTER INDEX p_v ATTACH PARTITION p2_v",
         setup=PARTED),
    Form("index-partitioned", "CREATE INDEX ON p (v); CREATE UNIQUE INDEX p_u ON p (k, id, v); CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3); INSERT INTO p VALUES (30, 3, 'x')", setup=PARTED),
    Form("index-rename", "ALTER INDEX t_v RENAME TO renamed; ALTER INDEX IF EXISTS not_there RENAME TO x; ALTER INDEX t_pkey RENAME TO t_key", setup="CREATE INDEX t_v ON t (v)"),
    Form("index-alter", "ALTER INDEX t_v SET (fillfactor = 50); ALTER INDEX t_v RESET (fillfactor); ALTER INDEX t_v SET (deduplicate_items = off); ALTER INDEX t_v ALTER COLUMN 1 SET STATISTICS 300",
         setup="CREATE INDEX t_v ON t (lower(v))"),
    Form("index-depends-on-extension", "ALTER INDEX t_v DEPENDS ON EXTENSION plpgsql; ALTER INDEX t_v NO DEPENDS ON EXTENSION plpgsql", setup="CREATE INDEX t_v ON t (v)", since=13),
    Form("index-drop", "DROP INDEX t_v, t_n; DROP INDEX IF EXISTS t_v; CREATE INDEX t_v ON t (v, n)", setup="CREATE INDEX t_v ON t (v); CREATE INDEX t_n ON t (n)"),
    Form("index-drop-concurrently", ["DROP INDEX CONCURRENTLY t_v", "DROP INDEX CONCURRENTLY IF EXISTS t_v"], setup="CREATE INDEX t_v ON t (v)"),
    Form("index-reindex", ["REINDEX INDEX t_v", "REINDEX TABLE t", "REINDEX TABLE CONCURRENTLY t", "CLUSTER t USING t_pkey", "VACUUM FULL t", "REINDEX SCHEMA {s}"],
         setup="CREATE INDEX t_v ON t (v)", expect=NOT_FOLLOWED, differs=("t t_pkey",)),
]
