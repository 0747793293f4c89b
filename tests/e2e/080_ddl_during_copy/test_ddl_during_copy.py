# A table rewritten while it is copied looks empty under the older snapshot, and the stream does not bring its rows.
import threading

import psycopg2
from walbridge_testing.applier import Exit
from walbridge_testing.background import Repeated
from walbridge_testing.ddl import same_schema

TABLES = 12


def tables(rows=3000):
    return "".join(f"CREATE TABLE r{i} (id int PRIMARY KEY, v text); INSERT INTO r{i} SELECT g, 'v' || g FROM generate_series(1, {rows}) g;"
                   for i in range(TABLES))


def in_turn(database, statements, pause=0.0):
    """Runs statements in turn; errors of concurrency are part of the game, others fail the test."""
    return Repeated(database, lambda cursor, number: cursor.execute(statements[(number - 1) % len(statements)]), pause,
                    (psycopg2.errors.DeadlockDetected, psycopg2.errors.LockNotAvailable))


def test_rewrites_and_truncates_while_the_task_starts(pair):
    pair.source.psql(tables())
    rewrites = []
    for i in range(TABLES):
        rewrites.append([f"VACUUM FULL r{i}", f"ALTER TABLE r{i} ALTER v TYPE text USING v || ''", f"CLUSTER r{i} USING r{i}_pkey",
                         f"TRUNCATE r{i}; INSERT INTO r{i} SELECT g, 'again' || g FROM generate_series(1, 500) g"][i % 4])
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB"}, ddl={"trust": "source"})
    with in_turn(pair.source, rewrites[::2], 0.05) as a, in_turn(pair.source, rewrites[1::2], 0.05) as b:
        applier.wait_until(lambda: a.calls > 3 and b.calls > 3, must_run=False)
        applier.start()
        applier.wait_caught_up(120)
        seen = a.calls + b.calls
        applier.wait_until(lambda: a.calls + b.calls > seen + TABLES)
    applier.wait_caught_up(120)
    pair.compare()
    print(f"{applier.log_text().count('copied again')} tables changed under a snapshot")


def test_a_truncate_that_waits_for_the_copy_is_applied_after_it(pair):
    pair.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
    pair.source.psql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
    applier = pair.applier(stages=["full", "incremental"], copy={"chunk_bytes": "64kB"})
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")     # the copy stands still
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") > 0,
                       30, "the copy waits")
    with in_turn(pair.source, ["TRUNCATE t; INSERT INTO t SELECT i, 'new' FROM generate_series(1, 10) i"]) as truncates:
        blocker.rollback()
        blocker.close()
        applier.wait_until(lambda: truncates.calls > 0, 60, "the TRUNCATE got its lock")
    applier.wait_caught_up(90)
    pair.compare()


def test_a_column_added_during_the_copy_is_copied_or_named(pair):
    """Without a schema stage the target's tables are the operator's."""
    pair.both("CREATE TABLE t (id int PRIMARY KEY, v text)")
    pair.source.psql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
    applier = pair.applier(stages=["full", "incremental"], copy={"chunk_bytes": "64kB"})
    blocker = pair.target.connect()
    blocker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") > 0,
                       30, "the copy waits")
    alter = threading.Thread(target=lambda: pair.source.psql(
        "ALTER TABLE t ADD COLUMN extra int DEFAULT 7; INSERT INTO t VALUES (-1, 'new', 8); UPDATE t SET extra = 9 WHERE id < 5"))
    alter.start()
    blocker.rollback()
    blocker.close()
    alter.join(60)
    assert not alter.is_alive()
    code = applier.wait_exit(60)
    assert code == Exit.target_shape, applier.log_tail()
    assert "extra" in applier.log_text()
    # PostgreSQL keeps the default of existing rows in the catalog: the same statement brings the target to the same state.
    pair.target.psql("ALTER TABLE t ADD COLUMN extra int DEFAULT 7")
    applier.start()
    applier.wait_caught_up(90)
    pair.compare()


def test_a_table_altered_once_more_while_its_new_definition_is_read(pair):
    """A snapshot shows the columns as they were, the server names those of a constraint as they are."""
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
    applier = pair.applier(copy={"workers": 1, "chunk_bytes": "64kB"}, ddl={"trust": "source"}, throttle={"copy_bytes": "1MB"})
    locks = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass AND mode = '{}'"

    def waiting(database, mode, many, what):
        applier.wait_until(lambda: database.scalar(locks.format(mode)) >= many, 60, what)

    def behind(database, sql):
        thread = threading.Thread(target=lambda: database.psql(sql))
        thread.start()
        return thread

    applier.start()
    applier.wait_until(lambda: pair.target.scalar("SELECT to_regclass('walbridge.table_sync') IS NOT NULL") and
                       pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE done") > 0, 60, "a chunk is done")
    stop = pair.target.connect()
    stop.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    waiting(pair.target, "RowExclusiveLock", 1, "a chunk waits on the target")
    alter = behind(pair.source, "ALTER TABLE t ADD COLUMN c int DEFAULT 1; ALTER TABLE t ADD CONSTRAINT k CHECK (c > -1)")
    waiting(pair.source, "AccessExclusiveLock", 1, "the ALTER waits for the chunk")
    again = pair.target.connect()
    queued = threading.Thread(target=lambda: again.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE"))
    queued.start()
    waiting(pair.target, "AccessExclusiveLock", 1, "the next lock waits")
    stop.rollback()
    queued.join(60)
    alter.join(60)
    waiting(pair.target, "AccessExclusiveLock", 1, "the table is to be emptied for its new definition")
    pair.source.psql("ALTER TABLE t RENAME c TO d")
    again.rollback()
    for connection in (stop, again):
        connection.close()
    applier.wait_caught_up(90)
    applier.wait_log("it starts again under a newer one")
    pair.compare()
    same_schema(pair)


def test_ddl_while_the_task_starts(pair):
    """Whatever a table's snapshot shows already is not done twice, and nothing is left out."""
    pair.source.psql(tables(8000))
    applier = pair.applier(copy={"workers": 2, "chunk_bytes": "64kB"}, ddl={"trust": "source"})
    steps = [[f"ALTER TABLE r{i} ADD COLUMN c{n} int DEFAULT {n}", f"UPDATE r{i} SET c{n} = id WHERE id % 7 = {n}", f"CREATE INDEX r{i}_c{n} ON r{i} (c{n})",
              f"ALTER TABLE r{i} ADD CONSTRAINT r{i}_k{n} CHECK (c{n} > -1)", f"ALTER TABLE r{i} ALTER v TYPE text USING v || '{n}'", f"ALTER TABLE r{i} RENAME c{n} TO d{n}",
              f"CREATE TABLE new_{i}_{n} (id int PRIMARY KEY)", f"INSERT INTO new_{i}_{n} VALUES (1)"] for n in range(3) for i in range(TABLES)]
    even, odd = ([s for step in half for s in step] for half in (steps[::2], steps[1::2]))

    def once(statements):
        """Each statement once. What builds on one that lost a deadlock fails, too."""
        return Repeated(pair.source, lambda cursor, number: number <= len(statements) and cursor.execute(statements[number - 1]), 0.1, psycopg2.Error)

    applier.start()
    applier.wait_log("stored the plan")     # pg_dump itself mixes what its snapshot shows with what is there now
    with once(even) as a, once(odd) as b:
        applier.wait_until(lambda: a.calls >= len(even) and b.calls >= len(odd), 120, "all statements ran")
    applier.wait_caught_up(120)
    pair.compare()
    same_schema(pair)
