"""Views, materialized views and rules."""
from .form import NOT_FOLLOWED, Form

FORMS = [
    Form("view-create", "CREATE VIEW w AS SELECT id, v FROM t WHERE n > 3; CREATE VIEW w2 (a, b) AS SELECT w.id, upper(w.v) FROM w JOIN t USING (id); CREATE VIEW w3 AS TABLE w2"),
    Form("view-or-replace", "CREATE OR REPLACE VIEW w AS SELECT id, v, n FROM t; CREATE OR REPLACE VIEW w2 AS SELECT 1 AS one", setup="CREATE VIEW w AS SELECT id, v FROM t"),
    Form("view-recursive", "CREATE RECURSIVE VIEW w (i) AS VALUES (1) UNION ALL SELECT i + 1 FROM w WHERE i < 5; CREATE OR REPLACE VIEW w2 AS WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x WHERE i < 3) SELECT * FROM x, t"),
    Form("view-options", """CREATE VIEW w WITH (security_barrier) AS SELECT id, v, n FROM t WHERE n < 100 WITH LOCAL CHECK OPTION; INSERT INTO w VALUES (201, 'through', 5);
         UPDATE w SET v = 'through the view' WHERE id = 7; DELETE FROM w WHERE id = 8; ALTER VIEW w SET (security_barrier = false); ALTER VIEW w RESET (security_barrier)"""),
    Form("view-alter-column", "ALTER VIEW w ALTER COLUMN n SET DEFAULT 77; INSERT INTO w (id) VALUES (201); ALTER VIEW w RENAME COLUMN v TO name; ALTER TABLE w RENAME n TO number",
         setup="CREATE VIEW w AS SELECT * FROM t"),
    Form("view-rename", "ALTER VIEW w RENAME TO w_new; ALTER VIEW w2 SET SCHEMA {s}__to; ALTER VIEW w_new OWNER TO forms_owner; ALTER TABLE w3 RENAME TO w",
         setup="CREATE SCHEMA {s}__to; GRANT CREATE ON SCHEMA {s} TO forms_owner; CREATE VIEW w AS SELECT * FROM t; CREATE VIEW w2 AS SELECT * FROM w; CREATE VIEW w3 AS SELECT 1 AS one"),
    Form("view-temporary", "CREATE TEMP TABLE tmp AS SELECT 1 AS one; CREATE TEMP VIEW w AS SELECT * FROM t; CREATE VIEW w2 AS SELECT * FROM tmp; CREATE OR REPLACE TEMP VIEW w AS SELECT * FROM t",
         expect=NOT_FOLLOWED),
    Form("view-drop", "DROP VIEW w2, w; DROP VIEW IF EXISTS w; DROP VIEW x CASCADE", setup="""CREATE VIEW w AS SELECT * FROM t; CREATE VIEW w2 AS SELECT * FROM w;
         CREATE VIEW x AS SELECT * FROM t; CREATE VIEW y AS SELECT * FROM x; CREATE RULE r AS ON INSERT TO y DO INSTEAD NOTHING"""),
    Form("materialized-view-create", """CREATE MATERIALIZED VIEW m AS SELECT n % 3 AS k, count(*), max(v) FROM t WHERE id < 20 GROUP BY 1; CREATE UNIQUE INDEX ON m (k);
         CREATE MATERIALIZED VIEW IF NOT EXISTS m AS SELECT 1; CREATE MATERIALIZED VIEW m2 (a) WITH (fillfactor = 60) AS SELECT sum(k) FROM m""", quiet=True),
    Form("materialized-view-no-data", "CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t WITH NO DATA; CREATE INDEX m_v ON m (v)"),
    Form("materialized-view-refresh", "REFRESH MATERIALIZED VIEW m; REFRESH MATERIALIZED VIEW m2 WITH NO DATA; DELETE FROM t WHERE id = 3; REFRESH MATERIALIZED VIEW m3", quiet=True,
         setup="CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE MATERIALIZED VIEW m2 AS SELECT count(*) FROM t; CREATE MATERIALIZED VIEW m3 AS SELECT v FROM t WITH NO DATA"),
    Form("materialized-view-refresh-concurrently", "REFRESH MATERIALIZED VIEW CONCURRENTLY m", quiet=True,
         setup="CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t; CREATE UNIQUE INDEX m_id ON m (id)"),
    Form("materialized-view-alter", """ALTER MATERIALIZED VIEW m RENAME TO m_new; ALTER MATERIALIZED VIEW m_new RENAME COLUMN v TO name; ALTER MATERIALIZED VIEW m_new SET SCHEMA {s}__to;
         ALTER MATERIALIZED VIEW {s}__to.m_new ALTER COLUMN name SET STATISTICS 40; ALTER MATERIALIZED VIEW {s}__to.m_new CLUSTER ON m_id; ALTER MATERIALIZED VIEW {s}__to.m_new SET (fillfactor = 44)""",
         setup="CREATE SCHEMA {s}__to; CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t; CREATE UNIQUE INDEX m_id ON m (id)"),
    Form("materialized-view-drop", "DROP MATERIALIZED VIEW m; DROP MATERIALIZED VIEW IF EXISTS m; DROP MATERIALIZED VIEW m2 CASCADE",
         setup="CREATE MATERIALIZED VIEW m AS SELECT 1; CREATE MATERIALIZED VIEW m2 AS SELECT 1 AS a; CREATE VIEW w AS SELECT * FROM m2"),
    Form("rule-create", """CREATE RULE log AS ON UPDATE TO t WHERE NEW.n IS DISTINCT FROM OLD.n DO ALSO INSERT INTO k VALUES (OLD.id); UPDATE t SET n = n + 1 WHERE id < 10;
         CREATE OR REPLACE RULE log AS ON UPDATE TO t DO ALSO INSERT INTO k VALUES (-OLD.id); CREATE VIEW w AS SELECT * FROM t; CREATE RULE "in" AS ON INSERT TO w DO INSTEAD INSERT INTO t VALUES (NEW.id, 'by rule');
         INSERT INTO w (id) VALUES (201)""", setup="CREATE TABLE k (id int)"),
    Form("rule-alter", "ALTER RULE log ON t RENAME TO notes; ALTER TABLE t DISABLE RULE notes; UPDATE t SET n = 0 WHERE id = 7; ALTER TABLE t ENABLE RULE notes; UPDATE t SET n = 0 WHERE id = 8",
         setup="CREATE TABLE k (id int); CREATE RULE log AS ON UPDATE TO t DO ALSO INSERT INTO k VALUES (OLD.id)"),
    Form("rule-drop", "DROP RULE log ON t; DROP RULE IF EXISTS log ON t", setup="CREATE TABLE k (id int); CREATE RULE log AS ON UPDATE TO t DO ALSO INSERT INTO k VALUES (OLD.id)"),
]
