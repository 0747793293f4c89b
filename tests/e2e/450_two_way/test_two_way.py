# Changes that circle between two servers, or that are lost while one way becomes two; a way back that cannot be removed again.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.cluster import Cluster
from walbridge_testing.fixtures import SOURCE_SETTINGS, name_of
from walbridge_testing.nodes import KeyLoad, Nodes, applied, transactions

TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, v text, n int); INSERT INTO t SELECT i, 'start', 0 FROM generate_series(1, 300) i;"


@pytest.fixture(scope="module")
def clusters():
    made = [Cluster(name, SOURCE_SETTINGS).start() for name in ("left", "right")]
    yield made
    for cluster in made:
        cluster.destroy()


@pytest.fixture
def nodes(request, clusters):
    made = Nodes(name_of(request)[:30].rstrip("_"), clusters)
    yield made
    made.close()


def finding(applier, name):
    return applier.cli("precheck", "--json", "--only", name).json()["findings"][0]


def test_upgrade_and_removal_under_load(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1)
    assert finding(forward, "topology.reverse")["reason"].startswith("reverse possible: yes")
    here = KeyLoad(left, 0).start()
    here.wait_for(50)
    back = nodes.reverse(forward)
    there = KeyLoad(right, 1).start()       # what is committed on the right from now on is carried
    there.wait_for(50)
    back.start()
    for load in (here, there):
        load.wait_for(150)
    assert nodes.row(1, forward.name)["reverse_task"] == back.name and nodes.row(0, back.name)["reverse_of"] == forward.name
    assert f"two-way:    task {back.name} is the way back" in forward.cli("status").text
    assert f"two-way:    the way back of task {forward.name}" in back.cli("status").text
    back.kill()                             # and again over a kill and a restart of each
    there.wait_for(30)
    back.start()
    back.wait_state("running")
    forward.stop()
    here.wait_for(30)
    forward.start()
    there.stop()
    back.wait_caught_up()
    back.stop()
    back.start()            # it counts from here
    there = KeyLoad(right, 1, base=50_000_000).start()
    there.wait_for(100)
    came, went = there.stop(), here.stop()
    for applier in (forward, back, forward):
        applier.wait_caught_up()
    nodes.same(0, 1, tables=["t"])
    # A change that travelled back would have been applied once more, and then every one of those once more.
    assert applied(back, came)
    assert transactions(forward) <= went + 12
    for number in (0, 1):
        assert nodes[number].scalar("SELECT count(*) FROM walbridge.conflict") == 0
    # Back to one way while the left is written.
    here = KeyLoad(left, 0, base=70_000_000).start()
    here.wait_for(20)
    result = forward.cli("reverse", "--remove", "--yes")
    assert result.code == Exit.ok and "is one-way again" in result.text, result
    assert back.wait_exit() == Exit.ok
    here.wait_for(20)
    here.stop()
    forward.wait_caught_up()
    nodes.same(0, 1, tables=["t"])
    assert forward.state() == "running" and nodes.row(1, forward.name)["reverse_task"] is None
    assert nodes.row(0, back.name) is None and not back.task_file.exists()
    assert right.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{back.name}",)) == 0
    assert left.scalar("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge\\_{back.name}%",)) == 0
    # And up once more.
    again = nodes.reverse(forward)
    right.psql("INSERT INTO t VALUES (-1, 'second life', 0)")
    again.start()
    again.wait_caught_up()
    assert left.scalar("SELECT v FROM t WHERE id = -1") == "second life"
    forward.wait_caught_up()
    nodes.same(0, 1, tables=["t"])


