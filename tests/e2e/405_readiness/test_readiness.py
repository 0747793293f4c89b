# A target that lacks what the source takes for granted: found on the night of the cut, by the application.
import json

import pytest
from walbridge_testing.applier import Exit


def findings(applier, *only):
    arguments = [word for one in only for word in ("--only", one)]
    found = applier.cli("precheck", "--json", *arguments).json()["findings"]
    return {f["id"]: f for f in found}


def test_a_target_that_is_ready(pair):
    pair.source.psql("CREATE EXTENSION pg_trgm; CREATE TABLE t (id int PRIMARY KEY, v text COLLATE \"C\"); CREATE INDEX ON t USING gin (v gin_trgm_ops)")
    found = findings(pair.applier())
    for one in ("extensions", "collations", "access_methods", "tablespaces", "locale", "settings"):
        assert found[f"ready.{one}"]["result"] == "ok", found[f"ready.{one}"]
    assert "pg_trgm" in found["ready.extensions"]["reason"] and found["target.database"]["result"] == "ok"


def test_an_extension_that_is_older_or_not_there(pair):
    pair.source.psql("CREATE EXTENSION pg_trgm; CREATE TABLE t (id int PRIMARY KEY)")
    pair.target.psql("CREATE EXTENSION pg_trgm VERSION '1.3'")
    found = findings(pair.applier(), "ready.extensions")["ready.extensions"]
    assert found["result"] == "warning" and "older" in found["reason"], found
    assert found["fix"] == 'ALTER EXTENSION "pg_trgm" UPDATE;', found
    pair.target.psql(found["fix"])
    assert findings(pair.applier(), "ready.extensions")["ready.extensions"]["result"] == "ok"
    pair.source.psql("UPDATE pg_extension SET extname = 'of_another_server' WHERE extname = 'pg_trgm'")    # what its packages are called here
    found = findings(pair.applier(), "ready.extensions")["ready.extensions"]
    assert found["result"] == "error" and "of_another_server" in found["reason"] and "Install" in found["fix"], found
    pair.source.psql("UPDATE pg_extension SET extname = 'pg_trgm' WHERE extname = 'of_another_server'")


def test_a_superuser_has_to_create_the_extension(pair):
    pair.source.psql("CREATE EXTENSION pg_walinspect; CREATE TABLE t (id int PRIMARY KEY)")
    pair.target.psql("DO $$ BEGIN IF to_regrole('plain_writer') IS NULL THEN CREATE ROLE plain_writer LOGIN; END IF; END $$")
    pair.target.sql(f'GRANT CREATE ON DATABASE "{pair.name}" TO plain_writer')
    applier = pair.applier(target_url=pair.target.url(user="plain_writer"))
    found = findings(applier, "ready.extensions")["ready.extensions"]
    assert found["result"] == "error" and "superuser only" in found["reason"] and 'CREATE EXTENSION "pg_walinspect";' in found["fix"], found
    pair.target.psql("CREATE EXTENSION pg_walinspect; DROP OWNED BY plain_writer; DROP ROLE plain_writer")
    assert findings(pair.applier(), "ready.extensions")["ready.extensions"]["result"] == "ok"


def test_collations_access_methods_and_tablespaces(pair):
    pair.source.psql("""CREATE COLLATION nowhere (provider = icu, locale = 'de-u-co-phonebk'); CREATE TABLE t (id int PRIMARY KEY, v text COLLATE nowhere, w text COLLATE "de-x-icu");
        CREATE ACCESS METHOD my_heap TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE u (id int PRIMARY KEY) USING my_heap""")
    pair.target.psql("SET allow_system_table_mods = on; ALTER COLLATION pg_catalog.\"de-x-icu\" RENAME TO \"de-y-icu\"")
    try:
        found = findings(pair.applier())
    finally:
        pair.target.psql("SET allow_system_table_mods = on; ALTER COLLATION pg_catalog.\"de-y-icu\" RENAME TO \"de-x-icu\"")
    assert found["ready.collations"]["result"] == "error" and "de-x-icu" in found["ready.collations"]["reason"], found["ready.collations"]
    assert "nowhere" not in found["ready.collations"]["reason"]     # ICU is there: the schema stage creates it
    assert found["ready.access_methods"]["result"] == "error" and "my_heap" in found["ready.access_methods"]["reason"]
    folder = pair.source.cluster.directory / "space"
    pair.source.cluster._run("mkdir", "-p", folder)
    pair.source.sql(f"CREATE TABLESPACE \"Fast Disk\" LOCATION '{folder}'")
    try:
        pair.source.psql('DROP TABLE u; CREATE TABLE u (id int PRIMARY KEY) TABLESPACE "Fast Disk"')
        found = findings(pair.applier(), "ready.tablespaces")["ready.tablespaces"]
        assert found["result"] == "warning" and "1 of Fast Disk" in found["reason"], found
    finally:
        pair.source.psql("DROP TABLE u")
        pair.source.sql('DROP TABLESPACE "Fast Disk"')


