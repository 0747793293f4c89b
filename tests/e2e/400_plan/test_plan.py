# A night planned by guesswork: how long it takes, what runs where, and who else writes is known only when it hurts.
import os

from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated

SCRIPT = """CREATE SCHEMA sales; CREATE TABLE sales.big (id bigint PRIMARY KEY, v text, at timestamptz DEFAULT now());
    INSERT INTO sales.big (id, v) SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 250000) i;
    CREATE INDEX ON sales.big (at); CREATE TABLE sales.small (id int PRIMARY KEY, big bigint REFERENCES sales.big);
    INSERT INTO sales.small SELECT i, i FROM generate_series(1, 1000) i; CREATE VIEW sales.v AS SELECT count(*) FROM sales.big;
    CREATE TYPE sales.mood AS ENUM ('sad', 'ok'); CREATE TABLE sales.moods (id int PRIMARY KEY, m sales.mood, twice int GENERATED ALWAYS AS (id * 2) STORED);
    INSERT INTO sales.moods SELECT i, 'ok' FROM generate_series(1, 500) i; ANALYZE;"""


def snapshot_of(pair):
    """What a plan may not change: relations, schemas, slots, origins."""
    objects = "SELECT string_agg(oid || ' ' || relname || ' ' || relfilenode, ',' ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't'"
    return [(side.scalar(objects), side.scalar("SELECT string_agg(nspname, ',' ORDER BY 1) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'"),
             side.scalar("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"),
             side.scalar("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge\\_{pair.name}%",)))
            for side in (pair.source, pair.target)]


def test_a_plan_is_what_then_happens(pair):
    pair.source.psql(SCRIPT)
    applier = pair.applier(copy={"workers": 1})
    before = snapshot_of(pair)
    plan = applier.cli("plan", "--json", "--sample", "1", check=True).json()
    assert snapshot_of(pair) == before
    assert plan["started"] is None and plan["forecast"]["through_target"]
    tables = {f"{t['schema']}.{t['table']}": t for t in plan["tables"]}
    assert tables["sales.big"]["bytes"] == pair.source.scalar("SELECT pg_table_size('sales.big')")
    assert tables["sales.big"]["identity"] == "primary key (id)" and tables["sales.big"]["indexes"] == 2
    assert {s["table"] for s in plan["samples"]} >= {"big", "small"}

    applier.start()
    applier.wait_caught_up(90)
    planned = [(s["type"], s["object"], s["statement"]) for s in plan["statements"]
               if s["stage"] in ("before-data", "index", "foreign-key", "after-data")]
    done = pair.target.sql("SELECT object_type, object_name, statement FROM walbridge.schema_item WHERE task = %s AND section <> 'statistics' ORDER BY item", (pair.name,))
    assert planned == done and len(done) > 8
    (slot,) = [s["statement"] for s in plan["statements"] if s["stage"] == "slot"]
    assert f'CREATE_REPLICATION_SLOT "walbridge_{pair.name}"' in slot
    chunks = dict(pair.target.sql("SELECT schema_name || '.' || table_name, count(*) FROM walbridge.table_sync WHERE task = %s GROUP BY 1", (pair.name,)))
    assert chunks == {name: t["chunks"] for name, t in tables.items()}
    took = float(pair.target.scalar("SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM walbridge.table_sync WHERE task = %s", (pair.name,)))
    forecast = plan["forecast"]["copy_seconds"]
    # Less than a second of copying; and a machine that does other things may be three times slower at one of the two moments.
    assert forecast["low"] / 18 < took < forecast["high"] * 18, (forecast, took)
    again = applier.cli("plan", "--sample", "0", check=True)
    assert "The task has begun" in again.out


def test_for_people_and_secrets(pair, monkeypatch):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE nokey (v int)")
    monkeypatch.setenv("WALBRIDGE_TEST_TOKEN", "very-secret-token")
    url = pair.source.url(password="very-secret")
    applier = pair.applier(source_url=url, alert={"webhook": "http://127.0.0.1:1/very-secret-path", "webhook_token_env": "WALBRIDGE_TEST_TOKEN"},
                           source={"replica_identity": "set"}, labels={"team": "dba"})
    text = applier.cli("plan", "--sample", "0", check=True)
    every = text.text + applier.cli("plan", "--sample", "0", "--json", check=True).text + applier.cli("plan", "--sample", "0", "--statements", check=True).text
    assert "very-secret" not in every
    assert 'ALTER TABLE "public"."nokey" REPLICA IDENTITY FULL' in text.out and "CREATE_REPLICATION_SLOT" in text.out
    assert "Nothing was changed on either side." in text.out
    plan = applier.cli("plan", "--sample", "0", "--json", check=True).json()
    settings = {s["key"]: s for s in plan["settings"]}
    assert settings["source.replica_identity"]["from"] == "file" and settings["copy.workers"] == {"key": "copy.workers", "value": "2", "from": "default"}
    assert plan["labels"] == {"team": "dba"}
    assert applier.cli("plan", "--sample", "a while").code == Exit.usage