@pytest.mark.parametrize("options", [{"bulk": False}, {"workers": 3}, {"stream_sessions": 2}], ids=["exact", "workers", "streamed"])
def test_no_circles(nodes, options):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1, apply=options, source={"decoding_memory": "64kB"})
    back = nodes.reverse(forward)
    back.start()
    loads = [KeyLoad(left, 0).start(), KeyLoad(right, 1).start()]
    for load in loads:
        load.wait_for(60)
    for database, low in ((left, 5_000_000), (right, 6_000_000)):       # larger than the decoding memory
        database.psql(f"BEGIN; INSERT INTO t SELECT i, repeat('x', 100), 0 FROM generate_series({low}, {low + 3000}) i; SAVEPOINT s; "
                      f"INSERT INTO t VALUES ({low - 1}, 'gone', 0); ROLLBACK TO s; UPDATE t SET n = 1 WHERE id BETWEEN {low} AND {low + 99}; COMMIT")
    counts = [load.stop() + 1 for load in loads]
    for applier in (forward, back, forward, back):
        applier.wait_caught_up()
    nodes.same(0, 1, tables=["t"])
    assert applied(forward, counts[0]) and applied(back, counts[1])


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_a_truncate_is_not_carried_back(nodes, bulk):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1, apply={"bulk": bulk})
    back = nodes.reverse(forward)
    back.start()
    back.wait_caught_up()
    right.psql("BEGIN; INSERT INTO t VALUES (-1, 'goes with it', 0); TRUNCATE t; INSERT INTO t VALUES (-2, 'behind it', 0); COMMIT")
    back.wait_caught_up()
    assert left.scalar("SELECT count(*) FROM t") == 302 and right.scalar("SELECT count(*) FROM t") == 1
    assert "a TRUNCATE is not carried back" in back.log_text() and "public.t" in back.log_tail()
    left.psql("TRUNCATE t; INSERT INTO t VALUES (1, 'both', 0)")
    forward.wait_caught_up()
    back.wait_caught_up()
    nodes.same(0, 1, tables=["t"])


def test_renamed_tables_and_their_policies_find_back(nodes):
    left, right = nodes
    left.psql("CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY, v text); CREATE TABLE sales.plain (id int PRIMARY KEY, v text)")
    forward = nodes.run("f", 0, 1, include=["sales.*"], schemas=[{"name": "sales", "rename": "shop"}],
                        tables=[{"name": "sales.orders", "rename": "shop.bought", "conflict": "overwrite"}],
                        conflict={"policy": "ignore", "tie": "source"})
    back = nodes.reverse(forward)
    text = back.task_file.read_text()
    for words in ("reverse_of", "'none'", "'0s'", "'target'", "'shop.bought'", "'sales.orders'", "'overwrite'", "'ignore'"):
        assert words in text or words.replace("'", '"') in text, text
    back.start()
    right.psql("INSERT INTO shop.bought VALUES (1, 'right'); INSERT INTO shop.plain VALUES (1, 'right')")
    back.wait_caught_up()
    left.psql("UPDATE sales.orders SET v = 'left'; DELETE FROM sales.plain")
    forward.wait_caught_up()
    back.wait_caught_up()
    assert left.sql("SELECT * FROM sales.orders") == right.sql("SELECT * FROM shop.bought") == [(1, "left")]
    assert right.scalar("SELECT count(*) FROM shop.plain") == 0


def test_copied_rows_are_known_as_the_tasks(nodes):
    left, right = nodes
    left.psql(TABLE + "CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u SELECT generate_series(1, 50)")
    left.psql("CREATE SCHEMA aside; CREATE TABLE aside.old (id int PRIMARY KEY); INSERT INTO aside.old SELECT generate_series(1, 200)")
    forward = nodes.run("f", 0, 1, include=["public.*"])
    marks = right.sql("SELECT DISTINCT o.roname::text FROM (SELECT xmin FROM t UNION ALL SELECT xmin FROM u) r, LATERAL "
                      "pg_xact_commit_timestamp_origin(r.xmin) c LEFT JOIN pg_replication_origin o ON o.roident = c.roident")
    assert marks and all(name and name.startswith(f"walbridge_{forward.name}:copy") for (name,) in marks), marks
    # A table that comes later is copied while the way back listens: its rows do not travel either.
    back = nodes.reverse(forward)
    back.start()
    left.psql("CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late SELECT i, 'x' FROM generate_series(1, 500) i")
    left.psql("ALTER TABLE aside.old SET SCHEMA public")
    forward.wait_caught_up()
    back.wait_caught_up()
    nodes.same(0, 1, tables=["t", "u", "late", "old"])
    marks = right.sql("SELECT DISTINCT o.roname::text FROM old r, LATERAL pg_xact_commit_timestamp_origin(r.xmin) c LEFT JOIN pg_replication_origin o ON o.roident = c.roident")
    assert marks and all(name and ":copy" in name for (name,) in marks), marks
    assert not [line for line in right.cluster.log.read_text().splitlines() if f"walbridge_{forward.name}:copy" in line and "is already active" in line]
    assert applied(back, 0)


