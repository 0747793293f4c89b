"""Runs a case on the source: its setup, its transaction with changes around the DDL, and what follows, while another session writes."""
import re
import threading

import psycopg2

ROLES = ("forms_owner", "forms_reader", "forms_writer", "f_owner_drop_owned__role", "f_owner_reassign_owned__role")


class Busy:
    """A session that writes to the table of the case that is running, in transactions of its own, whatever shape the table has.
    Its errors are part of the game: a column that has gone, a constraint that says no."""

    def __init__(self, database):
        self.database = database
        self.statements, self.count, self.done = (), 1000, 0
        self.stopping, self.aimed = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.progress = threading.Condition(self.lock)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.aimed.set()
        self.thread.join(30)

    def aim(self, statements):
        with self.lock:
            self.statements, self.done = statements, 0
        if statements:
            self.aimed.set()
        self.wait_for(4)

    def wait_for(self, more):
        """Returns when so many further statements were tried."""
        with self.progress:
            if self.statements:
                goal = self.done + more
                assert self.progress.wait_for(lambda: self.done >= goal or self.stopping.is_set(), 60), "the other session does not get on"

    def rest(self):
        self.wait_for(2)
        self.aimed.clear()
        with self.lock:
            self.statements = ()

    def _run(self):
        connection = self.database.connect(autocommit=True)
        cursor = connection.cursor()
        while not self.stopping.is_set():
            if not self.aimed.wait(0.2):
                continue
            with self.lock:
                statements = self.statements
            for statement in statements:
                self.count += 1
                try:
                    cursor.execute(statement.replace("{k}", str(self.count)))
                except psycopg2.Error:
                    pass
                with self.progress:
                    self.done += 1
                    self.progress.notify_all()
            self.stopping.wait(0.002)
        connection.close()


def run_case(source, form, busy):
    """Every statement of the case; raises what the source does not accept."""
    connection = source.connect(autocommit=True)
    cursor = connection.cursor()

    def execute(script):
        if script:
            cursor.execute(form.text(script))

    try:
        execute("CREATE SCHEMA {s}; SET search_path = {s}")
        execute(form.table + form.setup)
        busy.aim(tuple(form.text(statement) for statement in form.busy))
        try:
            if isinstance(form.ddl, list):
                execute(form.before)
                _one_by_one(form, execute)
                execute(form.after)
            else:
                _in_one_transaction(form, execute)
                if form.prepared:
                    execute(f"COMMIT PREPARED '{form.prepared}'")
        finally:
            busy.rest()
        execute(form.later)
    finally:
        connection.close()


def _one_by_one(form, execute):
    for statement in form.ddl[:-1]:
        execute(statement)
    try:
        execute(form.ddl[-1])
    except psycopg2.Error as error:
        if not form.fails or not re.search(form.fails, str(error)):
            raise
    else:
        assert not form.fails, f"{form.id}: the source was expected to refuse: {form.fails}"


def _in_one_transaction(form, execute):
    for attempt in range(4):
        try:
            ddl = form.ddl if isinstance(form.ddl, tuple) else (form.ddl,)
            end = f"PREPARE TRANSACTION '{form.prepared}'" if form.prepared else "COMMIT"
            for script in ("BEGIN", form.before, *ddl, form.after, end):
                execute(script)
            return
        except psycopg2.errors.DeadlockDetected:    # with the session that writes beside it
            execute("ROLLBACK")
            if attempt == 3:
                raise
