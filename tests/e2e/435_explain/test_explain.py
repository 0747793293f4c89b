# Which side is right about a row: guessed, because nobody can tell who wrote it, when, and what was decided about it.
from walbridge_testing.applier import Exit

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric); INSERT INTO t SELECT i, 'v', 1.5 FROM generate_series(1, 10) i;"


def explain(applier, *words, **options):
    return applier.cli("explain", "--json", after=words, check=True, **options).json()


def test_a_row_of_the_task_is_the_same_on_both_sides(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.source.psql("UPDATE t SET v = 'w' WHERE id = 3")
    applier.wait_caught_up()
    applier.wait_state("running")
    found = explain(applier, "public.t", "3")
    assert found["verdict"] == "the same on both sides" and found["key"] == {"id": "3"}
    assert found["source"]["written_by"] == "written there"
    assert found["target"]["written_by"] == f"task {applier.name} (this one)" and found["target"]["origin"] == f"walbridge_{applier.name}"
    assert found["target"]["commit_time"] and found["target"]["row"] == {"id": "3", "v": "w", "n": "1.5"}
    assert found["progress"]["state"] == "running" and found["progress"]["behind_bytes"] >= 0
    assert found["conflicts"] == []
    text = applier.cli("explain", after=["public.t", "3"], check=True).text
    assert "the same on both sides" in text and f"task {applier.name} (this one), committed 20" in text and "none is recorded" in text


def test_a_row_that_the_target_changed_differs_by_column_and_writer(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    pair.target.psql("UPDATE t SET n = 1.50 WHERE id = 3; DELETE FROM t WHERE id = 4")
    pair.target.psql("INSERT INTO t VALUES (11, 'here', 0)")
    found = explain(applier, "public.t", "id=3")
    assert found["differs"] == ["n"] and found["target"]["written_by"] == "written there"
    assert "* n" in applier.cli("explain", after=["public.t", "3"]).text
    assert explain(applier, "public.t", "4")["verdict"] == "only on the source"
    assert explain(applier, "public.t", "11")["verdict"] == "only on the target"
    assert explain(applier, "public.t", "12")["verdict"] == "on neither side"


def test_what_was_decided_about_the_row_is_told(pair):
    pair.source.psql(TABLE)
    applier = pair.run(conflict={"policy": "ignore"}, tables=[{"name": "public.t", "rename": "there"}])
    pair.target.psql("INSERT INTO there VALUES (50, 'target', 0)")
    pair.source.psql("INSERT INTO t VALUES (50, 'source', 0), (51, 'source', 0)")
    applier.wait_caught_up()
    found = explain(applier, "public.t", "50")
    assert found["table"] == {"source": "public.t", "target": "public.there"} and found["differs"] == ["v"]
    (record,) = found["conflicts"]
    assert (record["kind"], record["policy"], record["outcome"]) == ("insert_exists", "ignore", "kept target")
    assert explain(applier, "public.there", "50")["conflicts"] == [record], "the target's name is known too"
    assert explain(applier, "public.t", "51")["conflicts"] == []
    applier.cli("conflicts resolve", "--overwrite", after=[record["id"]], check=True)
    found = explain(applier, "public.t", "50")
    assert found["verdict"] == "the same on both sides" and "conflicts resolve" in found["target"]["written_by"]
    assert found["conflicts"][0]["decision"] == "overwrite"
    assert "decided: overwrite" in applier.cli("explain", after=["public.t", "50"]).text


def test_a_row_that_the_task_has_not_got_to(pair):
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.cli("pause", check=True)
    applier.wait_state("paused")
    pair.source.psql("UPDATE t SET v = 'later' WHERE id = 3")
    found = explain(applier, "public.t", "3")
    assert found["differs"] == ["v"] and found["progress"]["behind_bytes"] > 0 and found["progress"]["state"] == "paused"
    pair.source.psql("DELETE FROM t WHERE id = 5")
    assert explain(applier, "public.t", "5")["verdict"] == "only on the target"


def test_keys_of_several_columns_and_none(pair):
    pair.source.psql("""CREATE TABLE t (a int, "B c" text, v int, PRIMARY KEY (a, "B c")); INSERT INTO t VALUES (1, 'x=y', 1), (1, 'z', 2);
        CREATE TABLE bag (v text, w int); ALTER TABLE bag REPLICA IDENTITY FULL; INSERT INTO bag VALUES ('once', 1), ('twice', 2), ('twice', 2)""")
    applier = pair.run()
    for words in [["1", "x=y"], ["a=1", "B c=x=y"], ["B c=x=y", "a=1"]]:
        assert explain(applier, "public.t", *words)["source"]["row"]["v"] == "1", words
    assert explain(applier, "public.bag", "v=once")["verdict"] == "the same on both sides"
    for words, reason in [(["public.t", "1"], "not complete"), (["public.t", "a=1"], "several rows"), (["public.t", "1", "x", "y"], "no such column or key"),
                          (["public.t", "one", "x"], "one"), (["public.bag", "v=twice"], "several rows"), (["public.bag", "twice"], "no such column"),
                          (["public.nope", "1"], "neither side"), (["public.t"], "key is missing"), ([], "table is missing"), (["a.b.c", "1"], "")]:
        result = applier.cli("explain", after=words)
        assert result.code == Exit.usage and reason in result.text, (words, result)


def test_without_commit_times_it_says_so(own_pair):
    pair = own_pair(target={"track_commit_timestamp": "off"})
    pair.source.psql(TABLE)
    applier = pair.run()
    found = explain(applier, "public.t", "3")
    assert found["target"]["track_commit_timestamp"] is False and "track_commit_timestamp is off" in found["target"]["written_by"]
    assert "track_commit_timestamp is off there" in applier.cli("explain", after=["public.t", "3"]).text
    applier.stop()
    pair.source.cluster.stop()
    found = explain(applier, "public.t", "3")
    assert found["source"]["exists"] is None and found["target"]["exists"] is True
    pair.source.cluster.start()