def test_what_stands_in_the_way_of_a_way_back(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.applier("f", 0, 1)
    result = forward.cli("reverse")
    assert result.code == Exit.task_state and "it was not started yet" in result.text, result
    result = forward.cli("reverse", "--remove", "--yes")
    assert result.code == Exit.task_state and "it has no way back" in result.text, result
    forward.start()
    forward.wait_caught_up()
    right.psql("ALTER TABLE t DROP CONSTRAINT t_pkey")
    result = forward.cli("reverse")
    assert result.code == Exit.precheck and "tables.identity" in result.text, result
    # Nothing is left of the try.
    assert nodes.row(1, forward.name)["reverse_task"] is None and nodes.row(0, f"{forward.name}_back") is None
    assert not (forward.directory / f"{forward.name}_back.toml").exists()
    right.psql("ALTER TABLE t ADD PRIMARY KEY (id)")
    # Nor is anything of somebody else's taken for the way back's.
    right.psql(f"SELECT pg_create_logical_replication_slot('walbridge_{nodes.name}_x', 'walbridge')")
    result = forward.cli("reverse", f"--reverse-name={nodes.name}_x")
    assert result.code == Exit.task_state and "has a slot" in result.text, result
    assert right.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (f"walbridge_{nodes.name}_x",)) == 1
    right.psql(f"SELECT pg_drop_replication_slot('walbridge_{nodes.name}_x')")
    left.psql(f"INSERT INTO walbridge.task (task, stages) VALUES ('{nodes.name}_y', '{{incremental}}')")
    result = forward.cli("reverse", f"--reverse-name={nodes.name}_y")
    assert result.code == Exit.task_state and "knows another task" in result.text and nodes.row(0, f"{nodes.name}_y"), result
    assert nodes.row(1, forward.name)["reverse_task"] is None
    dry = forward.cli("reverse", "--dry-run")
    assert dry.code == Exit.ok and "reverse_of" in dry.text and not (forward.directory / f"{forward.name}_back.toml").exists(), dry
    back = nodes.reverse(forward)
    result = forward.cli("reverse")
    assert result.code == Exit.task_state and f"it has a way back: task {back.name}" in result.text, result
    result = back.cli("reverse")
    assert result.code == Exit.task_state and f"itself the way back of task {forward.name}" in result.text, result
    # Removal waits for the forward task.
    forward.stop()
    result = forward.cli("reverse", "--remove", "--yes", "--timeout", "2s")
    assert result.code == Exit.timeout and "repeat the command" in result.text, result
    assert nodes.row(0, back.name) is not None
    forward.start()
    result = forward.cli("reverse", "--remove", "--yes")
    assert result.code == Exit.ok, result


def test_sequences_are_kept_apart_and_left_alone(nodes):
    left, right = nodes
    left.psql("CREATE TABLE s (id bigserial PRIMARY KEY, v text); CREATE SEQUENCE spaced INCREMENT 5; INSERT INTO s (v) VALUES ('a'), ('b')")
    forward = nodes.run("f", 0, 1, sequences={"interval": "200ms"})
    forward.wait_until(lambda: right.sql("SELECT last_value, is_called FROM s_id_seq") == [(2, True)], 20, "the keeper works")
    assert finding(forward, "topology.sequences")["result"] == "ok"
    back = nodes.reverse(forward)
    found = finding(back, "topology.sequences")
    assert found["result"] == "warning" and "s_id_seq" in found["reason"] and "spaced" in found["reason"], found
    here, there = found["fix"].removeprefix("First on the target:").split("When the forward task has carried that, on the source:")
    left.psql(here)
    forward.wait_caught_up()
    right.psql(there)
    for applier in (forward, back):
        assert finding(applier, "topology.sequences")["result"] == "ok"
    back.start()
    for database in (left, right, left, right):
        database.psql("INSERT INTO s (v) SELECT 'x' FROM generate_series(1, 20)")
    forward.wait_caught_up()
    back.wait_caught_up()
    nodes.same(0, 1, tables=["s"])
    value = right.sql("SELECT last_value FROM s_id_seq")
    left.psql("SELECT nextval('s_id_seq') FROM generate_series(1, 9); SELECT pg_sleep(1)")      # several looks of the keeper
    assert right.sql("SELECT last_value FROM s_id_seq") == value


