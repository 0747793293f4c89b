"""Where a statement may stand, and what is not followed."""
from .form import NOT_FOLLOWED, Form

FORMS = [
    Form("in-function", """SELECT build('one'); SELECT build('two words'); UPDATE t SET n = made() WHERE id = 7""", setup="""CREATE FUNCTION build(name text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
         UPDATE t SET v = 'inside' WHERE id = 8; EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, v text DEFAULT %L)', name, name); EXECUTE format('INSERT INTO %I VALUES (1)', name);
         EXECUTE format('ALTER TABLE %I ADD at timestamptz DEFAULT clock_timestamp()', name); PERFORM 1; END $f$;
         CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'CREATE TABLE by_sql (id int PRIMARY KEY); SELECT 5'"""),
    Form("in-do", """DO $$ BEGIN FOR i IN 1..5 LOOP EXECUTE 'CREATE TABLE loop_' || i || ' (id int PRIMARY KEY)'; EXECUTE 'INSERT INTO loop_' || i || ' SELECT generate_series(1, ' || i || ')'; IF i % 2 = 0 THEN EXECUTE 'DROP TABLE loop_' || (i - 1);
         END IF; END LOOP; ALTER TABLE t ADD extra int; UPDATE t SET extra = id; CREATE INDEX ON t (extra); END $$"""),
    Form("in-procedure", ["CALL steps()"], setup="""CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (201, 'step 1'); CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); COMMIT;
         ALTER TABLE a ADD v text DEFAULT 'x'; INSERT INTO a VALUES (2); ROLLBACK; ALTER TABLE a ADD w text DEFAULT 'w'; UPDATE a SET w = 'y'; COMMIT; FOR i IN 1..3 LOOP EXECUTE 'CREATE TABLE b' || i || ' AS SELECT * FROM a'; COMMIT; END LOOP; END $$"""),
    Form("in-trigger", "INSERT INTO tenant VALUES ('first'), ('second'); UPDATE tenant_first SET v = 'x'", setup="""CREATE TABLE tenant (name text PRIMARY KEY); CREATE FUNCTION make() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, v text)', 'tenant_' || NEW.name); EXECUTE format('INSERT INTO %I VALUES (1, %L)', 'tenant_' || NEW.name, NEW.name); RETURN NEW; END $$;
         CREATE TRIGGER make BEFORE INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION make()""", later="INSERT INTO tenant VALUES ('third'); DELETE FROM tenant_second"),
    Form("in-exception-block", """DO $$ BEGIN BEGIN CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); ALTER TABLE t ADD gone int DEFAULT 1; UPDATE t SET gone = 2; RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN
         CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1); END; BEGIN CREATE TABLE b (id int); EXCEPTION WHEN duplicate_table THEN UPDATE b SET id = 2; END; END $$; CREATE TABLE a (v text PRIMARY KEY); INSERT INTO a VALUES ('real')"""),
    Form("in-string", ["""CREATE TABLE a (id int PRIMARY KEY, v text DEFAULT 'semi;colon'); INSERT INTO a VALUES (1); /* ; */ ALTER TABLE a ADD w text DEFAULT $x$a;b$x$; -- ; comment
         INSERT INTO a VALUES (2); CREATE INDEX ON a (w); UPDATE a SET v = 'ä ö 漢' WHERE id = 1; ALTER TABLE a ADD "ü" int DEFAULT 1;;; CREATE VIEW w AS SELECT * FROM a; DELETE FROM a WHERE id = 2"""]),
    Form("in-savepoint", """SAVEPOINT a; CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone VALUES (1); ALTER TABLE t ADD gone int DEFAULT 1; UPDATE t SET gone = 5; DROP TABLE k; ROLLBACK TO a; INSERT INTO k VALUES (1);
         SAVEPOINT b; ALTER TABLE t ADD kept int DEFAULT 2; SAVEPOINT c; ALTER TABLE t ALTER kept TYPE bigint; INSERT INTO t (id, kept) VALUES (301, 3); RELEASE c; ROLLBACK TO b; SAVEPOINT d; ALTER TABLE t ADD kept text DEFAULT 'x';
         UPDATE t SET kept = 'y' WHERE id = 7; RELEASE d; ALTER TABLE t ALTER kept SET NOT NULL""", setup="CREATE TABLE k (id int PRIMARY KEY)"),
    Form("in-rollback", ["BEGIN; CREATE TABLE gone (id int); INSERT INTO gone VALUES (1); ALTER TABLE t DROP COLUMN v; UPDATE t SET n = 0; ROLLBACK"]),
    Form("in-prepared-transaction", "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); ALTER TABLE t ADD extra uuid DEFAULT gen_random_uuid()", prepared="{s}"),
    Form("in-event-trigger", "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x'); CREATE TABLE b (id int)", setup="""CREATE TABLE log (n serial PRIMARY KEY, what text); CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE r record; BEGIN
         FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP IF r.command_tag = 'CREATE TABLE' AND r.schema_name = '{s}' THEN INSERT INTO {s}.log (what) VALUES (r.object_identity); EXECUTE 'GRANT SELECT ON ' || r.object_identity || ' TO forms_reader';
         EXECUTE 'CREATE INDEX ON ' || r.object_identity || ' (id)'; EXECUTE 'COMMENT ON TABLE ' || r.object_identity || ' IS ''made'''; END IF; END LOOP; END $$; CREATE EVENT TRIGGER "00_a_{s}" ON ddl_command_end EXECUTE FUNCTION on_ddl()""",
         later="DROP EVENT TRIGGER \"00_a_{s}\"; INSERT INTO a VALUES (2)", only_source=("00_a_{s}",)),
    Form("in-large-transaction", """INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(10000, 13000) i; ALTER TABLE t ADD extra int DEFAULT 1; UPDATE t SET extra = 2 WHERE id >= 10000; CREATE TABLE big AS SELECT * FROM t; ALTER TABLE big ADD PRIMARY KEY (id);
         ALTER TABLE t ALTER extra TYPE text USING 'e' || extra; DELETE FROM big WHERE id % 2 = 0"""),
    Form("in-replica-session", "SET LOCAL session_replication_role = replica; CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW w AS SELECT 1 AS one; SET LOCAL session_replication_role = origin", expect=NOT_FOLLOWED, only_source=("a", "w")),
    Form("in-other-role", """SET LOCAL ROLE forms_owner; CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; RESET ROLE; CREATE TABLE b (id int); SET LOCAL ROLE forms_writer; SELECT make(); RESET ROLE""",
         setup="GRANT ALL ON SCHEMA {s} TO forms_owner; GRANT USAGE ON SCHEMA {s} TO forms_writer; CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {s} AS 'BEGIN CREATE TABLE c (id int PRIMARY KEY); END'; ALTER FUNCTION make() OWNER TO forms_owner"),
    Form("with-settings", (r"""SET LOCAL search_path = {s}__first, pg_temp; CREATE TABLE a (id int PRIMARY KEY); SET LOCAL search_path = "{s}", "$user", public; SET LOCAL standard_conforming_strings = off; SET LOCAL escape_string_warning = off""", r"""ALTER TABLE t ADD back text DEFAULT 'a\\b\'c'""", """SET LOCAL standard_conforming_strings = on; SET LOCAL DateStyle = 'SQL, DMY'; ALTER TABLE t ADD day date DEFAULT '03/02/2024'; SET LOCAL IntervalStyle = 'sql_standard'; ALTER TABLE t ADD span interval DEFAULT '-1 2:03:04'; SET LOCAL TimeZone = 'Asia/Tokyo';
         ALTER TABLE t ADD at timestamptz DEFAULT '2024-05-05 00:00'; SET LOCAL search_path = ''; CREATE TABLE {s}.b (LIKE {s}.t); SET LOCAL search_path = {s}; SET LOCAL check_function_bodies = off;
         CREATE FUNCTION later_table() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM not_yet'; SET LOCAL default_tablespace = ''; SET LOCAL xmloption = document; ALTER TABLE t ADD n2 int DEFAULT 5"""),
         setup="CREATE SCHEMA {s}__first"),
    Form("with-comments", """/* first */ CREATE -- second
         TABLE/**/"Odd ""Name" ( "id" int PRIMARY KEY, "v.w" text DEFAULT $q$it's$q$, U&"d\\0061t\\+000061" int, "select" int, "漢字" text DEFAULT U&'\\0441\\043B' );
         INSERT INTO "Odd ""Name" (id) VALUES (1); ALTER	TABLE	"Odd ""Name"
         ADD COLUMN "e" text DEFAULT E'tab\\tnew\\nline', ADD "f" text DEFAULT 'a' 
         'b'; CREATE FUNCTION "F 1"() RETURNS text LANGUAGE sql AS $a$ SELECT $b$ ; -- not a comment $b$::text /* ; */ $a$; COMMENT ON TABLE "Odd ""Name" IS $$ $1 %s {} \\ $$"""),
    Form("with-capture-off", "SET LOCAL walbridge.capture_ddl = off; CREATE TABLE a (id int PRIMARY KEY); COMMENT ON TABLE t IS 'unseen'; SET LOCAL walbridge.capture_ddl = on; CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)", expect=NOT_FOLLOWED, gap=True,
         only_source=("a", "TABLE t")),
    Form("drop-several", "DROP TABLE a, {s}__other.a, b; DROP VIEW {s}__other.w, w; DROP FUNCTION f(int), {s}__other.f(int)", setup="""CREATE SCHEMA {s}__other; CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE {s}__other.a (id int); CREATE VIEW w AS SELECT 1 AS one;
         CREATE VIEW {s}__other.w AS SELECT 1 AS one; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION {s}__other.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"""),
    Form("drop-restrict", ["DROP TABLE a RESTRICT"], setup="CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW w AS SELECT * FROM a; INSERT INTO a VALUES (1)", fails="other objects depend on it"),

    Form("role", "CREATE ROLE {s}__made LOGIN PASSWORD 'secret'; ALTER ROLE {s}__made NOLOGIN; GRANT forms_reader TO {s}__made; ALTER ROLE {s}__made RENAME TO {s}__other; REVOKE forms_reader FROM {s}__other; DROP ROLE {s}__other", expect=NOT_FOLLOWED),
    Form("database", ["CREATE DATABASE {s}__db", "ALTER DATABASE {s}__db CONNECTION LIMIT 5", "ALTER DATABASE {s}__db RENAME TO {s}__db2", "DROP DATABASE {s}__db2"], expect=NOT_FOLLOWED),
    Form("tablespace", ["ALTER TABLESPACE pg_default SET (random_page_cost = 3)", "ALTER TABLESPACE pg_default RESET (random_page_cost)"], expect=NOT_FOLLOWED),
    Form("settings", ["ALTER SYSTEM SET work_mem = '5MB'", "ALTER SYSTEM RESET work_mem", "ALTER ROLE forms_owner SET work_mem = '5MB'", "ALTER ROLE forms_owner RESET ALL", "ALTER DATABASE postgres SET work_mem = '5MB'", "ALTER DATABASE postgres RESET work_mem"],
         expect=NOT_FOLLOWED),
    Form("publication", "CREATE PUBLICATION {s} FOR TABLE t; ALTER PUBLICATION {s} ADD TABLE k; ALTER PUBLICATION {s} RENAME TO {s}__new", setup="CREATE TABLE k (id int PRIMARY KEY)", expect=NOT_FOLLOWED, only_source=("{s}__new",),
         later="DROP PUBLICATION {s}__new; INSERT INTO t VALUES (103)"),
    Form("subscription", "CREATE SUBSCRIPTION {s}__n CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION {s}__n SET (slot_name = NONE)", expect=NOT_FOLLOWED, only_source=("{s}__n",), later="DROP SUBSCRIPTION {s}__n; INSERT INTO t VALUES (103)"),
    Form("event-trigger", "CREATE EVENT TRIGGER {s} ON ddl_command_start WHEN TAG IN ('DROP CAST') EXECUTE FUNCTION nothing(); ALTER EVENT TRIGGER {s} DISABLE; ALTER EVENT TRIGGER {s} RENAME TO {s}__new", expect=NOT_FOLLOWED, only_source=("{s}__new",),
         setup="CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", later="INSERT INTO t VALUES (103)"),
    Form("large-object", "SELECT lo_create(4712); GRANT SELECT ON LARGE OBJECT 4712 TO forms_reader; ALTER LARGE OBJECT 4712 OWNER TO forms_owner; SELECT lo_unlink(4712)", expect=NOT_FOLLOWED),
    Form("maintenance", ["VACUUM t", "ANALYZE t", "VACUUM (FULL, ANALYZE) t", "CHECKPOINT", "BEGIN; LOCK TABLE t; COMMIT", "PREPARE x AS SELECT 1", "DEALLOCATE x", "DISCARD PLANS"], expect=NOT_FOLLOWED),
    Form("walbridge", "CREATE TABLE walbridge.{s} (id int); ALTER TABLE walbridge.{s} ADD v text", expect=NOT_FOLLOWED, later="DROP TABLE walbridge.{s}; INSERT INTO t VALUES (103)"),
]
