"""An application under migration: it remembers what was acknowledged, and comes back when it is thrown out."""
import threading
import time

import psycopg2

from .waiting import wait_until


class Application:
    """Clients that write to `database` as the role shop; it may be set to another one while they run. They need the tables
    t (id bigserial, v text) and s (id int, n int)."""

    def __init__(self, database, clients=3):
        self.database, self.stopping = database, threading.Event()
        self.acknowledged, self.refused = set(), 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _client(self, number):
        written = 0
        while not self.stopping.is_set():
            database = self.database
            try:
                connection = psycopg2.connect(database.url(user="shop"))
                while not self.stopping.is_set() and self.database is database:
                    written += 1
                    with connection, connection.cursor() as cursor:
                        cursor.execute("INSERT INTO t (v) VALUES (%s) RETURNING id", (f"client {number} {written}",))
                        row = cursor.fetchone()[0]
                        cursor.execute("UPDATE s SET n = n + 1 WHERE id = %s", (written % 100 + 1,))
                    with self.lock:
                        self.acknowledged.add((row, f"client {number} {written}"))
                connection.close()
            except psycopg2.Error:
                with self.lock:
                    self.refused += 1
                time.sleep(0.01)    # what a connection pool does between two attempts

    def wait_for_writes(self, count):
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, 60, "the application gets its writes through", interval=0.01)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def missing(database, application):
    present = {tuple(row) for row in database.sql("SELECT id, v FROM t WHERE v LIKE 'client %'")}
    return application.acknowledged - present