def test_a_database_that_sorts_otherwise(latin1_pair):
    latin1_pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    found = findings(latin1_pair.applier(), "ready.locale")["ready.locale"]
    assert found["result"] == "warning" and "LC_COLLATE C on the source, C.UTF-8 on the target" in found["reason"], found
    assert f'CREATE DATABASE "{latin1_pair.name}" TEMPLATE template0 ENCODING \'LATIN1\'' in found["fix"]


def test_settings_are_listed_with_their_statements(pair):
    role = "app_of_settings"
    for side in (pair.source, pair.target):
        side.psql(f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role}; END IF; END $$")
    pair.source.psql(f"""CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO {role};
        ALTER DATABASE {pair.name} SET search_path = "$user", "Odd Schema", public; ALTER DATABASE {pair.name} SET app.tenant = 'it''s'; ALTER ROLE {role} IN DATABASE {pair.name} SET statement_timeout = '5s';
        ALTER ROLE {role} SET work_mem = '7MB'; ALTER DATABASE {pair.name} SET walbridge.capture_ddl = on""")
    try:
        found = findings(pair.applier(), "ready.settings")["ready.settings"]
        assert found["result"] == "warning", found
        assert "walbridge.capture_ddl" not in found["reason"]
        pair.target.psql(found["fix"])      # each statement is ready to run
        settings = "SELECT coalesce(setrole::regrole::text, ''), setconfig FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR setrole = 'app_of_settings'::regrole ORDER BY 1, 2"
        here = [(r, [c for c in config if "walbridge" not in c]) for r, config in pair.source.sql(settings)]
        assert [(r, sorted(c)) for r, c in pair.target.sql(settings)] == [(r, sorted(c)) for r, c in here]
        assert findings(pair.applier(), "ready.settings")["ready.settings"]["result"] == "ok"
    finally:
        for side in (pair.source, pair.target):
            side.psql(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("name", ["plain", 'Hyphen-ated "And" Spaces'])
def test_a_missing_database_is_created_on_request(pair, name):
    name = f"{name} {pair.name}"[:60]
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'ü')")
    cluster = pair.target.cluster
    url = cluster.url(name)
    missing = pair.applier(name="refused", target_url=url)
    found = findings(missing)
    assert found["target.connection"]["result"] == "ok" and found["target.database"]["result"] == "error", found["target.database"]
    quoted = '"' + name.replace('"', '""') + '"'
    assert found["target.database"]["fix"].startswith(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C.UTF-8'"), found
    assert found["target.version"]["result"] == "skipped" and "does not exist yet" in found["target.version"]["reason"]
    refused = missing.cli("run")
    assert refused.code == Exit.precheck and "it does not exist" in refused.text and "CREATE DATABASE" in refused.text, refused
    assert cluster.scalar("SELECT count(*) FROM pg_database WHERE datname = %s", (name,)) == 0

    applier = pair.applier(target_url=url, target={"create": True})
    assert applier.cli("precheck").code == Exit.ok
    plan = applier.cli("plan", "--json", "--sample", "0", check=True).json()
    assert [s["object"] for s in plan["statements"] if s["stage"] == "database"] == [name]
    assert cluster.scalar("SELECT count(*) FROM pg_database WHERE datname = %s", (name,)) == 0
    try:
        applier.start()
        applier.wait_caught_up(60)
        pair.source.sql("INSERT INTO t VALUES (2, 'later')")
        applier.wait_caught_up(60)
        assert cluster.sql("SELECT * FROM t ORDER BY id", database=name) == [(1, "ü"), (2, "later")]
        columns = "SELECT encoding, datcollate, datctype, datlocprovider FROM pg_database WHERE datname = %s"
        assert cluster.sql(columns, (name,)) == pair.source.sql(columns, (pair.name,))
        applier.stop()
    finally:
        applier.kill()
        cluster.drop_database(name)


def test_a_role_that_may_not_create_databases(pair):
    cluster = pair.target.cluster
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.psql("DO $$ BEGIN IF to_regrole('no_createdb') IS NULL THEN CREATE ROLE no_createdb LOGIN; END IF; END $$")
    applier = pair.applier(target_url=cluster.url("no_such_database", user="no_createdb"), target={"create": True})
    found = findings(applier, "target.database")["target.database"]
    assert found["result"] == "error" and found["fix"] == "ALTER ROLE no_createdb CREATEDB;", found
    result = applier.cli("run")
    assert result.code == Exit.permission and "CREATEDB" in result.text, result
    cluster.sql("DROP ROLE no_createdb")


def test_a_server_that_is_down_is_not_a_missing_database(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    found = findings(pair.applier(target_url="postgresql://postgres@127.0.0.1:1/nowhere"))
    assert found["target.connection"]["result"] == "error" and found["target.database"]["result"] == "skipped", json.dumps(found, indent=1)
