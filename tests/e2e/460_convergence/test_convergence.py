# Two sides that are written at once and never become one again: a row that rises from the dead, an update that wins here and loses there.
import random
import threading
import time

import psycopg2
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.cluster import Cluster
from walbridge_testing.fixtures import SOURCE_SETTINGS, name_of
from walbridge_testing.nodes import Nodes
from walbridge_testing.waiting import wait_until

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text, n int)"
KEYS = 25


@pytest.fixture(scope="module")
def clusters():
    made = [Cluster(name, SOURCE_SETTINGS | {"track_commit_timestamp": "on"}).start() for name in ("left", "right")]
    yield made
    for cluster in made:
        cluster.destroy()


@pytest.fixture
def nodes(request, clusters):
    parameters = getattr(request.node, "callspec", None)
    made = Nodes("_".join([name_of(request)[:20], *map(str, parameters.params.values() if parameters else ())]).strip("_"), clusters)
    yield made
    made.close()


class Clashes(threading.Thread):
    """A client that writes the same few keys as the others: insert, update, delete, move."""

    def __init__(self, database, label, seed):
        super().__init__(daemon=True)
        self.database, self.label, self.random = database, label, random.Random(seed)
        self.ending, self.committed, self.error = threading.Event(), 0, None

    def run(self):
        try:
            connection = self.database.connect(autocommit=True)
            cursor = connection.cursor()
            while not self.ending.is_set():
                try:
                    self.step(cursor)
                except psycopg2.errors.UniqueViolation:     # the other client was faster
                    continue
                self.committed += 1
                self.ending.wait(0.004 * self.random.random())
            connection.close()
        except Exception as error:
            self.error = error

    def step(self, cursor):
        key, other, dice = self.random.randint(1, KEYS), self.random.randint(1, KEYS), self.random.random()
        text = f"{self.label} {self.committed}"
        if dice < 0.35:
            cursor.execute("INSERT INTO t VALUES (%s, %s, 0) ON CONFLICT DO NOTHING", (key, text))
        elif dice < 0.65:
            cursor.execute("UPDATE t SET v = %s, n = n + 1 WHERE id = %s", (text, key))
        elif dice < 0.85:
            cursor.execute("DELETE FROM t WHERE id = %s", (key,))
        else:
            cursor.execute("UPDATE t SET id = %s, v = %s WHERE id = %s AND NOT EXISTS (SELECT FROM t WHERE id = %s)", (other, text, key, other))


def quiet(*appliers):
    """What one applies may announce something to the other: to and fro until nothing is left."""
    for _ in range(3):
        for applier in appliers:
            applier.wait_caught_up()


def rows(database):
    return database.sql("SELECT * FROM t ORDER BY id")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_last_update_wins_ends_the_same_on_both_sides(nodes, seed):
    left, right = nodes
    left.psql(TABLE)
    settings = {"conflict": {"policy": "last-update-wins"}, "apply": {"bulk": seed != 2, "workers": 2 if seed == 3 else 1}}
    forward = nodes.run("f", 0, 1, **settings)
    back = nodes.reverse(forward)
    back.start()
    back.wait_caught_up()
    clients = [Clashes(database, label, f"{seed} {label} {number}") for database, label in ((left, "left"), (right, "right")) for number in range(2)]
    for client in clients:
        client.start()
    chance = random.Random(seed)

    def more(count):
        goal = sum(client.committed for client in clients) + count
        wait_until(lambda: sum(client.committed for client in clients) >= goal or any(client.error for client in clients), 60, "the clients write")
        assert not any(client.error for client in clients), [client.error for client in clients]

    for _ in range(4):
        more(200)
        applier = chance.choice([forward, back])
        if chance.random() < 0.5:
            applier.kill()
            more(100)
            applier.start()
        else:
            applier.cli("pause")
            more(100)
            applier.cli("resume")
    more(200)
    for client in clients:
        client.ending.set()
    for client in clients:
        client.join(30)
        assert client.error is None
    quiet(forward, back)
    assert sorted(set(rows(left)) ^ set(rows(right))) == []
    kinds = {kind for database in (left, right) for (kind,) in database.sql("SELECT DISTINCT kind FROM walbridge.conflict")}
    assert {"insert_exists", "update_origin_differs", "delete_origin_differs", "update_missing"} <= kinds, kinds


