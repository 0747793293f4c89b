# Timeouts that somebody set for a role or a database end a copy of hours, or the stream, at random moments.
import psycopg2
import pytest

TABLE = """CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, repeat('v', 200) FROM generate_series(1, 20000) i;
CREATE INDEX ON t (v); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE SEQUENCE s;"""

# Shorter than anything walbridge does. Between connecting and its first statement a session is idle, and the first statement
# of a transaction is one: these two end what takes longer than the way to the server.
TIMEOUTS = {"statement_timeout": ("1ms", 9), "lock_timeout": ("1ms", 9), "idle_in_transaction_session_timeout": ("1ms", 9),
            "idle_session_timeout": ("500ms", 14), "transaction_timeout": ("50ms", 17)}


def hurry(database, role, level):
    for name, (value, since) in TIMEOUTS.items():
        if database.cluster.version() < since:
            continue
        if level == "database":
            database.sql(f"ALTER ROLE postgres IN DATABASE {database.name} SET {name} = 0")     # the test's own sessions
        database.sql(f"ALTER {'ROLE ' + role if level == 'role' else 'DATABASE ' + database.name} SET {name} = '{value}'")


@pytest.mark.parametrize("level", ["role", "database"])
def test_timeouts_of_role_and_database_end_nothing(pair, level):
    pair.source.psql(TABLE)
    role = f"hasty_{level}"
    for side in (pair.source, pair.target):
        side.sql(f"CREATE ROLE {role} SUPERUSER LOGIN")
        hurry(side, role, level)
        with pytest.raises(psycopg2.Error):     # the settings work
            side.sql("SELECT pg_sleep(1)", user=role)
    more = {"options": "-c%20work_mem%3D5MB"} if level == "role" else {}     # options of one's own stay
    applier = pair.applier(source_url=pair.source.url(user=role, **more), target_url=pair.target.url(user=role, **more),
                           copy={"workers": 2}, apply={"workers": 2})
    applier.start()
    applier.wait_caught_up()
    pair.source.psql("INSERT INTO t SELECT i, 'later' FROM generate_series(100001, 110000) i; ALTER TABLE t ADD n int DEFAULT 7;"
                     "UPDATE t SET n = id WHERE id % 3 = 0")
    applier.wait_caught_up()
    for command in ("pause", "resume", "status", "schema diff", "precheck"):
        result = applier.cli(command)
        assert result.code == 0 and "SQLSTATE" not in result.text, result
    applier.wait_caught_up()
    assert "retrying" not in applier.log_text() and "trying again" not in applier.log_text()
    applier.stop()
    pair.compare()
    for side in (pair.source, pair.target):
        side.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
