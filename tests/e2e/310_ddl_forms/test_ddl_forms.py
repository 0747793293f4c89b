# A form of DDL that is not followed, or followed a moment too early or too late, or whose rows were computed a second time.
import re
from pathlib import Path

import pytest
from ddl_forms import GROUPS, NOT_FOLLOWED, REFUSED
from ddl_forms.run import ROLES, Busy, run_case
from walbridge_testing.compare import Difference, compare, tables_of
from walbridge_testing.fixtures import Pair
from walbridge_testing.schema_dump import schema_entries
from walbridge_testing.workload import SCHEMA, Writers, fill

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "ddl.md"
FORMS = {form.id: form for forms in GROUPS.values() for form in forms}
OWN_NAME = re.compile(r"\bf_[a-z0-9_]+")
MATERIALIZED = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated ORDER BY 1, 2"""


def test_every_row_of_the_document_has_a_case():
    rows = [id for id in re.findall(r"^\| ([a-z-]+) \| .*\|.*\|$", DOCUMENT.read_text(), re.M) if id != "id"]
    assert sorted(rows) == sorted(FORMS)


def owner(name):
    """The case whose schema is named in the text; what a case makes outside of it is called after it, too."""
    for found in OWN_NAME.findall(name):
        id = found.split("__")[0].removeprefix("f_").replace("_", "-")
        if id in FORMS:
            return id
    return None


def version_of(cluster):
    return int(cluster.scalar("SHOW server_version_num")) // 10000


class Run:
    """One task for all cases. When a case ends it, the task begins anew without that case, and the case has its reason."""

    def __init__(self, clusters, chosen):
        self.source_cluster, self.target_cluster = clusters
        self.problems = {form.id: [] for form in chosen}
        self.dead = set()
        self.records = []
        remaining = list(chosen)
        for attempt in range(30):
            failed = self._follow(remaining, f"ddl_forms_{attempt}" if attempt else "ddl_forms")
            if failed is None:
                return
            remaining = [form for form in remaining if form.id != failed]
        raise AssertionError("too many cases end the task")

    def _follow(self, forms, name):
        pair = Pair(name, self.source_cluster, self.target_cluster)
        try:
            pair.source.psql(SCHEMA + fill(1000))
            applier = pair.applier(ddl={"on_error": "skip"})
            applier.start()
            applier.wait_caught_up(90)
            with Writers(pair.source, count=1, pause=0.05, key_space=1000), Busy(pair.source) as busy:
                for group in GROUPS.values():
                    for form in group:
                        if form in forms and (failed := self._run(pair, applier, form, busy)):
                            return failed
                    if failed := self._catch_up(applier, forms):
                        return failed
            if failed := self._catch_up(applier, forms):
                return failed
            self.records = applier.cli("ddl", "list", "--json", check=True).json()
            self._compare(pair, forms)
        finally:
            pair.close()
        return None

    def _run(self, pair, applier, form, busy):
        try:
            run_case(pair.source, form, busy)
        except Exception as error:
            self.problems[form.id].append(f"on the source: {error}")
        return None if applier.is_running() else self._blame(applier, [form])

    def _catch_up(self, applier, forms):
        try:
            applier.wait_caught_up(90)
        except AssertionError:
            return self._blame(applier, forms)
        return None

    def _blame(self, applier, forms):
        """The case that ended the task, by the last name of one in the error."""
        tail = applier.log_tail(25)
        named = [id for line in reversed(tail.splitlines()) if "error" in line.lower() or "ended" in line for id in [owner(line)] if id]
        failed = (named or [forms[-1].id])[0]
        self.problems.setdefault(failed, []).append(f"the task ended:\n{tail}")
        self.dead.add(failed)
        return failed

    def _note(self, text, name):
        id = owner(name)
        if id in self.problems:
            self.problems[id].append(text)
        else:
            for problems in self.problems.values():
                problems.append(f"of no case: {text}")

    def _compare(self, pair, forms):
        chosen = {form.id: form for form in forms}
        try:
            tables = [t for t in tables_of(pair.source) + pair.source.sql(MATERIALIZED) if not self._alone(chosen, *t)]
            for table in tables:
                try:
                    compare(pair.source, pair.target, [tuple(table)])
                except Difference as error:
                    self._note(str(error), ".".join(table))
            left, right = schema_entries(pair.source), schema_entries(pair.target)
        except Exception as error:
            raise AssertionError(f"comparison: {error}") from error
        for key in sorted(left.keys() | right.keys()):
            form = chosen.get(owner(" ".join(key)) or owner("\n".join(left.get(key) or right[key])))
            alone = form is not None and self._alone(chosen, key[1], key[2], form)
            differs = form is not None and key[2] in form.differs
            if alone and key not in left:
                self._note(f"{key}: not on the source", form.schema)
            elif alone and key in right:
                self._note(f"{key}: on the target, although it is not followed", form.schema)
            elif not alone and not differs and left.get(key) != right.get(key):
                self._note(f"{' '.join(key)}:\n  source: {left.get(key)}\n  target: {right.get(key)}",
                           form.schema if form else " ".join(key))

    @staticmethod
    def _alone(chosen, schema, name, form=None):
        """Whether an object is there on the source only, as the case says."""
        form = form or chosen.get(owner(schema))
        if form is None:
            return False
        words = name.split()
        return any(form.text(only) in (name, words[-1]) or name.startswith(form.text(only) + "_") for only in form.only_source)

    def records_of(self, form):
        return [r for r in self.records if owner(r.get("text") or "") == form.id or form.schema in str(r)]


@pytest.fixture(scope="module")
def run(request, source_cluster, target_cluster):
    version = version_of(source_cluster)
    wanted = {item.callspec.params["id"] for item in request.session.items if "id" in getattr(getattr(item, "callspec", None), "params", {})}
    chosen = [form for form in FORMS.values() if form.id in wanted and form.since <= version <= form.until and not form.unavailable]
    clusters = (source_cluster, target_cluster)
    for cluster in clusters:
        for role in ROLES:
            if not cluster.sql("SELECT FROM pg_roles WHERE rolname = %s", (role,)):
                cluster.sql(f"CREATE ROLE {role}")
    yield Run(clusters, chosen)
    for cluster in clusters:
        for role in ROLES:
            cluster.sql(f"DROP ROLE {role}")


@pytest.mark.parametrize("id", FORMS)
def test_form(run, id, source_cluster):
    form = FORMS[id]
    if form.unavailable:
        return      # its row says what would happen; no server of a test can run it
    if id not in run.problems:
        assert not form.since <= version_of(source_cluster) <= form.until
        return
    assert not run.problems[id], "\n".join([id, *run.problems[id]])
    records = run.records_of(form)
    states = {record["state"] for record in records}
    if form.expect == REFUSED:
        assert any(re.search(form.reason, str(record), re.I) for record in records), f"{id}: {records}"
    elif form.gap:
        assert states == {"gap"}, f"{id}: {records}"
    else:
        assert not states - {"recognised"}, f"{id}: {records}"
