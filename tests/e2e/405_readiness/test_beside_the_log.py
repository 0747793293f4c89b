# What the write-ahead log does not carry: lost without a word, were it not copied, compared and named.
import time

from walbridge_testing.applier import Exit


def finding(applier, one="tables.large_objects"):
    (found,) = applier.cli("precheck", "--json", "--only", one).json()["findings"]
    return found


LARGE = """CREATE TABLE docs (id int PRIMARY KEY, body oid);
    INSERT INTO docs SELECT i, lo_from_bytea(0, convert_to(repeat(md5(i::text), i), 'UTF8')) FROM generate_series(1, 150) i;
    INSERT INTO docs VALUES (1000, lo_from_bytea(0, decode(repeat('00ff5c22', 800000), 'hex'))), (1001, lo_create(0)), (1002, lo_from_bytea(0, decode(repeat('ab', 65536), 'hex')));
    DO $$ DECLARE l oid; BEGIN SELECT body INTO l FROM docs WHERE id = 1; EXECUTE format('COMMENT ON LARGE OBJECT %s IS %L', l, 'it''s one');
      SELECT body INTO l FROM docs WHERE id = 2; EXECUTE format('ALTER LARGE OBJECT %s OWNER TO lo_owner; GRANT SELECT ON LARGE OBJECT %s TO PUBLIC; GRANT UPDATE ON LARGE OBJECT %s TO lo_reader WITH GRANT OPTION', l, l, l); END $$;"""

CONTENTS = "SELECT d.id, md5(lo_get(d.body)), length(lo_get(d.body)) FROM docs d ORDER BY id"
META = "SELECT m.oid, lomowner::regrole::text, lomacl::text, obj_description(m.oid, 'pg_largeobject') FROM pg_largeobject_metadata m ORDER BY 1"


def roles(pair):
    for side in (pair.source, pair.target):
        side.psql("".join(f"DO $$ BEGIN IF to_regrole('{r}') IS NULL THEN CREATE ROLE {r}; END IF; END $$;" for r in ("lo_owner", "lo_reader")))


def test_large_objects_are_copied_once_and_compared(pair):
    roles(pair)
    pair.source.psql(LARGE)
    refused = finding(pair.applier(name="refused"))
    assert refused["result"] == "error" and "153 large objects exist and selected tables can refer to them" in refused["reason"], refused
    assert pair.applier(name="refused").cli("run").code == Exit.precheck
    assert finding(pair.applier(name="other", include=["x.*"]))["result"] == "warning"
    assert finding(pair.applier(name="ignored", objects={"large_objects": "ignore"}))["result"] == "ok"
    applier = pair.applier(objects={"large_objects": "copy"})
    assert finding(applier)["result"] == "warning"
    applier.start()
    applier.wait_caught_up(60)
    assert pair.target.sql(CONTENTS) == pair.source.sql(CONTENTS)
    assert pair.target.sql(META) == pair.source.sql(META)
    same = finding(applier)
    assert same["result"] == "ok" and "153 are the same" in same["reason"], same
    pair.source.psql("""SELECT lo_put(body, 3000000, 'x') FROM docs WHERE id = 1000; SELECT lo_unlink(body) FROM docs WHERE id = 3;
        INSERT INTO docs VALUES (2000, lo_from_bytea(0, 'new'))""")
    found = finding(applier)
    assert found["result"] == "warning" and "1 differ" in found["reason"] and "1 are missing on the target" in found["reason"] \
        and "1 were dropped on the source" in found["reason"], found
    applier.stop()
    emptied = applier.cli("reset", "--truncate", "--yes", check=True)
    assert "removed 153 large objects" in emptied.out
    assert pair.target.scalar("SELECT count(*) FROM pg_largeobject_metadata") == 0
    applier.start()
    applier.wait_caught_up(60)
    assert finding(applier)["result"] == "ok"


