"""Runs the steps as a migration tool would: as the owner, each with its row in schema_migrations, again after a deadlock."""
import psycopg2

from .steps import STEPS


def migrate(database, between=lambda name: None):
    connection = database.connect(autocommit=True, options="-c search_path=app -c deadlock_timeout=300ms")
    cursor = connection.cursor()
    cursor.execute("SET SESSION AUTHORIZATION shop_owner")
    try:
        for number, (name, step) in enumerate(STEPS, 1):
            between(name)
            version = f"INSERT INTO schema_migrations (version) VALUES ('{number:03} {name}')"
            if name == "trigram_extension":
                cursor.execute("RESET SESSION AUTHORIZATION")
            if isinstance(step, list):
                for statement in step:
                    _again(cursor, name, [statement])
                _again(cursor, name, [version])
            else:
                _again(cursor, name, ["BEGIN", step, version, "COMMIT"])
            if name == "trigram_extension":
                cursor.execute("SET SESSION AUTHORIZATION shop_owner")
    finally:
        connection.close()


def _again(cursor, name, statements, attempts=20):
    for attempt in range(1, attempts + 1):
        try:
            for statement in statements:
                cursor.execute(statement)
            return
        except (psycopg2.errors.DeadlockDetected, psycopg2.errors.LockNotAvailable) as error:
            cursor.execute("ROLLBACK")
            if attempt == attempts:
                raise AssertionError(f"{name}: {error}") from error
        except psycopg2.Error as error:
            raise AssertionError(f"{name}: {error}") from error
