"""Several databases on clusters of their own, and tasks between any two of them: two-way pairs, cascades, fans."""
import random
import threading
import time

from .applier import Applier, Exit, task
from .cluster import base_directory
from .compare import compare
from .waiting import wait_until


class Nodes:
    """A database per cluster, all of one name, each able to be source and target."""

    made = 0        # stories whose names are cut to the same one have folders of their own

    def __init__(self, name, clusters):
        Nodes.made += 1
        self.name = name
        self.directory = base_directory() / "tasks" / f"{name}-{Nodes.made}"
        self.clusters = clusters
        self.appliers = []
        self.databases = []
        for cluster in clusters:
            database = cluster.create_database(name)
            database.psql("CREATE EXTENSION walbridge")
            self.databases.append(database)

    def __iter__(self):
        return iter(self.databases)

    def __getitem__(self, number):
        return self.databases[number]

    def applier(self, name, here, there, **options):
        """A task from the database of one number to that of another."""
        made = Applier(task(f"{self.name}_{name}"[-40:].lstrip("_"), self[here].url(), self[there].url(), **options),
                       self.directory)
        self.appliers.append(made)
        return made

    def run(self, name, here, there, **options):
        applier = self.applier(name, here, there, **options)
        applier.start()
        applier.wait_caught_up(90)
        return applier

    def reverse(self, forward, *arguments):
        """`walbridge reverse`, and the applier of the file it wrote (not started)."""
        result = forward.cli("reverse", *arguments)
        assert result.code == Exit.ok, result
        files = [f for f in forward.directory.glob("*_back*.toml") if f'reverse_of = \'{forward.name}\'' in f.read_text()
                 or f'reverse_of = "{forward.name}"' in f.read_text()]
        assert len(files) == 1, files
        made = object.__new__(Applier)      # its file is not the test's to write
        made.name, made.document, made.directory = files[0].stem, {}, forward.directory
        made.task_file, made.log, made.process, made.peak_bytes = files[0], forward.directory / f"{files[0].stem}.log", None, 0
        self.appliers.append(made)
        return made

    def same(self, *numbers, tables=None):
        chosen = [tuple(t.split(".", 1)) if "." in t else ("public", t) for t in tables] if tables else None
        for number in numbers[1:]:
            compare(self[numbers[0]], self[number], chosen)

    def row(self, number, name):
        """A task's row in the state of that database."""
        rows = self[number].sql("SELECT to_jsonb(t) FROM walbridge.task t WHERE task = %s", (name,))
        return rows[0][0] if rows else None

    def close(self):
        reports = []
        for applier in self.appliers:
            try:
                if applier.is_running():
                    applier.stop(20)
            except AssertionError as error:
                reports.append(str(error))
        for database in self.databases:
            if database.cluster.is_running():
                database.cluster.drop_database(database.name)
        for cluster in self.clusters:
            for (origin,) in cluster.sql("SELECT roname FROM pg_replication_origin"):
                def dropped():
                    try:
                        cluster.sql("SELECT pg_replication_origin_drop(%s)", (origin,))
                        return True
                    except Exception:
                        return False
                wait_until(dropped, 10, f"origin {origin} goes")
        assert not reports, "\n".join(reports)


def transactions(applier):
    """Source transactions that the process has applied since it started, as it tells after this call."""
    began = time.monotonic()

    def told():
        status = applier.status()
        return status if status["process"] and "counters" in status and time.monotonic() - began > (status["status_age_seconds"] or 0) + 0.2 else None
    return applier.wait_until(told, 20, "a fresh status")["counters"]["transactions"]


def applied(applier, count):
    """The process has applied that many transactions since it started, and nothing twice. Every `walbridge wait` on its source,
    of any task, is one more."""
    return 0 <= transactions(applier) - count <= 12


class KeyLoad:
    """Clients that insert, update, move and delete rows of `t (id bigint, v text, n int)` with keys of their own:
    those from `base` on that leave the remainder `part` divided by `parts`. Every transaction changes something."""

    def __init__(self, database, part, parts=2, clients=2, pause=0.003, table="t", base=1_000_000):
        self.database, self.part, self.parts, self.pause, self.table, self.base = database, part, parts, pause, table, base
        self.stopping = threading.Event()
        self.committed, self.errors, self.lock = 0, [], threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=(number, clients), daemon=True) for number in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def _client(self, number, clients):
        rng = random.Random(f"{self.part} {number}")
        own, fresh = [], number
        try:
            connection = self.database.connect()
            while not self.stopping.is_set():
                with connection.cursor() as cursor:
                    for _ in range(rng.choice((1, 1, 3, 10))):
                        dice = rng.random()
                        if dice < 0.4 or len(own) < 5:
                            fresh += clients
                            key = self.base + fresh * self.parts + self.part
                            cursor.execute(f"INSERT INTO {self.table} VALUES (%s, %s, 0)", (key, f"of {self.part}"))
                            own.append(key)
                        elif dice < 0.75:
                            cursor.execute(f"UPDATE {self.table} SET n = n + 1, v = v || '.' WHERE id = %s", (rng.choice(own),))
                        elif dice < 0.85:
                            fresh += clients
                            key = self.base + fresh * self.parts + self.part
                            old = own.pop(rng.randrange(len(own)))
                            cursor.execute(f"UPDATE {self.table} SET id = %s WHERE id = %s", (key, old))
                            own.append(key)
                        else:
                            cursor.execute(f"DELETE FROM {self.table} WHERE id = %s", (own.pop(rng.randrange(len(own))),))
                connection.commit()
                with self.lock:
                    self.committed += 1
                self.stopping.wait(self.pause * rng.random())
            connection.close()
        except Exception as error:
            self.errors.append(error)

    def wait_for(self, count):
        goal = self.committed + count
        wait_until(lambda: self.committed >= goal or self.errors, 60, "the load goes on")
        assert not self.errors, self.errors[0]

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.errors, self.errors[0]
        return self.committed