def test_a_killed_copy_of_large_objects_goes_on(pair):
    pair.source.psql("""CREATE TABLE docs (id int PRIMARY KEY, body oid);
        INSERT INTO docs SELECT i, lo_from_bytea(0, decode(repeat('c0ffee00', 20000), 'hex')) FROM generate_series(1, 900) i""")
    applier = pair.applier(objects={"large_objects": "copy"})
    some = "SELECT count(*) FILTER (WHERE done) FROM walbridge.large_object"
    for least in (0, 300):
        applier.start()
        applier.wait_until(lambda: pair.target.exists("walbridge.large_object") and pair.target.scalar(some) > least, 60)
        applier.kill()
    done = pair.target.scalar(some)
    assert 0 < done < 900, "killed too late to prove anything"
    applier.start()
    applier.wait_caught_up(60)
    assert pair.target.sql(CONTENTS) == pair.source.sql(CONTENTS)
    assert pair.target.scalar("SELECT count(*) FROM pg_largeobject_metadata") == 900


def test_a_large_object_of_others_is_not_touched(pair):
    pair.source.psql("CREATE TABLE docs (id int PRIMARY KEY, body oid); INSERT INTO docs VALUES (1, lo_from_bytea(777777, 'ours'))")
    pair.target.psql("SELECT lo_from_bytea(777777, 'theirs')")
    applier = pair.applier(objects={"large_objects": "copy"})
    result = applier.cli("run")
    assert result.code == Exit.copy_stage and "large object 777777" in result.text and "lo_unlink(777777)" in result.text, result
    assert bytes(pair.target.scalar("SELECT lo_get(777777)")) == b"theirs"


def test_a_reader_without_rights(pair):
    pair.source.psql("""CREATE TABLE docs (id int PRIMARY KEY, body oid); INSERT INTO docs VALUES (1, lo_from_bytea(0, 'closed'));
        DO $$ BEGIN IF to_regrole('lo_narrow') IS NULL THEN CREATE ROLE lo_narrow LOGIN REPLICATION; END IF; END $$; GRANT SELECT ON docs TO lo_narrow""")
    applier = pair.applier(source_url=pair.source.url(user="lo_narrow"), objects={"large_objects": "copy"})
    found = finding(applier)
    assert found["result"] == "error" and "1 of 1 large objects cannot be read" in found["reason"], found
    pair.source.psql(found["fix"])
    assert finding(applier)["result"] == "warning"
    pair.source.psql("DROP OWNED BY lo_narrow; DROP ROLE lo_narrow")


