# A filter that is changed in the task file must not leave rows of the old one behind, nor copy tables again that it does not concern.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.objects import objects, settled

TABLES = """CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text); CREATE TABLE c (id int PRIMARY KEY, v text);
INSERT INTO a SELECT i, 'a' FROM generate_series(1, 300) i; INSERT INTO b SELECT i, 'b' FROM generate_series(1, 300) i; INSERT INTO c SELECT i, 'c' FROM generate_series(1, 300) i"""


def changes(applier):
    return applier.cli("objects", "--json", check=True).json()["changes"]


def start_with(pair, applier, *tables):
    applier.stop()
    applier.document["objects"]["table"] = list(tables)
    applier.write_task()
    applier.start()
    pair.source.psql("UPDATE c SET v = v WHERE id = 300")       # something that only the new process can have applied
    applier.wait_caught_up()


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_changed_rule_copies_its_table_once_more(pair, killed):
    """Filters that every row passes: what is looked at is which tables are copied again."""
    pair.source.psql(TABLES)
    applier = pair.run(tables=[{"name": "public.a", "where": "id > 0"}, {"name": "public.c", "where": "id > 0"}])
    assert changes(applier) == []
    start_with(pair, applier, {"name": "public.a", "where": "id > 0"}, {"name": "public.c", "where": "id > 0"})
    assert changes(applier) == [], "the same rules"
    pair.source.psql("CREATE TABLE created (id int PRIMARY KEY); INSERT INTO created VALUES (1)")
    applier.wait_caught_up()
    # Rows that only a copy brings back.
    pair.target.psql("SET session_replication_role = replica; DELETE FROM a WHERE id < 100; DELETE FROM b WHERE id = 7; DELETE FROM c WHERE id = 7; DELETE FROM created")
    pair.source.psql("INSERT INTO a VALUES (1000, 'x')")
    applier.wait_caught_up()
    if killed:
        applier.kill()
    start_with(pair, applier, {"name": "public.a", "where": "id >= 0"}, {"name": "public.b", "operations": ["insert", "update", "delete", "truncate"]},
               {"name": "public.c", "where": "id > 0", "operations": ["insert", "update", "delete", "truncate"]}, {"name": "public.created", "where": "id > 0"})
    if killed:
        applier.kill()
        applier.start()
    settled(applier)
    pair.source.psql("INSERT INTO a VALUES (1001, 'y'); UPDATE a SET v = 'z' WHERE id = 5")
    applier.wait_caught_up()
    pair.compare("a", "created")
    asked = changes(applier)
    assert {(c["action"], c["pattern"]) for c in asked} == {("resync", '"public"."a"'), ("resync", '"public"."created"')}, asked
    assert all("its rule in the task file was changed" in c["reason"] for c in asked)
    for table in ("b", "c"):
        assert pair.target.scalar(f"SELECT count(*) FROM {table}") == 299, "a change of operations alone copies nothing again"


def test_a_rule_that_cannot_be_followed_is_refused_before_its_table_leaves_the_stream(pair):
    pair.source.psql(TABLES)
    applier = pair.run(tables=[{"name": "public.a", "where": "id > 0"}])
    applier.stop()
    applier.document["objects"]["table"] = [{"name": "public.a", "where": "idd > 0"}]
    applier.write_task()
    applier.start()
    assert applier.wait_exit(60) == Exit.precheck
    assert 'column "idd" does not exist' in applier.log_text() and changes(applier) == []
    pair.source.psql("UPDATE a SET v = 'meanwhile'")
    start_with(pair, applier, {"name": "public.a", "where": "id > 0"})
    assert changes(applier) == []
    pair.compare()


def test_tables_that_the_task_file_selects_now_are_brought(pair):
    pair.source.psql(TABLES + "; CREATE TABLE there (id int PRIMARY KEY); INSERT INTO there VALUES (1)")
    pair.target.psql("CREATE TABLE there (id int PRIMARY KEY)")
    applier = pair.run(include=["public.*"], exclude=["public.a", "public.there"])
    refused = applier.cli("objects add", after=["public.a"])
    assert refused.code == Exit.configuration and "start the task again" in refused.text, refused
    applier.stop()
    applier.document["objects"]["exclude"] = ["public.b"]
    applier.write_task()
    assert {name: table["state"] for name, table in objects(applier).items()} == {"public.a": "not brought yet", "public.c": "streaming", "public.there": "not brought yet"}
    applier.start()
    pair.source.psql("UPDATE a SET v = 'meanwhile' WHERE id < 50; UPDATE b SET v = 'no longer'; UPDATE c SET v = 'c2' WHERE id < 5")
    applier.wait_caught_up()
    applier.kill()
    applier.start()
    pair.source.psql("UPDATE c SET v = v WHERE id = 300")
    applier.wait_caught_up()
    settled(applier)
    pair.source.psql("INSERT INTO a VALUES (1000, 'x'); INSERT INTO there VALUES (2)")
    applier.wait_caught_up()
    pair.compare("a", "c", "there")
    assert pair.target.scalar("SELECT count(*) FROM b WHERE v = 'b'") == 300
    assert {(c["action"], c["pattern"], c["reason"]) for c in changes(applier)} == {("add", f'"public"."{t}"', "the task file selects it now") for t in ("a", "there")}


def test_tables_that_the_task_file_leaves_out_for_a_while_are_copied_again(pair):
    """What changed meanwhile is on nobody's stream."""
    pair.source.psql(TABLES)
    applier = pair.run()

    def start_with_exclude(*patterns):
        applier.stop()
        applier.document["objects"]["exclude"] = list(patterns)
        applier.write_task()
        applier.start()
        pair.source.psql("UPDATE c SET v = v WHERE id = 300")
        applier.wait_caught_up()
    start_with_exclude("public.a")
    pair.source.psql("UPDATE a SET v = 'missed' WHERE id < 100; DELETE FROM a WHERE id = 200")
    applier.wait_caught_up()
    pair.target.psql("TRUNCATE a")
    start_with_exclude()
    settled(applier)
    pair.source.psql("INSERT INTO a VALUES (1000, 'x')")
    applier.wait_caught_up()
    pair.compare()
    # Rows that the target holds are nobody's to remove: it is said, and the others go on.
    start_with_exclude("public.b")
    pair.source.psql("UPDATE b SET v = 'missed'")
    start_with_exclude()
    applier.wait_until(lambda: [c["state"] for c in changes(applier) if c["pattern"] == '"public"."b"'] == ["failed"], 60, "the filled table is refused")
    pair.source.psql("UPDATE c SET v = 'goes on'")
    applier.wait_caught_up()
    pair.compare("a", "c")
    pair.target.psql("TRUNCATE b")
    applier.cli("resume", check=True)
    applier.wait_until(lambda: changes(applier)[-1]["state"] == "done", 60, "it is copied after all")
    applier.wait_caught_up()
    pair.compare()


def test_a_changed_filter_leaves_the_rows_of_the_new_one(pair):
    pair.source.psql(TABLES)
    applier = pair.run(tables=[{"name": "public.a", "where": "id <= 200"}])
    assert pair.target.scalar("SELECT count(*) FROM a") == 200
    start_with(pair, applier, {"name": "public.a", "where": "id > 100"})
    pair.source.psql("UPDATE a SET v = 'later'; DELETE FROM a WHERE id = 150; INSERT INTO a VALUES (0, 'left out'), (1000, 'taken')")
    settled(applier)
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id, v FROM a ORDER BY id") == pair.source.sql("SELECT id, v FROM a WHERE id > 100 ORDER BY id")
    pair.compare("b", "c")