def test_a_target_that_is_down_leaves_the_rest(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 50000) i")
    applier = pair.applier(target_url="postgresql://postgres@127.0.0.1:1/nowhere")
    plan = applier.cli("plan", "--sample", "500ms", "--json", check=True).json()
    assert plan["target"] is None and plan["notes"] and not plan["forecast"]["through_target"]
    assert plan["samples"] and plan["forecast"]["copy_seconds"]
    assert [s for s in plan["statements"] if s["type"] == "TABLE"]
    assert any("indexes" in text for text in plan["forecast"]["not_forecast"])


def test_traffic_is_measured(pair):
    pair.source.psql("CREATE TABLE t (id serial PRIMARY KEY, v text)")
    insert = "INSERT INTO t (v) SELECT repeat('x', 100) FROM generate_series(1, 20)"
    with Repeated(pair.source, lambda cursor, _: cursor.execute(insert), pause=0.005):
        plan = pair.applier().cli("plan", "--sample", "2", "--json", check=True).json()
    rates = plan["rates"]
    assert rates["rows_per_second"] > 20 and rates["wal_bytes_per_second"] > 2000 and rates["transactions_per_second"] > 1, rates
    assert plan["forecast"]["wal_retained_bytes"]["high"] > 0


def test_other_writers_are_listed(pair):
    pair.both("""CREATE TABLE t (id int PRIMARY KEY); CREATE SCHEMA cron;
        CREATE TABLE cron.job (jobid bigint, schedule text, command text, nodename text, nodeport int, database text, username text, active bool);
        INSERT INTO cron.job VALUES (1, '* * * * *', 'DELETE FROM t', '', 1, current_database(), 'postgres', true), (2, '* * * * *', 'off', '', 1, current_database(), 'postgres', false)""")
    pair.source.psql("""CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw; CREATE PUBLICATION p FOR TABLE t;
        SELECT pg_create_logical_replication_slot('other_slot', 'pgoutput');
        CREATE SUBSCRIPTION "Sub Scription" CONNECTION 'dbname=x' PUBLICATION y WITH (connect = false)""")
    pair.target.psql("""CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
        ALTER TABLE t ENABLE ALWAYS TRIGGER tr; CREATE FUNCTION g() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION g();""")
    open_one = pair.source.connect()
    try:
        with open_one.cursor() as cursor:
            cursor.execute("INSERT INTO t VALUES (1); PREPARE TRANSACTION 'a ''gid'")
            open_one.rollback()
            cursor.execute("INSERT INTO t VALUES (2)")
        plan = pair.applier(include=["public.*"], stages=["full", "incremental"]).cli("plan", "--json", "--sample", "0", check=True).json()
    finally:
        open_one.rollback()
        open_one.close()
        pair.source.psql("""ALTER SUBSCRIPTION "Sub Scription" SET (slot_name = NONE); DROP SUBSCRIPTION "Sub Scription" """)
        pair.target.psql("DROP EVENT TRIGGER et")
    found = {(w["side"], w["kind"], w["name"]): w for w in plan["writers"]}
    assert all(w["detail"] and w["remedy"] for w in plan["writers"])
    for expected in [("source", "cron-job", "job 1"), ("target", "cron-job", "job 1"), ("source", "foreign-server", "away"), ("source", "publication", "p"),
                     ("source", "replication-slot", "other_slot"), ("source", "subscription", "Sub Scription"), ("source", "prepared-transaction", "a 'gid"),
                     ("target", "always-trigger", "tr on public.t"), ("target", "event-trigger", "et")]:
        assert expected in found, (expected, sorted(found))
    assert "COMMIT PREPARED 'a ''gid'" in found["source", "prepared-transaction", "a 'gid"]["remedy"]
    assert any(kind == "transaction" and "walbridge-tests" in name for side, kind, name in found if side == "source"), sorted(found)
    assert not any("job 2" in name for _, _, name in found)


def test_a_narrow_role_still_gets_a_plan(pair):
    """What the role may not see is said; nothing ends the plan."""
    pair.source.psql("""CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE closed (id int PRIMARY KEY); INSERT INTO closed SELECT generate_series(1, 10);
        DO $$ BEGIN IF to_regrole('narrow_plan') IS NULL THEN CREATE ROLE narrow_plan LOGIN; END IF; END $$; GRANT SELECT ON t TO narrow_plan""")
    result = pair.applier(source_url=pair.source.url(user="narrow_plan")).cli("plan", "--json", "--sample", "0")
    assert result.code == Exit.ok, result
    plan = result.json()
    assert any("closed" in note for note in plan["notes"]), plan["notes"]
    assert plan["precheck"]["result"] == "error"
    pair.source.psql("DROP OWNED BY narrow_plan; DROP ROLE narrow_plan")
