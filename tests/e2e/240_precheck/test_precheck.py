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
