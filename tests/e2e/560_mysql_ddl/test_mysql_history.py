# The migrations of an application at work, followed by a database that speaks another language: a table that ends in another shape, or in
# its shape with rows of another.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.history import BASE, EXTENSIONS, LAST, ROLES, STEPS, Load, migrate
from walbridge_testing.mysql_ddl import same_as_a_fresh_copy

SCHEMAS = ("app", "billing", "reporting")


@pytest.mark.heavy
@pytest.mark.parametrize("workers", [1, 3])
def test_a_history_with_kills(own_mysql_pair, seeded, workers):
    pair = own_mysql_pair(own_source={"deadlock_timeout": "200ms"})
    for role in ROLES:
        pair.source.sql(f"CREATE ROLE {role} LOGIN")
    pair.source.sql(f'GRANT CREATE ON DATABASE "{pair.source.name}" TO shop_owner')
    pair.source.psql(EXTENSIONS)
    pair.source.psql(BASE)
    # Its partial and trigram indexes have no counterpart.
    applier = pair.run(ddl={"trust": "extension", "on_error": "skip"}, apply={"workers": workers})
    kills = 0

    def between(step):
        nonlocal kills
        if seeded.random() < 0.3:
            applier.kill()
            applier.start()
            kills += 1

    with Load(pair.source, seeded.random()) as load:
        migrate(pair.source, between)
        written = load.written
        applier.wait_until(lambda: load.written > written + 150)
    pair.source.psql(f"SET search_path = app; {LAST}")
    applier.wait_caught_up(180)
    applier.check_alive()
    print(f"{len(STEPS)} steps, {load.written} transactions beside them, killed {kills} times")
    assert load.written > 150
    pair.compare()
    same_as_a_fresh_copy(pair, SCHEMAS)
    left = {row["reason"] for row in applier.cli("ddl", "list", "--json", check=True).json() if row["state"] == "skipped"}
    assert left and not (unexpected := [r for r in left if "MySQL has nothing like it" not in r]), unexpected
    assert all("MySQL has nothing like it" in reason for reason in left), left
    assert applier.stop() == Exit.ok