@pytest.mark.parametrize("first", ["delete", "update"])
def test_a_row_deleted_here_and_changed_there_ends_the_same(nodes, first):
    left, right = nodes
    left.psql(TABLE + "; INSERT INTO t VALUES (1, 'start', 0), (2, 'start', 0)")
    forward = nodes.run("f", 0, 1, conflict={"policy": "last-update-wins"})
    back = nodes.reverse(forward)
    back.start()
    left.psql("UPDATE t SET n = 1")
    quiet(forward, back)
    for applier in (forward, back):
        applier.cli("pause", check=True)
    writes = [(left, "DELETE FROM t"), (right, "UPDATE t SET v = 'changed'")]
    for database, sql in writes if first == "delete" else reversed(writes):
        database.psql(sql)
    for applier in (back, forward):     # the way back first: the older change rises again on the left for a moment
        applier.cli("resume", check=True)
    quiet(back, forward)
    assert rows(left) == rows(right) == ([] if first == "update" else [(1, "changed", 1), (2, "changed", 1)])


@pytest.mark.parametrize("policy", ["overwrite", "ignore"])
def test_without_times_each_side_ends_as_its_task_says_and_nothing_circles(nodes, policy):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1, conflict={"policy": policy, "origins": "on"})
    back = nodes.reverse(forward)
    back.start()
    left.psql("INSERT INTO t SELECT i, 'start', 0 FROM generate_series(1, 20) i")
    quiet(forward, back)
    for applier in (forward, back):
        applier.cli("pause", check=True)
    for database, label in ((left, "left"), (right, "right")):
        database.psql(f"UPDATE t SET v = '{label}' WHERE id <= 10; INSERT INTO t VALUES (30, '{label}', 0)")
    for applier in (forward, back):
        applier.cli("resume", check=True)
    quiet(forward, back)
    expected = {"overwrite": ("right", "left"), "ignore": ("left", "right")}[policy]
    for database, label in zip((left, right), expected):
        assert database.sql("SELECT DISTINCT v FROM t WHERE id <= 10 OR id = 30") == [(label,)]
        assert database.scalar("SELECT count(*) FROM walbridge.conflict") == 11
    assert left.sql("SELECT id FROM t ORDER BY id") == right.sql("SELECT id FROM t ORDER BY id")


def test_fail_stops_at_the_first_and_loses_nothing(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1, conflict={"policy": "fail", "origins": "on"})
    back = nodes.reverse(forward)
    back.start()
    back.wait_caught_up()
    tasks = {forward: right, back: left}    # and where each writes
    for applier in tasks:
        applier.cli("pause", check=True)
    for database, label, low in ((left, "left", 100), (right, "right", 200)):
        database.psql(f"INSERT INTO t VALUES ({low}, 'before', 0); INSERT INTO t VALUES (3, '{label}', 0); INSERT INTO t VALUES ({low + 1}, 'after', 0)")
    for applier in tasks:
        applier.cli("resume")
    for applier, target in tasks.items():
        assert applier.wait_exit() == Exit.conflict
        assert target.scalar("SELECT count(*) FROM t WHERE v = 'before'") == 2 and target.scalar("SELECT count(*) FROM t WHERE v = 'after'") == 1
    left.psql("INSERT INTO t VALUES (102, 'meanwhile', 0)")
    right.psql("UPDATE walbridge.conflict SET decision = 'skip' WHERE outcome = 'stopped'")
    left.psql("UPDATE walbridge.conflict SET decision = 'overwrite' WHERE outcome = 'stopped'")
    for applier in tasks:
        applier.start()
    quiet(forward, back)
    assert rows(left) == rows(right) and len(rows(left)) == 6
    assert left.sql("SELECT v FROM t WHERE id = 3") == [("right",)]


def test_partitioned_writes_never_conflict(nodes):
    left, right = nodes
    left.psql(TABLE)
    forward = nodes.run("f", 0, 1, conflict={"policy": "fail", "origins": "on"})
    back = nodes.reverse(forward)
    back.start()
    back.wait_caught_up()
    began = time.monotonic()
    script = """INSERT INTO t SELECT i, 'mine', 0 FROM generate_series({0}, {0} + 4999) i; UPDATE t SET n = n + 1 WHERE id BETWEEN {0} AND {0} + 4999;
                DELETE FROM t WHERE id BETWEEN {0} AND {0} + 4999 AND id % 3 = 0; UPDATE t SET id = id + 100000000 WHERE id BETWEEN {0} AND {0} + 4999 AND id % 3 = 1;"""
    threads = [threading.Thread(target=lambda database=database, low=low: [database.psql(script.format(low + 10_000 * round_)) for round_ in range(4)])
               for database, low in ((left, 1_000_000), (right, 2_000_000))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    quiet(forward, back)
    assert rows(left) == rows(right) and time.monotonic() - began < 120
    assert [database.scalar("SELECT count(*) FROM walbridge.conflict") for database in nodes] == [0, 0]
