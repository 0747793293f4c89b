# A start that fails after an hour for a reason that could have been known before it.
import pytest
from walbridge_testing.applier import Exit


def items(result):
    return result.json()["findings"]


def failing(result):
    return [i for i in items(result) if i["result"] == "error"]


def test_a_good_task_passes(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    result = pair.applier().cli("precheck", "--json")
    assert result.code == Exit.ok, result
    assert failing(result) == []
    assert all({"id", "result", "reason"} <= set(i) for i in items(result))
    assert pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,)) == []


@pytest.mark.parametrize("what", ["no_identity", "target_table_lacks_column", "target_table_exists", "target_table_missing", "privileges"])
def test_a_failing_item_has_a_reason_and_a_fix(pair, what):
    options, word = {}, ""
    if what == "no_identity":
        pair.source.psql("CREATE TABLE t (v text)")
        word = "REPLICA IDENTITY FULL"
    elif what == "target_table_lacks_column":
        pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, extra int)")
        pair.target.psql("CREATE TABLE t (id int PRIMARY KEY)")
        options, word = {"stages": ["full", "incremental"]}, "extra"
    elif what == "target_table_exists":
        pair.both("CREATE TABLE t (id int PRIMARY KEY)")
        pair.target.psql("INSERT INTO t VALUES (1)")
        word = "t"
    elif what == "target_table_missing":
        pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
        options, word = {"stages": ["full", "incremental"]}, "t"
    elif what == "privileges":
        pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); DO $$ BEGIN IF to_regrole('powerless') IS NULL THEN CREATE ROLE powerless LOGIN; END IF; END $$")
        options, word = {"source_url": pair.source.url(user="powerless")}, "powerless"
    result = pair.applier(**options).cli("precheck", "--json")
    assert result.code == Exit.precheck, result
    errors = failing(result)
    assert errors and all(i["reason"] and i["fix"] for i in errors), errors
    assert any(word in i["reason"] + i["fix"] for i in errors), errors


def test_server_settings(own_pair):
    pair = own_pair(source={"wal_level": "replica", "max_replication_slots": 0})
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    result = pair.applier().cli("precheck", "--json")
    assert result.code == Exit.precheck
    text = " ".join(i["reason"] + i["fix"] for i in failing(result))
    assert "wal_level" in text and "max_replication_slots" in text


def test_a_server_that_refuses_the_plugin(own_pair):
    from walbridge_testing.cluster import Cluster
    pair = own_pair(source={"max_connections": 50})
    cluster = pair.source.cluster
    if not cluster.scalar("SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'"):
        pytest.skip("this server has no output_plugin_libraries")
    cluster.set(output_plugin_libraries="pgoutput, test_decoding")
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    result = pair.applier().cli("precheck", "--json")
    assert result.code == Exit.precheck
    assert any("output_plugin_libraries" in i["reason"] + i["fix"] for i in failing(result))


def test_one_item_alone(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    applier = pair.applier()
    every = items(applier.cli("precheck", "--json"))
    one = items(applier.cli("precheck", "--json", "--only", every[0]["id"]))
    assert [i["id"] for i in one] == [every[0]["id"]]
    unknown = applier.cli("precheck", "--only", "no_such_item")
    assert unknown.code == Exit.usage


def test_servers_that_do_not_answer_are_items_too(pair):
    result = pair.applier(source_url="postgresql://postgres@127.0.0.1:1/nowhere").cli("precheck", "--json")
    assert result.code == Exit.precheck
    assert any("source" in i["id"] + i["reason"] for i in failing(result))


# -- objects that cannot be carried are named [O-13]

def named(result):
    return [i for i in items(result) if i["id"] == "tables.unsupported"]


@pytest.mark.parametrize("what,script,word", [
    ("unlogged", "CREATE UNLOGGED TABLE odd (id int PRIMARY KEY)", "unlogged"),
    ("foreign", "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE odd (a text) SERVER s OPTIONS (filename '/dev/null')",
     "foreign table"),
    ("of_an_extension", "CREATE TABLE odd (id int PRIMARY KEY); CREATE EXTENSION pg_trgm; ALTER EXTENSION pg_trgm ADD TABLE odd", "belongs to an extension"),
    ("materialized_view", "CREATE MATERIALIZED VIEW odd AS SELECT 1 AS one", "materialized view"),
    ("child_not_selected", "CREATE SCHEMA elsewhere; CREATE TABLE odd (id int PRIMARY KEY); CREATE TABLE elsewhere.child (n int) INHERITS (odd)",
     "elsewhere.child inherits from it"),
    ("parent_not_selected", "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.parent (id int PRIMARY KEY); CREATE TABLE odd (n int, PRIMARY KEY (id)) INHERITS (elsewhere.parent)",
     "it inherits from elsewhere.parent"),
    ("hypertable", "CREATE SCHEMA _timescaledb_catalog; CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name); "
                   "CREATE TABLE odd (id int PRIMARY KEY); INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 'odd')", "hypertable"),
])
def test_what_cannot_be_carried_is_named(pair, what, script, word):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY);" + script)
    found = named(pair.applier(include=["public.*"]).cli("precheck", "--json"))
    assert any(word in i["reason"] and i["fix"] for i in found), found
    assert any("public.odd" in i["reason"] for i in found), found
    assert all(i["result"] == ("error" if what == "hypertable" else "warning") for i in found), found
    others = named(pair.applier(name="narrow", include=["public.t"]).cli("precheck", "--json"))    # not selected: nothing to name
    assert [i["result"] for i in others] == ["ok"], others


