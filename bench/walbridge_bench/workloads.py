"""What is done on the source, each as a backlog: tables, their first rows, and the changes. `scale` multiplies every count.

First rows are made by the same statements on source and target, so they use no randomness.
"""
import os
import subprocess

MARKER = "CREATE TABLE bench_marker (id int PRIMARY KEY);"
ITEMS = "CREATE TABLE items (id bigint PRIMARY KEY, a int NOT NULL, b int NOT NULL, at timestamptz NOT NULL, note text);"


def item(i, note=72):
    return (f"{i}, ({i} % 1000)::int, ({i} % 77)::int, timestamptz '2024-01-01' + {i} * interval '1 s', "
            f"left(md5(({i})::text) || md5(({i} + 1)::text) || md5(({i} + 2)::text), {note})")


def one_by_one(count, statement):
    """A transaction per statement, from inside the server; i counts from 1."""
    return f"DO $$ BEGIN FOR i IN 1..{count} LOOP {statement}; COMMIT; END LOOP; END $$;"


class Workload:
    """name, title; changes and transactions of the backlog; schema and first rows."""
    unit = "changes/s"
    tables = ITEMS
    aim = None              # against native logical replication: at least, aim
    peers = None            # names; None = all that are for every workload
    decoded = True          # measured by decoding alone, too

    def __init__(self, scale):
        self.scale = scale

    def count(self, number):
        return max(int(number * self.scale), 10)

    def fill(self, database):
        database.psql(MARKER + self.tables + self.first_rows() + "VACUUM ANALYZE;")

    def first_rows(self):
        return ""

    def backlog(self, database):
        """Commits the changes; synchronous_commit is off there to save time, the WAL is the same."""
        database.psql("SET synchronous_commit = off;" + self.statements())


class OneRow(Workload):
    name, title = "one_row", "one row (what starting costs)"
    decoded = False
    changes = transactions = 1

    def statements(self):
        return f"INSERT INTO items VALUES ({item('1')});"


class SmallInserts(Workload):
    name, title, aim = "small_inserts", "small inserts, one row per transaction", (2.0, 3.0)

    def __init__(self, scale):
        super().__init__(scale)
        self.changes = self.transactions = self.count(200_000)

    def statements(self):
        return one_by_one(self.changes, f"INSERT INTO items VALUES ({item('i')})")


class HugeInsert(Workload):
    name, title, aim = "huge_insert", "one huge insert", (1.6, 2.2)
    transactions = 1

    def __init__(self, scale):
        super().__init__(scale)
        self.changes = self.count(2_000_000)

    def statements(self):
        return f"INSERT INTO items SELECT {item('i')} FROM generate_series(1, {self.changes}) i;"


class UpdatesByKey(Workload):
    name, title, aim = "updates_by_key", "updates by key, one row per transaction", (2.0, 3.0)

    def __init__(self, scale):
        super().__init__(scale)
        self.changes = self.transactions = self.count(200_000)
        self.rows = self.count(1_000_000)

    def first_rows(self):
        return f"INSERT INTO items SELECT {item('i')} FROM generate_series(1, {self.rows}) i;"

    def statements(self):
        return "SELECT setseed(0.5);" + one_by_one(
            self.changes, f"UPDATE items SET a = i, at = at + interval '1 h' WHERE id = (SELECT 1 + floor(random() * {self.rows})::bigint)")