def test_unlogged_tables_are_copied_and_marked(pair):
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY); CREATE UNLOGGED TABLE u (id int, v text); INSERT INTO u SELECT i, md5(i::text) FROM generate_series(1, 1000) i;
        CREATE UNLOGGED TABLE k (id int PRIMARY KEY, v text); INSERT INTO k SELECT i, 'first' FROM generate_series(1, 100) i""")
    pair.target.sql("CREATE EXTENSION walbridge")
    applier = pair.applier()
    found = applier.cli("precheck", "--json").json()["findings"]
    marks = [f for f in found if f["id"] == "tables.unsupported"]
    assert {f["result"] for f in marks} == {"warning"} and all("copied once" in f["reason"] for f in marks) and len(marks) == 2
    assert next(f for f in found if f["id"] == "tables.identity")["result"] == "ok"
    plan = applier.cli("plan", "--json", "--sample", "0", check=True).json()
    assert {t["table"]: t["unlogged"] for t in plan["tables"]} == {"t": False, "u": True, "k": True}
    applier.start()
    applier.wait_caught_up(60)
    pair.compare("u", "k")
    status = applier.status()
    assert {t["table"]: t["followed"] for t in status["tables"]} == {"t": True, "u": False, "k": False}
    assert "2 unlogged ones are copied once and not followed" in applier.cli("status").out
    pair.source.psql("INSERT INTO u VALUES (-1); INSERT INTO t VALUES (1); UPDATE k SET v = 'second'; DELETE FROM k WHERE id > 90; INSERT INTO k VALUES (500, 'new')")
    applier.wait_caught_up(60)
    pair.compare("t")
    assert pair.target.scalar("SELECT count(*) FROM u") == 1000


def test_rows_of_extensions_are_copied_by_their_conditions(pair):
    pair.source.psql("""CREATE SCHEMA conf; CREATE TABLE conf.settings (name text PRIMARY KEY, value text, own bool DEFAULT false, at timestamptz DEFAULT now()); CREATE SEQUENCE conf.numbers;
        CREATE TABLE t (id int PRIMARY KEY); CREATE EXTENSION cube; ALTER EXTENSION cube ADD TABLE conf.settings; ALTER EXTENSION cube ADD SEQUENCE conf.numbers;
        UPDATE pg_extension SET extconfig = ARRAY['conf.settings'::regclass::oid, 'conf.numbers'::regclass::oid], extcondition = ARRAY['WHERE own', ''] WHERE extname = 'cube';
        INSERT INTO conf.settings VALUES ('a', 'it''s', true), ('b', NULL, true), ('c', E'back\\\\slash\\nline', true), ('shipped', 'x', false); SELECT setval('conf.numbers', 41)""")
    # The extension of the target brings the same tables.
    pair.target.psql("""CREATE SCHEMA conf; CREATE TABLE conf.settings (name text PRIMARY KEY, value text, own bool, at timestamptz); CREATE SEQUENCE conf.numbers;
        INSERT INTO conf.settings VALUES ('shipped', 'of the target', false), ('b', 'kept', true); CREATE EXTENSION cube""")
    applier = pair.applier(include=["public.*"])
    plan = applier.cli("plan", "--json", "--sample", "0", check=True).json()
    assert [s["object"] for s in plan["statements"] if s["type"] == "EXTENSION DATA"] == ["conf.settings", "conf.numbers"], plan["statements"]
    applier.start()
    applier.wait_caught_up(60)
    rows = "SELECT name, value, at FROM conf.settings WHERE name IN ('a', 'c') ORDER BY 1"
    assert pair.target.sql(rows) == pair.source.sql(rows)
    assert pair.target.sql("SELECT name, value FROM conf.settings WHERE name NOT IN ('a', 'c') ORDER BY 1") == [("b", "kept"), ("shipped", "of the target")]
    assert pair.target.scalar("SELECT nextval('conf.numbers')") == 42


def test_an_unlogged_table_that_becomes_logged_stops_the_task(pair):
    """What changed while nobody could follow it must not stay behind in silence."""
    pair.source.psql("CREATE UNLOGGED TABLE k (id int PRIMARY KEY, v text); INSERT INTO k SELECT i, 'first' FROM generate_series(1, 100) i")
    pair.target.sql("CREATE EXTENSION walbridge")
    applier = pair.run()
    pair.source.psql("DELETE FROM k WHERE id > 90; ALTER TABLE k SET LOGGED; UPDATE k SET v = 'second' WHERE id = 1")
    assert applier.wait_exit() == Exit.ddl
    assert "enters the WAL" in applier.log_text()
    assert pair.target.scalar("SELECT count(*) FROM k WHERE v = 'first'") == 100


def test_the_throttle_of_the_copy_holds_for_large_objects(pair):
    pair.source.psql("CREATE TABLE docs (id int PRIMARY KEY, body oid); INSERT INTO docs SELECT i, lo_from_bytea(0, decode(repeat('c0ffee00', 131072), 'hex')) FROM generate_series(1, 8) i")
    applier = pair.applier(objects={"large_objects": "copy"}, throttle={"copy_bytes": "1MB"})
    applier.start()
    applier.wait_log("copy pass ended")
    began = time.monotonic()
    applier.wait_log("copied large objects")
    assert time.monotonic() - began > 2.5     # 4 MB
    applier.wait_caught_up(60)
    assert pair.target.sql(CONTENTS) == pair.source.sql(CONTENTS)
