"""Constraints."""
from .form import Form

REFERENCED = "CREATE TABLE r (id int PRIMARY KEY, name text UNIQUE); INSERT INTO r SELECT i, 'r' || i FROM generate_series(1, 20) i"
BUSY = ("INSERT INTO {s}.t (id, v, n) VALUES ({k}, 'busy {k}', {k})", "UPDATE {s}.t SET v = v || '.' WHERE id = {k} - 1",
        "DELETE FROM {s}.t WHERE id = {k} - 7")

FORMS = [
    Form("constraint-check", "ALTER TABLE t ADD CONSTRAINT small CHECK (n < 1000000), ADD CHECK (v <> ''), ADD CHECK (length(v) + n > 0)"),
    Form("constraint-check-not-valid", "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID; UPDATE t SET n = 1 WHERE n <= 0; ALTER TABLE t VALIDATE CONSTRAINT c;"
         "ALTER TABLE t ADD CONSTRAINT d CHECK (n <> 13) NOT VALID", setup="INSERT INTO t VALUES (90, 'bad', -1)", before="INSERT INTO t VALUES (101, 'x', -5)",
         after="INSERT INTO t VALUES (102, 'x', 500)", busy=BUSY),
    Form("constraint-check-no-inherit", "ALTER TABLE t ADD CONSTRAINT c CHECK (n IS NOT NULL OR v IS NOT NULL) NO INHERIT; INSERT INTO child VALUES (301, NULL, NULL)",
         setup="CREATE TABLE child (PRIMARY KEY (id)) INHERITS (t)"),
    Form("constraint-not-null", "ALTER TABLE t ADD CONSTRAINT n_set CHECK (n IS NOT NULL) NOT VALID; UPDATE t SET n = 0 WHERE n IS NULL; ALTER TABLE t VALIDATE CONSTRAINT n_set;"
         "ALTER TABLE t ALTER n SET NOT NULL; ALTER TABLE t DROP CONSTRAINT n_set", after="INSERT INTO t VALUES (102, 'after', 1)", busy=BUSY,
         later="INSERT INTO t VALUES (103, 'later', 1)"),
    Form("constraint-not-null-named", "ALTER TABLE t ADD CONSTRAINT n_set NOT NULL n NOT VALID; UPDATE t SET n = 0 WHERE n IS NULL; ALTER TABLE t VALIDATE CONSTRAINT n_set",
         after="INSERT INTO t VALUES (102, 'after', 1)", later="INSERT INTO t VALUES (103, 'later', 1)", busy=BUSY, since=18),
    Form("constraint-primary-key", "ALTER TABLE k ADD PRIMARY KEY (a, b); UPDATE k SET v = 'x' WHERE a = 1; ALTER TABLE k2 ADD CONSTRAINT k2_key PRIMARY KEY (a) INCLUDE (v)",
         setup="""CREATE TABLE k (a int, b text, v text); INSERT INTO k VALUES (1, 'b', 'v'), (2, 'c', 'w'); CREATE TABLE k2 (a int, v text);
                  ALTER TABLE k REPLICA IDENTITY FULL""", before="INSERT INTO k2 VALUES (1, 'before'); UPDATE k SET v = 'before'",
         after="ALTER TABLE k REPLICA IDENTITY DEFAULT; UPDATE k SET v = v || ' after' WHERE b = 'c'; DELETE FROM k2; INSERT INTO k2 VALUES (2, 'after')"),
    Form("constraint-using-index", """CREATE UNIQUE INDEX t_vn ON t (v, n); ALTER TABLE t ADD CONSTRAINT t_unique UNIQUE USING INDEX t_vn;
         CREATE UNIQUE INDEX k_new ON k (b); ALTER TABLE k DROP CONSTRAINT k_pkey, ADD CONSTRAINT k_pkey PRIMARY KEY USING INDEX k_new; UPDATE k SET v = 'x' WHERE b = 2""",
         setup="CREATE TABLE k (a int PRIMARY KEY, b int NOT NULL, v text); INSERT INTO k VALUES (1, 2, 'v')", busy=BUSY),
    Form("constraint-unique", "ALTER TABLE t ADD UNIQUE (v, n), ADD CONSTRAINT t_inc UNIQUE (id, n) INCLUDE (v)", busy=BUSY),
    Form("constraint-unique-nulls", "ALTER TABLE k ADD UNIQUE NULLS NOT DISTINCT (v); UPDATE k SET v = NULL WHERE id = 1", since=15,
         setup="CREATE TABLE k (id int PRIMARY KEY, v text); INSERT INTO k VALUES (1, 'a'), (2, 'b')"),
    Form("constraint-deferrable", """ALTER TABLE k ADD CONSTRAINT place UNIQUE (n) DEFERRABLE INITIALLY DEFERRED; UPDATE k SET n = 3 - n; SET CONSTRAINTS ALL IMMEDIATE;
         ALTER TABLE k ADD CONSTRAINT other UNIQUE (id, n) DEFERRABLE""", setup="CREATE TABLE k (id int PRIMARY KEY, n int); INSERT INTO k VALUES (1, 1), (2, 2)",
         later="UPDATE k SET n = 3 - n"),
    Form("constraint-foreign-key", "ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (n) REFERENCES r; ALTER TABLE k ADD FOREIGN KEY (name) REFERENCES r (name) ON UPDATE CASCADE",
         setup=REFERENCED + "; CREATE TABLE k (id int PRIMARY KEY, name text); INSERT INTO k VALUES (1, 'r1')", before="UPDATE t SET v = 'b' WHERE id = 1",
         after="UPDATE r SET name = 'renamed' WHERE id = 1; INSERT INTO t VALUES (102, 'after', 3)"),
    Form("constraint-foreign-key-not-valid", "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES r NOT VALID; UPDATE t SET n = NULL WHERE n > 20; SET CONSTRAINTS ALL IMMEDIATE;"
         "ALTER TABLE t VALIDATE CONSTRAINT f; ALTER TABLE t ADD CONSTRAINT g FOREIGN KEY (n) REFERENCES r NOT VALID", setup=REFERENCED,
         before="INSERT INTO t VALUES (101, 'dangling', 999)"),
    Form("constraint-foreign-key-actions", """ALTER TABLE t ADD parent bigint REFERENCES t ON DELETE CASCADE; UPDATE t SET parent = 1 WHERE id BETWEEN 11 AND 15;
         ALTER TABLE t ADD r int REFERENCES r ON DELETE SET NULL ON UPDATE CASCADE; UPDATE t SET r = id WHERE id IN (16, 17); SET CONSTRAINTS ALL IMMEDIATE""",
         setup=REFERENCED, after="DELETE FROM t WHERE id = 1; DELETE FROM r WHERE id = 16; UPDATE r SET id = 170 WHERE id = 17"),
    Form("constraint-exclude", "ALTER TABLE k ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) WHERE (id > 0); INSERT INTO k VALUES (3, '[50,60)')",
         setup="CREATE TABLE k (id int PRIMARY KEY, during int4range); INSERT INTO k VALUES (1, '[1,5)'), (2, '[5,9)')", later="UPDATE k SET during = '[70,80)' WHERE id = 2"),
    Form("constraint-alter", "ALTER TABLE t ALTER CONSTRAINT f DEFERRABLE INITIALLY DEFERRED; INSERT INTO t VALUES (201, 'x', 50); INSERT INTO r VALUES (50)",
         setup=REFERENCED + "; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES r", later="ALTER TABLE t ALTER CONSTRAINT f NOT DEFERRABLE"),
    Form("constraint-not-enforced", "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1000) NOT ENFORCED; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES r NOT ENFORCED",
         setup=REFERENCED, since=18),
    Form("constraint-temporal", "ALTER TABLE k ADD PRIMARY KEY (id, during WITHOUT OVERLAPS); CREATE TABLE l (id int4range, during int4range, FOREIGN KEY (id, PERIOD during) REFERENCES k (id, PERIOD during))",
         setup="CREATE TABLE k (id int4range, during int4range)", since=18),
    Form("constraint-rename", "ALTER TABLE t RENAME CONSTRAINT t_pkey TO \"the key\"; ALTER TABLE t RENAME CONSTRAINT c TO d", setup="ALTER TABLE t ADD CONSTRAINT c CHECK (n < 100000)"),
    Form("constraint-drop", "ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t DROP CONSTRAINT IF EXISTS c; ALTER TABLE r DROP CONSTRAINT r_pkey CASCADE; INSERT INTO t VALUES (301, 'x', 200000)",
         setup=REFERENCED + "; ALTER TABLE t ADD CONSTRAINT c CHECK (n < 100000), ADD FOREIGN KEY (n) REFERENCES r"),
    Form("constraint-drop-key", "ALTER TABLE k DROP CONSTRAINT k_pkey; ALTER TABLE k ADD PRIMARY KEY (b); UPDATE k SET a = 7 WHERE b = 3; DELETE FROM k WHERE b = 4",
         setup="CREATE TABLE k (a int PRIMARY KEY, b int, v text); INSERT INTO k VALUES (1, 2, 'v'), (2, 3, 'w'), (3, 4, 'x')", before="UPDATE k SET v = 'before' WHERE a = 1",
         later="UPDATE k SET b = 20 WHERE b = 2"),
]
