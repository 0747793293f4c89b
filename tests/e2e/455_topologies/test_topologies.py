# A cascade that loses what arrived by replication, or that carries it back to where it came from; fans that disturb each other.
import pytest
from walbridge_testing.cluster import Cluster
from walbridge_testing.fixtures import SOURCE_SETTINGS, name_of
from walbridge_testing.nodes import KeyLoad, Nodes, applied, transactions

TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, v text, n int); INSERT INTO t SELECT i, 'start', 0 FROM generate_series(1, 300) i;"


@pytest.fixture(scope="module")
def clusters():
    made = [Cluster(name, SOURCE_SETTINGS).start() for name in ("first", "second", "third")]
    yield made
    for cluster in made:
        cluster.destroy()


@pytest.fixture
def nodes(request, clusters):
    made = Nodes(name_of(request)[:30].rstrip("_"), clusters)
    yield made
    made.close()


def test_one_to_many(nodes):
    nodes[0].psql(TABLE)
    tasks = [nodes.run("b", 0, 1), nodes.run("c", 0, 2)]
    load = KeyLoad(nodes[0], 0).start()
    load.wait_for(100)
    tasks[1].kill()         # one that stands still keeps nobody back
    load.wait_for(50)
    tasks[0].wait_caught_up()
    tasks[1].start()
    count = load.stop()
    for applier in tasks:
        applier.wait_caught_up()
    nodes.same(0, 1, 2, tables=["t"])
    assert applied(tasks[0], count)


def test_many_to_one(nodes):
    for number in (0, 1):
        nodes[number].psql("CREATE TABLE t (id bigint PRIMARY KEY, v text, n int)")
    first = nodes.run("a", 0, 2)
    second = nodes.applier("b", 1, 2, stages=["incremental"], ddl={"classes": ["none"]}).start()
    second.wait_caught_up()
    loads = [KeyLoad(nodes[number], number).start() for number in (0, 1)]
    for load in loads:
        load.wait_for(100)
    counts = [load.stop() for load in loads]
    for applier in (first, second):
        applier.wait_caught_up()
    assert applied(first, counts[0]) and applied(second, counts[1])
    both = nodes[0].sql("SELECT * FROM t") + nodes[1].sql("SELECT * FROM t")
    assert sorted(both) == nodes[2].sql("SELECT * FROM t ORDER BY 1, 2, 3")
    assert nodes[2].scalar("SELECT count(*) FROM walbridge.conflict") == 0


def test_cascade(nodes):
    nodes[0].psql(TABLE)
    first = nodes.run("ab", 0, 1)
    second = nodes.run("bc", 1, 2)
    loads = [KeyLoad(nodes[0], 0).start(), KeyLoad(nodes[1], 1).start()]      # B has rows of its own
    for load in loads:
        load.wait_for(100)
    counts = [load.stop() for load in loads]
    first.wait_caught_up()
    second.wait_caught_up()
    nodes.same(1, 2, tables=["t"])
    assert applied(first, counts[0])
    assert nodes[0].scalar("SELECT count(*) FROM t WHERE id % 2 = 1 AND id > 1000000") == 0     # nothing of B's came to A
    passed_on = transactions(second)      # those of A may have shared transactions on their way into B
    assert counts[1] < passed_on <= sum(counts) + 12, (counts, passed_on)
    assert nodes[1].scalar("SELECT count(*) FROM pg_replication_origin WHERE roname = %s", (f"walbridge_{first.name}",)) == 1


def test_two_ways_and_a_cascade(nodes):
    nodes[0].psql(TABLE)
    forward = nodes.run("ab", 0, 1)
    cascade = nodes.run("bc", 1, 2)
    back = nodes.reverse(forward)
    back.start()
    loads = [KeyLoad(nodes[0], 0).start(), KeyLoad(nodes[1], 1).start()]
    for load in loads:
        load.wait_for(100)
    counts = [load.stop() for load in loads]
    for applier in (forward, back, forward, cascade):
        applier.wait_caught_up()
    nodes.same(0, 1, 2, tables=["t"])
    assert applied(forward, counts[0]) and applied(back, counts[1])
    for number in (0, 1, 2):
        assert nodes[number].scalar("SELECT count(*) FROM walbridge.conflict") == 0
    # The way back goes, the others stay.
    result = forward.cli("reverse", "--remove", "--yes")
    assert result.code == 0, result
    nodes[0].psql("UPDATE t SET v = 'last' WHERE id = 1")
    forward.wait_caught_up()
    cascade.wait_caught_up()
    nodes.same(0, 1, 2, tables=["t"])