class TpcB(Workload):
    name, title, aim = "tpcb", "TPC-B mix (pgbench)", (2.0, 3.5)
    number = 100_000

    def __init__(self, scale):
        super().__init__(scale)
        self.transactions = self.count(self.number)
        self.changes = self.transactions * 4
        self.size = max(int(20 * scale), 1)

    def fill(self, database):
        database.psql(MARKER)
        pgbench(database, "-i", "-q", "-s", self.size)
        database.psql("ALTER TABLE pgbench_history REPLICA IDENTITY FULL;")     # it has no key

    def backlog(self, database):
        pgbench(database, "-n", "-c", 2, "-t", self.transactions // 2, "--random-seed=1")


class TpcBDurable(TpcB):
    name, title = "tpcb_durable", "TPC-B mix, apply sessions with synchronous_commit on"
    number, aim, peers, decoded = 20_000, None, ("native_sync", "walbridge_sync"), False


class Deletes(Workload):
    name, title, aim = "deletes", "deletes, 1,000 rows per transaction", (1.3, 2.5)

    def __init__(self, scale):
        super().__init__(scale)
        self.transactions = self.count(500)
        self.changes = self.transactions * 1000

    def first_rows(self):
        return f"INSERT INTO items SELECT {item('i')} FROM generate_series(1, {self.changes + 1000}) i;"

    def statements(self):
        return one_by_one(self.transactions, "DELETE FROM items WHERE id BETWEEN (i - 1) * 1000 + 1 AND i * 1000")


class UnchangedToast(Workload):
    name, title, aim = "toast", "updates beside an unchanged TOAST column (10 kB)", (1.3, 2.0)
    tables = "CREATE TABLE documents (id int PRIMARY KEY, n int NOT NULL, body text); ALTER TABLE documents ALTER body SET STORAGE EXTERNAL;"

    def __init__(self, scale):
        super().__init__(scale)
        self.rows = self.count(20_000)
        self.changes = self.transactions = self.rows * 5        # 20,000 are over before a process has started

    def first_rows(self):
        return f"INSERT INTO documents SELECT i, 0, repeat(md5(i::text), 312) FROM generate_series(1, {self.rows}) i;"

    def statements(self):
        return one_by_one(self.changes, f"UPDATE documents SET n = n + 1 WHERE id = 1 + i % {self.rows}")


KINDS = [("int4", "(i * {k}) % 100000"), ("int8", "i::bigint * {k}"), ("text", "left(md5((i + {k})::text), 5 + {k} % 20)"),
         ("numeric(14,4)", "(i * {k})::numeric / 7"), ("timestamptz", "timestamptz '2024-01-01' + (i + {k}) * interval '1 s'"),
         ("date", "date '2024-01-01' + (i + {k}) % 5000"), ("bool", "(i + {k}) % 2 = 0"), ("float8", "(i + {k}) / 3.0"),
         ("uuid", "md5((i * {k})::text)::uuid"), ("jsonb", "jsonb_build_object('k', i, 'v', {k})"), ("bytea", "decode(md5((i + {k})::text), 'hex')"),
         ("varchar(40)", "CASE WHEN (i + {k}) % 3 > 0 THEN 'value ' || i + {k} END")]


class WideRows(Workload):
    name, title = "wide_rows", "rows of 60 columns: an insert and an update per transaction"

    def __init__(self, scale):
        super().__init__(scale)
        self.transactions = self.count(30_000)
        self.changes = self.transactions * 2
        columns = [KINDS[k % len(KINDS)] for k in range(59)]
        self.tables = ("CREATE TABLE wide (id bigint PRIMARY KEY, " +
                       ", ".join(f"c{k} {kind}" for k, (kind, _) in enumerate(columns)) + ");")
        self.values = ", ".join(expression.format(k=k + 1) for k, (_, expression) in enumerate(columns))

    def first_rows(self):
        return f"INSERT INTO wide SELECT i, {self.values} FROM generate_series(1, {self.transactions}) i;"

    def statements(self):
        values = self.values
        return one_by_one(self.transactions, f"INSERT INTO wide VALUES ({self.transactions} + i, {values}); "
                          "UPDATE wide SET c0 = -i, c3 = c3 + 1, c14 = 'changed', c4 = c4 + interval '1 h' WHERE id = i")


ALL = [OneRow, SmallInserts, HugeInsert, UpdatesByKey, TpcB, Deletes, UnchangedToast, WideRows, TpcBDurable]


def pgbench(database, *arguments, wait=True):
    """pgbench over the server's socket, with synchronous_commit off."""
    server = database.cluster
    command = [server.bin / "pgbench", "-h", server.directory, "-p", server.port, "-U", "postgres", *arguments, database.name]
    environment = {**os.environ, "PGOPTIONS": "-c synchronous_commit=off"}
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if not wait:
        return process
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"pgbench: {output}")
    return output
