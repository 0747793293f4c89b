"""Schemas and tables."""
from .form import NOT_FOLLOWED, REFUSED, Form

FORMS = [
    Form("schema-create", """CREATE SCHEMA {s}__new; CREATE TABLE {s}__new.a (id int PRIMARY KEY, v text);
         INSERT INTO {s}__new.a VALUES (1, 'first')""",
         later="INSERT INTO {s}__new.a VALUES (2, 'later'); UPDATE {s}__new.a SET v = 'x' WHERE id = 1; INSERT INTO t VALUES (103)"),
    Form("schema-create-authorization", """CREATE SCHEMA {s}__owned AUTHORIZATION forms_owner;
         CREATE TABLE {s}__owned.a (id int PRIMARY KEY); INSERT INTO {s}__owned.a VALUES (1)"""),
    Form("schema-create-elements", """CREATE SCHEMA {s}__new CREATE TABLE a (id int PRIMARY KEY, v text)
         CREATE INDEX a_v ON a (v) CREATE VIEW w AS SELECT v FROM a GRANT SELECT ON w TO forms_reader CREATE SEQUENCE q;
         INSERT INTO {s}__new.a VALUES (1, 'first')"""),
    Form("schema-create-if-not-exists", "CREATE SCHEMA IF NOT EXISTS {s}; CREATE SCHEMA IF NOT EXISTS {s}__new"),
    Form("schema-rename", "ALTER SCHEMA {s}__old RENAME TO {s}__new; INSERT INTO {s}__new.a VALUES (2, 'after')",
         setup="CREATE SCHEMA {s}__old; CREATE TABLE {s}__old.a (id int PRIMARY KEY, v text); INSERT INTO {s}__old.a VALUES (1, 'x')",
         before="UPDATE {s}__old.a SET v = 'before'; INSERT INTO t VALUES (101)",
         later="UPDATE {s}__new.a SET v = v || ' later'; CREATE SCHEMA {s}__old; CREATE TABLE {s}__old.a (id int PRIMARY KEY);"
               "INSERT INTO {s}__old.a VALUES (7)"),
    Form("schema-owner", "ALTER SCHEMA {s} OWNER TO forms_owner"),
    Form("schema-drop", "DROP SCHEMA {s}__a; DROP SCHEMA IF EXISTS {s}__a; DROP SCHEMA {s}__b RESTRICT",
         setup="CREATE SCHEMA {s}__a; CREATE SCHEMA {s}__b"),
    Form("schema-drop-cascade", "DROP SCHEMA {s}__a CASCADE",
         setup="""CREATE SCHEMA {s}__a; CREATE TABLE {s}__a.a (id int PRIMARY KEY); CREATE TABLE {s}__a.b (id int REFERENCES {s}__a.a);
                  CREATE VIEW w AS SELECT id FROM {s}__a.a; CREATE FUNCTION {s}__a.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
                  CREATE TYPE {s}__a.e AS ENUM ('a'); ALTER TABLE t ADD e {s}__a.e""",
         before="INSERT INTO {s}__a.a VALUES (1), (2); INSERT INTO {s}__a.b VALUES (1); UPDATE t SET e = 'a' WHERE id < 5"),

    Form("table-create", """CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x',
         ref bigint REFERENCES t, total numeric(10, 2) CHECK (total >= 0), at timestamptz DEFAULT now(), tags text[] DEFAULT '{}',
         UNIQUE (name, ref), CONSTRAINT a_small CHECK (total < 1e6)); INSERT INTO a (ref, total) SELECT id, n FROM t WHERE id BETWEEN 10 AND 20""",
         later="INSERT INTO a (ref, name) VALUES (1, 'later'); UPDATE a SET total = total + 1; DELETE FROM a WHERE ref = 12"),
    Form("table-create-if-not-exists", """CREATE TABLE IF NOT EXISTS t (id int, other text);
         CREATE TABLE IF NOT EXISTS a (id int PRIMARY KEY); INSERT INTO a VALUES (1)"""),
    Form("table-create-like", """CREATE TABLE a (LIKE t INCLUDING ALL); CREATE TABLE b (LIKE t, more text, PRIMARY KEY (id));
         INSERT INTO a (id, v, n) SELECT id, v, n FROM t; INSERT INTO b SELECT id, v, n, g, 'b' FROM t""", quiet=True,
         setup="""ALTER TABLE t ADD g int GENERATED ALWAYS AS (n * 2) STORED; ALTER TABLE t ALTER n SET DEFAULT 5;
                  ALTER TABLE t ADD CHECK (n >= 0); CREATE INDEX t_v ON t (lower(v)); COMMENT ON COLUMN t.v IS 'text';
                  CREATE STATISTICS t_s ON v, n FROM t; ALTER TABLE t ALTER v SET STORAGE EXTERNAL""",
         after="UPDATE a SET v = 'after' WHERE id = 1; UPDATE b SET more = 'after' WHERE id = 1; INSERT INTO t (id) VALUES (102)"),
    Form("table-create-as", """CREATE TABLE a AS SELECT id, v, n * 2 AS double, now() AS at, random() AS r, gen_random_uuid() AS u,
         NULL::numeric(8, 3) AS x, v COLLATE "C" AS c FROM t;
         ALTER TABLE a ADD PRIMARY KEY (id); CREATE TABLE b (key, value) WITH (fillfactor = 70) AS VALUES (1, 'one'), (2, 'two') WITH DATA""",
         later="INSERT INTO a (id, v) VALUES (1000, 'later'); UPDATE a SET double = 0 WHERE id = 1; INSERT INTO b VALUES (3, 'three')"),
    Form("table-create-as-no-data", "CREATE TABLE a AS SELECT id, v FROM t WITH NO DATA; INSERT INTO a VALUES (1, 'one')"),
    Form("table-create-as-execute", """PREPARE pick_{s}(int) AS SELECT id, v, clock_timestamp() AS at FROM t WHERE id > $1;
         CREATE TABLE a AS EXECUTE pick_{s}(5); DEALLOCATE pick_{s}"""),
    Form("table-create-as-if-not-exists", "CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS other; CREATE TABLE IF NOT EXISTS a AS SELECT 1 AS one"),
    Form("table-select-into", "SELECT id, upper(v) AS v, random() AS r INTO a FROM t WHERE id < 10; SELECT count(*) INTO TABLE b FROM a",
         later="INSERT INTO a VALUES (999, 'later', 1)"),
    Form("table-create-of", "CREATE TABLE a OF pair (PRIMARY KEY (id), v WITH OPTIONS NOT NULL DEFAULT 'x'); INSERT INTO a (id) VALUES (1)",
         setup="CREATE TYPE pair AS (id int, v text)"),
    Form("table-create-with", "CREATE TABLE a (id int PRIMARY KEY, v text) USING heap WITH (fillfactor = 60, autovacuum_enabled = false);"
         "INSERT INTO a VALUES (1, 'x')"),
    Form("table-create-tablespace", """CREATE TABLE a (id int PRIMARY KEY USING INDEX TABLESPACE pg_default, v text) TABLESPACE pg_default;
         INSERT INTO a VALUES (1, 'x')"""),
    Form("table-create-inherits", """CREATE TABLE child (more int, PRIMARY KEY (id)) INHERITS (t);
         INSERT INTO child VALUES (201, 'child', 1, 2); UPDATE t SET v = 'by parent' WHERE id = 201""",
         later="UPDATE t SET v = 'later' WHERE id IN (1, 201); DELETE FROM child WHERE id = 999"),
    Form("table-create-no-key", """CREATE TABLE a (v text, n int); INSERT INTO a SELECT v, n FROM t; ALTER TABLE a REPLICA IDENTITY FULL;
         UPDATE a SET n = 0 WHERE v = 'v7'; DELETE FROM a WHERE v = 'v8'""",
         later="INSERT INTO a VALUES ('twin', 1), ('twin', 1); DELETE FROM a WHERE ctid IN (SELECT ctid FROM a WHERE v = 'twin' LIMIT 1)"),
    Form("table-create-and-drop", """CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT id, v FROM t; UPDATE a SET v = 'x';
         CREATE INDEX ON a (v); DROP TABLE a; CREATE TABLE a (id text PRIMARY KEY); INSERT INTO a VALUES ('second')"""),
    Form("table-create-temporary", """CREATE TEMPORARY TABLE tmp (id int PRIMARY KEY, v text) ON COMMIT DROP; INSERT INTO tmp SELECT id, v FROM t;
         ALTER TABLE tmp ADD extra int DEFAULT 1; CREATE INDEX ON tmp (extra); COMMENT ON TABLE tmp IS 'gone';
         CREATE TEMP TABLE tmp2 AS SELECT * FROM t; ALTER TABLE tmp2 ALTER n TYPE bigint; SELECT 1 AS one INTO TEMP tmp3;
         CREATE TEMP SEQUENCE tmp_q; INSERT INTO t (id, v) SELECT id + 500, v FROM tmp; DROP TABLE tmp2""", expect=NOT_FOLLOWED),
    Form("table-create-unlogged", """CREATE UNLOGGED TABLE u (id int PRIMARY KEY, v text); INSERT INTO u SELECT id, v FROM t;
         ALTER TABLE u ADD extra int DEFAULT 1; CREATE INDEX u_v ON u (v); ALTER TABLE u ALTER extra TYPE bigint; COMMENT ON TABLE u IS 'x';
         CREATE UNLOGGED TABLE u2 AS SELECT * FROM t; CREATE UNLOGGED TABLE u3 (id int); DROP TABLE u3;
         INSERT INTO t (id, v) SELECT id + 500, v FROM u""", expect=NOT_FOLLOWED, only_source=("u", "u2")),
    Form("table-rename", "ALTER TABLE t RENAME TO renamed; INSERT INTO renamed VALUES (200, 'renamed')",
         after="UPDATE renamed SET v = 'after' WHERE id < 4; DELETE FROM renamed WHERE id = 7",
         later="INSERT INTO renamed VALUES (103); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO renamed VALUES (104)"),
    Form("table-rename-swap", """CREATE TABLE t_new (id bigint PRIMARY KEY, v text, n int, extra int DEFAULT 1);
         INSERT INTO t_new SELECT * FROM t; ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t; DELETE FROM t_old WHERE id < 5""",
         later="INSERT INTO t VALUES (103, 'later', 1, 2); INSERT INTO t_old VALUES (103, 'old'); DROP TABLE t_old"),
    Form("table-set-schema", "ALTER TABLE q SET SCHEMA {s}__to; INSERT INTO {s}__to.q (v) VALUES ('moved')",
         setup="CREATE SCHEMA {s}__to; CREATE TABLE q (id serial PRIMARY KEY, v text); CREATE INDEX q_v ON q (v); INSERT INTO q (v) VALUES ('a')",
         later="UPDATE {s}__to.q SET v = v || ' later'; ALTER TABLE t SET SCHEMA {s}__to; INSERT INTO {s}__to.t VALUES (103)"),
    Form("table-owner", "ALTER TABLE t OWNER TO forms_owner; CREATE TABLE a (id int PRIMARY KEY); ALTER TABLE a OWNER TO CURRENT_USER",
         setup="GRANT ALL ON SCHEMA {s} TO forms_owner"),
    Form("table-storage-parameters", """ALTER TABLE t SET (fillfactor = 55, autovacuum_vacuum_threshold = 99, toast.autovacuum_enabled = off);
         ALTER TABLE t RESET (autovacuum_vacuum_threshold)"""),
    Form("table-set-tablespace", "ALTER TABLE t SET TABLESPACE pg_default; ALTER INDEX t_pkey SET TABLESPACE pg_default"),
    Form("table-move-all", "ALTER TABLE ALL IN TABLESPACE pg_default OWNED BY forms_owner SET TABLESPACE pg_default",
         setup="ALTER TABLE t OWNER TO forms_owner", expect=NOT_FOLLOWED),
    Form("table-set-access-method", "ALTER TABLE t SET ACCESS METHOD heap", since=15),
    Form("table-set-unlogged", "ALTER TABLE a SET UNLOGGED; ALTER TABLE a SET LOGGED; INSERT INTO a VALUES (2, 'logged again')",
         setup="CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'one')", before="UPDATE a SET v = 'before'",
         later="INSERT INTO a VALUES (3, 'later'); ALTER TABLE t SET UNLOGGED", after="UPDATE a SET v = v || ' after'",
         expect=REFUSED, reason="leaves the WAL", differs=("t",)),
    Form("table-set-logged", "ALTER TABLE u SET LOGGED", setup="CREATE UNLOGGED TABLE u (id int PRIMARY KEY, v text); INSERT INTO u VALUES (1, 'x')",
         expect=REFUSED, reason="enters the WAL", only_source=("u",)),
    Form("table-replica-identity", """ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET v = 'full' WHERE id = 8; DELETE FROM t WHERE id = 9;
         ALTER TABLE t ALTER v SET NOT NULL; ALTER TABLE t ADD UNIQUE (v); ALTER TABLE t REPLICA IDENTITY USING INDEX t_v_key;
         UPDATE t SET v = 'index' WHERE id = 10; ALTER TABLE t REPLICA IDENTITY DEFAULT""",
         setup="CREATE TABLE k (id int, v text); INSERT INTO k VALUES (1, 'a'); ALTER TABLE k REPLICA IDENTITY FULL",
         before="UPDATE k SET v = 'before'", after="UPDATE k SET v = v || ' after'; INSERT INTO t VALUES (102, 'unique')",
         busy=("INSERT INTO {s}.t (id, v) VALUES ({k}, 'busy {k}')", "UPDATE {s}.t SET v = v || '.' WHERE id = {k} - 1"),
         later="ALTER TABLE k REPLICA IDENTITY NOTHING; INSERT INTO k VALUES (2, 'b')"),
    Form("table-cluster-on", "ALTER TABLE t CLUSTER ON t_pkey; ALTER TABLE k CLUSTER ON k_pkey; ALTER TABLE k SET WITHOUT CLUSTER",
         setup="CREATE TABLE k (id int PRIMARY KEY)"),
    Form("table-of", "ALTER TABLE t OF row_type; ALTER TABLE k NOT OF",
         setup="CREATE TYPE row_type AS (id bigint, v text, n int); CREATE TYPE pair AS (id int, v text); CREATE TABLE k OF pair"),
    Form("table-inherit", "ALTER TABLE child INHERIT t; INSERT INTO child VALUES (201, 'c', 1, 1); ALTER TABLE other NO INHERIT t",
         setup="""CREATE TABLE child (id bigint NOT NULL PRIMARY KEY, v text, n int, more int);
                  CREATE TABLE other (PRIMARY KEY (id)) INHERITS (t); INSERT INTO other VALUES (301, 'o', 1)""",
         before="UPDATE t SET v = 'with other' WHERE id > 10", after="UPDATE t SET v = 'with child' WHERE id < 300 AND id > 15"),
    Form("table-alter-several", """ALTER TABLE t ADD COLUMN a int DEFAULT 1, ADD b uuid DEFAULT gen_random_uuid(), DROP COLUMN n,
         ALTER COLUMN v TYPE varchar(99) USING 'x' || v, ALTER v SET DEFAULT 'none', ADD CONSTRAINT t_a CHECK (a > 0), SET (fillfactor = 80)"""),
    Form("table-alter-if-exists", "ALTER TABLE IF EXISTS not_there ADD COLUMN x int; ALTER TABLE IF EXISTS t ADD x int DEFAULT 3;"
         "ALTER TABLE IF EXISTS not_there RENAME TO nowhere"),
    Form("table-drop", "DROP TABLE a, b; DROP TABLE IF EXISTS a, c; DROP TABLE IF EXISTS not_there; CREATE TABLE a (id text PRIMARY KEY);"
         "INSERT INTO a VALUES ('new')", setup="CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a); CREATE TABLE c (id serial)",
         before="INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); INSERT INTO c DEFAULT VALUES"),
    Form("table-drop-cascade", "DROP TABLE a CASCADE", setup="""CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
         CREATE VIEW w AS SELECT * FROM a; CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM w; CREATE FUNCTION f(a) RETURNS int LANGUAGE sql AS 'SELECT 1';
         ALTER TABLE t ADD whole a""", before="INSERT INTO a VALUES (1, 'x'); INSERT INTO b VALUES (1); UPDATE t SET whole = (1, 'x') WHERE id = 1",
         after="INSERT INTO b VALUES (99); INSERT INTO t VALUES (102)"),
    Form("table-truncate", """ALTER TABLE t ADD extra int DEFAULT 5; TRUNCATE t, k RESTART IDENTITY; INSERT INTO t (id, v) VALUES (1, 'again');
         INSERT INTO k (v) VALUES ('first'); ALTER TABLE k ADD w text DEFAULT 'w'""",
         setup="CREATE TABLE k (id serial PRIMARY KEY, v text); INSERT INTO k (v) VALUES ('a'), ('b')"),
]