def test_a_schema_of_an_extension_is_named(pair):
    pair.source.psql("CREATE SCHEMA tools; CREATE TABLE tools.t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); CREATE EXTENSION pg_trgm; ALTER EXTENSION pg_trgm ADD SCHEMA tools")
    for include in (["tools.*"], ["*.*"], ["tools.t"]):
        found = named(pair.applier(include=include).cli("precheck", "--json"))
        assert any("schema tools" in i["reason"] and "pg_trgm" in i["reason"] for i in found), (include, found)
    assert [i["result"] for i in named(pair.applier(include=["public.u"]).cli("precheck", "--json"))] == ["ok"]


def test_what_can_be_carried_is_not_named(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE UNIQUE INDEX ON t (lower(v)); CREATE TABLE child (n int) INHERITS (t); ALTER TABLE child ADD PRIMARY KEY (id);"
                     "CREATE SCHEMA other; CREATE TABLE other.far (m int, PRIMARY KEY (id)) INHERITS (t);"
                     "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE other.p1 PARTITION OF p DEFAULT")
    result = pair.applier().cli("precheck", "--json")
    assert [i["result"] for i in named(result)] == ["ok"], named(result)
    assert failing(result) == [], failing(result)


# -- the capture of DDL

DDL = {"classes": "all"}


def capture(pair, **options):
    found = items(pair.applier(ddl=DDL, **options).cli("precheck", "--json"))
    return {i["id"]: i for i in found if i["id"].startswith("ddl.")}


@pytest.fixture
def capturing(own_pair):
    """A source as the setup guide has it, whose roles and settings are its own."""
    pair = own_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    return pair


def test_the_capture_of_ddl_is_checked(capturing):
    pair, source = capturing, capturing.source
    found = capture(pair)
    assert list(found) == ["ddl.extension", "ddl.preload", "ddl.triggers", "ddl.capture", "ddl.key"]
    assert {i["result"] for i in found.values()} == {"ok"}, found

    def changed(id, result, word, fix):
        found = capture(pair)
        assert found[id]["result"] == result and word in found[id]["reason"] and fix in found[id]["fix"], found[id]
        return found[id]["fix"]

    source.psql('ALTER EVENT TRIGGER "00_walbridge_sql_drop" DISABLE')
    source.psql(changed("ddl.triggers", "error", "00_walbridge_sql_drop", "ENABLE"))

    source.psql("CREATE ROLE deployer; ALTER ROLE deployer SET session_preload_libraries = 'auto_explain'")
    fix = changed("ddl.preload", "warning", "role deployer", "= auto_explain, walbridge;")
    source.psql(fix)
    assert capture(pair)["ddl.preload"]["result"] == "ok"
    source.psql("ALTER ROLE deployer RESET session_preload_libraries")

    source.psql("ALTER ROLE deployer SET walbridge.capture_ddl = off")
    source.psql(changed("ddl.capture", "warning", "role deployer", "ALTER ROLE deployer RESET walbridge.capture_ddl"))
    source.psql(f'ALTER DATABASE "{pair.name}" SET walbridge.capture_ddl = off')
    changed("ddl.capture", "error", "off", "ALTER DATABASE")
    source.psql(f'ALTER DATABASE "{pair.name}" RESET walbridge.capture_ddl')

    source.psql("CREATE ROLE repl LOGIN REPLICATION; GRANT pg_read_all_data TO repl")
    found = capture(pair, source_url=source.url(user="repl"))
    assert found["ddl.preload"]["result"] == "ok", "the setting itself is hidden from such a role"
    assert found["ddl.key"]["result"] == "error" and "GRANT walbridge_capture TO" in found["ddl.key"]["fix"], found
    source.psql(found["ddl.key"]["fix"])
    assert capture(pair, source_url=source.url(user="repl"))["ddl.key"]["result"] == "ok"

    source.psql("DELETE FROM walbridge.capture_key")
    source.psql(changed("ddl.key", "error", "no key", "rotate_capture_key"))
    assert {i["result"] for i in capture(pair).values()} == {"ok"}

    off = items(pair.applier(name="off", ddl={"classes": "none"}).cli("precheck", "--json"))
    assert {i["result"] for i in off if i["id"].startswith("ddl.")} == {"ok"}


def test_a_source_that_does_not_capture(own_pair):
    pair = own_pair(source={"session_preload_libraries": ""})
    pair.source.psql("DROP EXTENSION walbridge; CREATE TABLE t (id int PRIMARY KEY)")
    found = capture(pair)
    assert found["ddl.extension"]["result"] == "error" and "CREATE EXTENSION walbridge" in found["ddl.extension"]["fix"]
    assert found["ddl.preload"]["result"] == "error" and "session_preload_libraries" in found["ddl.preload"]["fix"]
    assert found["ddl.triggers"]["result"] == found["ddl.key"]["result"] == "skipped"
    # Only our role loads it: everybody else's DDL would leave gaps.
    pair.source.psql("CREATE EXTENSION walbridge; ALTER ROLE postgres SET session_preload_libraries = 'walbridge'")
    found = capture(pair)
    assert found["ddl.extension"]["result"] == "ok" and found["ddl.preload"]["result"] == "error", found
    pair.source.psql("ALTER ROLE postgres RESET session_preload_libraries; " + found["ddl.preload"]["fix"].split(";")[0])
    assert capture(pair)["ddl.preload"]["result"] == "ok"
    pair.source.psql(f"ALTER DATABASE \"{pair.name}\" SET session_preload_libraries = 'auto_explain'")
    assert capture(pair)["ddl.preload"]["result"] == "error"
