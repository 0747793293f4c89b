"""Writers that keep changing a database while something else happens to it, and the tables they write to.

Every kind of change is in the mix: inserts, updates of ranges, key changes, deletes, rolled back savepoints and transactions,
rows moving between partitions, a table without a key. Writers survive a server that goes away.
"""
import random
import threading

import psycopg2

SCHEMA = """
CREATE TABLE w_plain (id bigint PRIMARY KEY, v text, n int, payload text);
CREATE TABLE w_pairs (a int, b text, v numeric, PRIMARY KEY (a, b));
CREATE TABLE w_bag (v text, n int);
ALTER TABLE w_bag REPLICA IDENTITY FULL;
CREATE TABLE w_parts (id bigint, region int, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE w_parts_0 PARTITION OF w_parts FOR VALUES IN (0);
CREATE TABLE w_parts_1 PARTITION OF w_parts FOR VALUES IN (1);
CREATE TABLE w_parts_2 PARTITION OF w_parts FOR VALUES IN (2);
ALTER TABLE w_plain ALTER payload SET STORAGE EXTERNAL;
"""


def fill(rows):
    return f"""
INSERT INTO w_plain SELECT i, 'start ' || i, 0, CASE WHEN i % 50 = 0 THEN repeat(md5(i::text), 100) END FROM generate_series(1, {rows}) i;
INSERT INTO w_pairs SELECT i / 10, 'b' || i % 10, i / 7.0 FROM generate_series(1, {rows // 2}) i;
INSERT INTO w_bag SELECT 'bag ' || i % 100, NULLIF(i % 7, 0) FROM generate_series(1, {min(rows // 10, 2000)}) i;
INSERT INTO w_parts SELECT i, i % 3, 'p' || i FROM generate_series(1, {rows // 4}) i;
"""


class Writers:
    """count threads, each with its own random numbers; a context manager. What a writer may not see is an error that is
    neither a lost connection nor one of concurrency: such an error is raised at the end."""

    def __init__(self, database, seed=1, count=2, pause=0.002, key_space=20000):
        self.database = database
        self.pause = pause
        self.key_space = key_space
        self.stopping = threading.Event()
        self.errors = []
        self.transactions = 0
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{seed}/{i}"), i), daemon=True)
                        for i in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop()
        if exception[0] is None and self.errors:
            raise self.errors[0]

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def _run(self, rng, number):
        connection = None
        fresh = 10_000_000 * (number + 1)
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = self.database.connect()
                    with connection.cursor() as cursor:     # keys of an earlier life of this writer may be committed
                        cursor.execute("SELECT coalesce(max(id), %s) FROM w_plain WHERE id BETWEEN %s AND %s",
                                       (fresh, fresh, 10_000_000 * (number + 2) - 1))
                        fresh = cursor.fetchone()[0] + 1
                    connection.commit()
                with connection.cursor() as cursor:
                    for _ in range(rng.choice((1, 1, 2, 5, 20))):
                        fresh = self._change(cursor, rng, fresh)
                    (connection.rollback if rng.random() < 0.05 else connection.commit)()
                self.transactions += 1
            except (psycopg2.errors.DeadlockDetected, psycopg2.errors.UniqueViolation, psycopg2.errors.LockNotAvailable):
                connection.rollback()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):   # the server went away
                connection = None
                self.stopping.wait(0.1)
            except Exception as error:
                self.errors.append(error)
                return
            self.stopping.wait(self.pause * rng.random())
        if connection is not None:
            connection.close()

    def _change(self, cursor, rng, fresh):
        key = rng.randrange(1, self.key_space)
        dice = rng.random()
        if dice < 0.25:
            cursor.execute("INSERT INTO w_plain VALUES (%s, %s, %s, %s)",
                           (fresh, f"new {fresh}", key, "x" * rng.choice((0, 10, 9000))))
            return fresh + 1
        if dice < 0.45:
            cursor.execute("UPDATE w_plain SET n = n + 1, v = v || '.' WHERE id BETWEEN %s AND %s", (key, key + rng.randrange(5)))
        elif dice < 0.52:
            cursor.execute("UPDATE w_plain SET id = %s WHERE id = %s", (fresh, key))
            return fresh + 1
        elif dice < 0.60:
            cursor.execute("DELETE FROM w_plain WHERE id BETWEEN %s AND %s", (key, key + rng.randrange(3)))
        elif dice < 0.70:
            cursor.execute("INSERT INTO w_pairs VALUES (%s, %s, %s) ON CONFLICT (a, b) DO UPDATE SET v = EXCLUDED.v + 1",
                           (key % 500, f"b{key % 13}", key))
        elif dice < 0.76:
            cursor.execute("DELETE FROM w_pairs WHERE a = %s AND b < %s", (key % 500, f"b{key % 10}"))
        elif dice < 0.82:
            cursor.execute("INSERT INTO w_bag VALUES (%s, NULL), (%s, NULL)", (f"bag {key % 100}", f"bag {key % 100}"))
        elif dice < 0.86:
            cursor.execute("UPDATE w_bag SET n = coalesce(n, 0) + 1 WHERE ctid = (SELECT ctid FROM w_bag WHERE v = %s LIMIT 1)",
                           (f"bag {key % 100}",))
        elif dice < 0.89:
            cursor.execute("DELETE FROM w_bag WHERE ctid = (SELECT ctid FROM w_bag WHERE v = %s LIMIT 1)", (f"bag {key % 100}",))
        elif dice < 0.95:
            cursor.execute("UPDATE w_parts SET region = (region + 1) %% 3, v = v || '>' WHERE id = %s", (key,))
        else:
            cursor.execute("SAVEPOINT s")
            cursor.execute("UPDATE w_plain SET v = 'never' WHERE id = %s", (key,))
            cursor.execute("INSERT INTO w_bag VALUES ('never', 0)")
            cursor.execute("ROLLBACK TO SAVEPOINT s")
        return fresh
