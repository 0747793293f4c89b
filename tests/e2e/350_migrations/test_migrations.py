# The migrations of an application at work: one that is applied twice, half, in another order, or to rows that it did not see on the source.
import re
import threading

import pytest
from walbridge_testing.history import BASE, EXTENSIONS, LAST, ROLES, STEPS, Load, migrate
from walbridge_testing.applier import Exit
from walbridge_testing.compare import compare, tables_of
from walbridge_testing.fixtures import SOAK
from walbridge_testing.schema_dump import schema_entries

SEEDS = range(8 if SOAK else 1)
MATERIALIZED = [("app", "article_counts")]


@pytest.fixture
def shop(own_pair):
    """Two clusters with the application's roles, and the application as it began. A role is the operator's affair on both sides."""
    pair = own_pair(source={"deadlock_timeout": "200ms"})
    for database in (pair.source, pair.target):
        for role in ROLES:
            database.sql(f"CREATE ROLE {role} LOGIN")
        database.sql(f'GRANT CREATE ON DATABASE "{database.name}" TO shop_owner')
    pair.target.sql("CREATE EXTENSION IF NOT EXISTS walbridge")     # statements run under the roles of the source
    pair.source.psql(EXTENSIONS)
    pair.source.psql(BASE)
    return pair


class Killer:
    """Kills the applier between steps, when it has caught up, and during them, at a random moment; starts it again each time."""

    def __init__(self, applier, rng, between=0.08, during=0.3):
        self.applier, self.rng = applier, rng
        self.chance_between, self.chance_during = between, during
        self.pending, self.error = None, None
        self.kills = {"between": 0, "during": 0}

    def __call__(self, step):
        self.settle()
        dice = self.rng.random()
        if dice < self.chance_between:
            self.applier.wait_caught_up(120)
            self._kill("between")
        elif dice < self.chance_between + self.chance_during:
            self.pending = threading.Timer(self.rng.uniform(0, 0.25), self._kill, ["during"])
            self.pending.start()

    def settle(self):
        if self.pending is not None:
            self.pending.join()
            self.pending = None
        if self.error is not None:
            raise self.error

    def _kill(self, when):
        try:
            self.applier.check_alive()
            self.applier.kill()
            self.applier.start()
            self.kills[when] += 1
        except AssertionError as error:
            self.error = error


def follow(shop, seeded, killing=True, **options):
    """The whole history under load, with the task following it; the task when it has caught up."""
    applier = shop.run(ddl={"trust": "extension"}, schema={"owner": "keep", "grants": "keep"}, **options)
    killer = Killer(applier, seeded) if killing else Killer(applier, seeded, 0, 0)
    with Load(shop.source, seeded.random()) as load:
        migrate(shop.source, killer)
        killer.settle()
        written = load.written
        applier.wait_until(lambda: load.written > written + 100)
    shop.source.psql(f"SET search_path = app; {LAST}")
    applier.wait_caught_up(120)
    applier.check_alive()
    print(f"{len(STEPS)} steps, {load.written} transactions beside them, {load.refused} of another shape; killed {killer.kills}")
    assert load.written > 500
    return applier


def same_definitions(source, target):
    different = [f"{' '.join(key)}\n  source: {source.get(key)}\n  target: {target.get(key)}" for key in sorted(source.keys() | target.keys())
                 if source.get(key) != target.get(key)]
    assert not different, "\n".join([f"{len(different)} of {len(source)} definitions differ", *different])


def unresolved(applier):
    """What the task did not follow; an object that was there already after a kill is followed."""
    return [record for record in applier.cli("ddl", "list", "--json", check=True).json() if record["state"] != "recognised"]


@pytest.mark.heavy
@pytest.mark.parametrize("number", SEEDS)
def test_a_history_with_kills(shop, seeded, number):
    applier = follow(shop, seeded)
    shop.compare()
    compare(shop.source, shop.target, MATERIALIZED)
    same_definitions(schema_entries(shop.source), schema_entries(shop.target))
    assert unresolved(applier) == []
    assert applier.stop() == Exit.ok


# What the schema `app` and one of its tables are called on the target.
SCHEMAS = [{"name": "app", "rename": "crm"}]
TABLES = [{"name": "app.users", "rename": "crm.people"}]


def on_target(schema, name):
    return {"app": "crm"}.get(schema, schema), "people" if (schema, name) == ("app", "users") else name


def with_names_of_target(entries):
    """The definitions with the names of the target. Bodies of functions are text and keep the source's: both sides are rewritten."""
    def rewrite(text):
        return re.sub(r"\busers\b", "people", re.sub(r"\bapp\b", "crm", text))
    return {tuple(rewrite(word) for word in key): sorted(rewrite(line) for line in lines) for key, lines in entries.items()}


@pytest.mark.heavy
def test_a_history_under_other_names(shop, seeded):
    applier = follow(shop, seeded, objects={"schema": SCHEMAS, "table": TABLES})
    shop.compare(names=on_target)
    compare(shop.source, shop.target, MATERIALIZED, names=on_target)
    same_definitions(with_names_of_target(schema_entries(shop.source)), with_names_of_target(schema_entries(shop.target)))
    assert shop.target.exists("crm.people") and not shop.target.scalar("SELECT to_regnamespace('app')")
    assert unresolved(applier) == []


# A part of the application: neither its events nor its sessions nor the log of changes, and nothing of the reports.
INCLUDE, EXCLUDE = ["app.*", "billing.*"], ["app.events*", "app.sessions", "app.audit_log"]
LEFT_OUT = re.compile(r"\b(events|sessions|audit_log)")


def selected(schema, name):
    return schema in ("app", "billing") and not LEFT_OUT.search(name)


@pytest.mark.heavy
def test_a_history_of_which_a_part_is_selected(shop, seeded):
    shop.target.psql(EXTENSIONS + "; CREATE EXTENSION pg_trgm SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC")
    applier = follow(shop, seeded, include=INCLUDE, exclude=EXCLUDE)
    shop.compare(*(".".join(table) for table in tables_of(shop.source) if selected(*table)))
    compare(shop.source, shop.target, MATERIALIZED)
    source, target = ({key: lines for key, lines in schema_entries(database).items() if selected(key[1], key[2])}
                      for database in (shop.source, shop.target))
    same_definitions(source, target)
    assert {schema for schema, _ in tables_of(shop.target)} == {"app", "billing"}
    assert not [name for _, name in tables_of(shop.target) if LEFT_OUT.search(name)]
    assert unresolved(applier) == []
