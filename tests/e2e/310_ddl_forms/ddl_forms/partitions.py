"""Partitions that come and go."""
from .form import Form

PARTED = """CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); INSERT INTO p SELECT i, i % 20, 'v' || i FROM generate_series(1, 40) i"""
ROWS = "INSERT INTO p SELECT i, i % 20, 'before' FROM generate_series(101, 110) i; UPDATE p SET v = 'moved', k = (k + 10) % 20 WHERE id < 5"
AFTER = "UPDATE p SET v = v || ' after' WHERE id IN (3, 7, 11); DELETE FROM p WHERE id = 8; INSERT INTO p VALUES (150, 1, 'after')"
LATER = "UPDATE p SET v = v || ' later' WHERE id < 20; INSERT INTO p VALUES (160, 2, 'later'); UPDATE p SET k = 3 WHERE id = 9"
BUSY = ("INSERT INTO {s}.p VALUES ({k}, {k} % 20, 'busy')", "UPDATE {s}.p SET v = v || '.' WHERE id = {k} - 1",
        "UPDATE {s}.p SET k = (k + 10) % 20 WHERE id = {k} - 2")
PARTITIONED = {"setup": PARTED, "before": ROWS, "after": AFTER, "later": LATER, "busy": BUSY}

FORMS = [
    Form("partition-create-parent", """CREATE TABLE r (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE l (k text, v int) PARTITION BY LIST (lower(k));
         CREATE TABLE h (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO h SELECT generate_series(1, 20);
         CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (MINVALUE) TO ('2025-01-01'); INSERT INTO r VALUES (1, '2024-05-05')""",
         later="UPDATE h SET id = id + 100; DELETE FROM r; INSERT INTO t VALUES (103)"),
    Form("partition-create", """CREATE TABLE p3 PARTITION OF p (v DEFAULT 'third', CHECK (id > 0)) FOR VALUES FROM (20) TO (30); INSERT INTO p VALUES (201, 25, 'x');
         INSERT INTO p3 (id, k) VALUES (202, 26); CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (30) TO (MAXVALUE) WITH (fillfactor = 70)""", **PARTITIONED),
    Form("partition-create-default", "CREATE TABLE p_rest PARTITION OF p DEFAULT; INSERT INTO p VALUES (201, 99, 'rest'), (202, -5, 'rest')", **PARTITIONED),
    Form("partition-create-nested", """CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30) PARTITION BY LIST (k); CREATE TABLE p3a PARTITION OF p3 FOR VALUES IN (20, 21);
         CREATE TABLE p3b PARTITION OF p3 DEFAULT; INSERT INTO p VALUES (201, 20, 'a'), (202, 29, 'b'); UPDATE p SET k = 21 WHERE id = 202""", **PARTITIONED),
    Form("partition-attach", """CREATE TABLE new (LIKE p INCLUDING ALL); INSERT INTO new VALUES (201, 25, 'before attach'); ALTER TABLE p ATTACH PARTITION new FOR VALUES FROM (20) TO (30);
         UPDATE p SET v = 'after attach' WHERE id = 201; ALTER TABLE p ATTACH PARTITION waiting FOR VALUES FROM (40) TO (50)""",
         **{**PARTITIONED, "setup": PARTED + "; CREATE TABLE waiting (v text, k int NOT NULL, id int NOT NULL); INSERT INTO waiting VALUES ('w', 45, 301)"}),
    Form("partition-detach", "ALTER TABLE p DETACH PARTITION p2; UPDATE p2 SET v = 'alone' WHERE id % 3 = 0; INSERT INTO p2 VALUES (201, 99, 'any key')",
         **{**PARTITIONED, "after": "INSERT INTO p VALUES (150, 1, 'after'); UPDATE p SET v = 'after' WHERE id = 6", "later": "INSERT INTO p2 VALUES (202, 1, 'x'); DELETE FROM p WHERE id = 6"}),
    Form("partition-detach-concurrently", ["ALTER TABLE p DETACH PARTITION p2 CONCURRENTLY"], since=14, differs=("p2",),
         **{**PARTITIONED, "after": "INSERT INTO p VALUES (150, 1, 'after'); INSERT INTO p2 VALUES (201, 15, 'alone')", "later": "UPDATE p2 SET v = 'x'; DELETE FROM p WHERE id = 6"}),
    Form("partition-drop", "DROP TABLE p2; CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (15); INSERT INTO p VALUES (201, 12, 'new'); DROP TABLE q",
         **{**PARTITIONED, "setup": PARTED + "; CREATE TABLE q (k int) PARTITION BY LIST (k); CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1); INSERT INTO q VALUES (1)",
            "later": "UPDATE p SET v = 'later' WHERE id < 5; DELETE FROM p WHERE k = 12"}),
    Form("partition-rotate", """CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30); CREATE INDEX ON p3 (v); INSERT INTO p VALUES (201, 25, 'x'); ALTER TABLE p DETACH PARTITION p1;
         ALTER TABLE p1 RENAME TO p1_old; DELETE FROM p1_old WHERE id % 2 = 0; CREATE TABLE kept AS SELECT * FROM p1_old; DROP TABLE p1_old""",
         **{**PARTITIONED, "after": "INSERT INTO p VALUES (150, 11, 'after'), (151, 22, 'after')", "later": "UPDATE p SET k = 23 WHERE id = 150; INSERT INTO kept (id) VALUES (1)"}),
    Form("partition-alter-parent", """ALTER TABLE p ADD extra uuid DEFAULT gen_random_uuid(); ALTER TABLE p ALTER id TYPE bigint; ALTER TABLE p ADD CHECK (k < 1000);
         ALTER TABLE p ADD UNIQUE (id, k, v); ALTER TABLE p RENAME v TO value; ALTER TABLE p ALTER value SET DEFAULT 'x'; ALTER TABLE p1 ALTER value SET NOT NULL""",
         **{**PARTITIONED, "after": "UPDATE p SET value = value || ' after' WHERE id IN (3, 7); INSERT INTO p VALUES (150, 1)", "later": "UPDATE p SET k = 13 WHERE id = 150; DELETE FROM p WHERE id = 3"}),
]