def test_two_tasks_over_the_same_tables_are_refused(nodes):
    left, right = nodes
    left.psql(TABLE + "CREATE TABLE other (id int PRIMARY KEY)")
    forward = nodes.run("f", 0, 1, include=["public.t"])
    same = nodes.applier("same", 0, 1, stages=["incremental"], include=["public.t*"])
    found = finding(same, "topology.overlap")
    assert found["result"] == "error" and forward.name in found["reason"] and "public.t" in found["reason"], found
    elsewhere = nodes.applier("elsewhere", 0, 1, include=["public.t"], tables=[{"name": "public.t", "rename": "public.copy_of_t"}])
    assert finding(elsewhere, "topology.overlap")["result"] == "ok"
    opposite = nodes.applier("opposite", 1, 0, stages=["incremental"], include=["public.t"])
    assert opposite.start().wait_exit() == Exit.precheck
    found = finding(opposite, "topology.overlap")
    assert found["result"] == "error" and "the other way" in found["reason"], found
    apart = nodes.applier("apart", 1, 0, stages=["incremental"], include=["public.other"])
    assert finding(apart, "topology.overlap")["result"] == "ok"
    assert finding(forward, "topology.overlap")["result"] == "ok"


def test_a_loop_that_the_filter_does_not_know_of_stops_the_task(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1)
    opposite = nodes.applier("o", 1, 0, stages=["incremental"])
    # Neither the precheck nor the start of the second task sees the first one.
    right.psql("UPDATE walbridge.task SET source_system = '-' || source_system")
    opposite.start()
    opposite.wait_caught_up()
    right.psql("UPDATE walbridge.task SET source_system = substr(source_system, 2)")
    left.psql("INSERT INTO t VALUES (-1, 'once around', 0)")
    assert opposite.wait_exit() == Exit.loop
    assert opposite.name in opposite.log_tail() and forward.name in opposite.log_tail() and f"walbridge_{forward.name}" in opposite.log_tail()
    error = opposite.status()["error"]
    assert error["kind"] == "loop" and error["exit_code"] == 54 and "walbridge release" in error["remedy"], error
    assert left.scalar("SELECT count(*) FROM walbridge.conflict") == 0
    # The first one meets what the second one brings: another task's, not its own way back.
    opposite.start()        # now it leaves out what the first one brought
    right.psql("INSERT INTO t VALUES (-2, 'from the right', 0)")
    assert forward.wait_exit() == Exit.loop
    forward.start()
    for applier in (forward, opposite):
        applier.wait_caught_up()
    nodes.same(0, 1, tables=["t"])
    assert forward.is_running() and opposite.is_running()


def test_a_role_that_may_not_see_the_other_tasks(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1)
    right.psql("CREATE ROLE blind LOGIN REPLICATION; GRANT SELECT ON t TO blind")
    try:
        opposite = nodes.applier("o", 1, 0, stages=["incremental"], source={"url": right.url(user="blind")})
        found = finding(opposite, "topology.loops")
        assert found["result"] == "warning" and "GRANT SELECT ON walbridge.task" in found["fix"], found
        back = nodes.applier("b", 1, 0, stages=["incremental"], source={"url": right.url(user="blind")}, ddl={"classes": ["none"]},
                             task={"reverse_of": forward.name})
        assert finding(back, "topology.loops")["result"] == "error"
        right.psql("GRANT USAGE ON SCHEMA walbridge TO blind; GRANT SELECT ON walbridge.task TO blind")
        found = finding(opposite, "topology.loops")
        assert found["result"] == "ok" and forward.name in found["reason"], found
        assert finding(back, "topology.loops")["result"] == "ok" and finding(back, "topology.overlap")["result"] == "ok"
    finally:
        right.psql("DROP OWNED BY blind; DROP ROLE blind")


def test_the_clocks_are_compared(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1)
    forward.wait_until(lambda: "clocks" in forward.status(), 30, "a first look at the clocks")
    clocks = forward.status()["clocks"]
    assert abs(clocks["difference_seconds"]) <= clocks["uncertainty_seconds"] + 0.01 and clocks["measured_at"] > 0, clocks
    assert "clocks:     the target's" in forward.cli("status").text
    found = finding(forward, "clock.offset")
    assert found["result"] == "ok" and "(±" in found["reason"], found


def test_what_commit_times_need(own_pair):
    pair = own_pair(target={"track_commit_timestamp": "off"})
    pair.source.psql(TABLE)
    applier = pair.applier(conflict={"policy": "last-update-wins"})
    found = finding(applier, "conflict.timestamps")
    assert found["result"] == "error" and "ALTER SYSTEM SET track_commit_timestamp = on" in found["fix"], found
    assert finding(pair.applier(name="plain"), "conflict.timestamps")["result"] == "ok"
    pair.target.cluster.sql("ALTER SYSTEM SET track_commit_timestamp = on")
    pair.target.cluster.restart()
    assert finding(applier, "conflict.timestamps")["result"] == "ok"
