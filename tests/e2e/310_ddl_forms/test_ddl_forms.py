# A form of DDL that is not followed, or followed a moment too early or too late, or whose rows were computed a second time.
import re
import time
from pathlib import Path

import pytest
from ddl_forms import GROUPS, REFUSED
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
    """One task for all cases. When a case ends it, what came before is compared, and the task begins anew with the rest of the
    case's group; the case has its reason."""

    def __init__(self, clusters, chosen):
        self.clusters = clusters
        self.problems = {form.id: [] for form in chosen}        # what is wrong, by case
        self.elsewhere = []     # differences in objects of no case
        self.records = []
        groups = [[form for form in group if form in chosen] for group in GROUPS.values()]
        done = 0
        self.began = began = time.monotonic()
        for attempt in range(60):
            followed, failed = self._follow(groups[done:], f"ddl_forms_{attempt}" if attempt else "ddl_forms")
            done += followed
            if failed is None:
                print(f"{len(chosen)} cases in {time.monotonic() - began:.0f} s")
                return
            groups[done] = [form for form in groups[done] if form.id != failed]
        raise AssertionError("too many cases end the task")

    def _follow(self, groups, name):
        """How many groups the task went through, and the case that ended it."""
        pair = Pair(name, *self.clusters)
        try:
            pair.target.sql("CREATE EXTENSION IF NOT EXISTS walbridge")     # statements run under the roles of the source
            pair.source.psql(SCHEMA + fill(1000))
            applier = pair.applier(ddl={"on_error": "skip", "trust": "extension"}, schema={"owner": "keep", "grants": "keep"})
            applier.start()
            applier.wait_caught_up(90)
            followed, failed = 0, None
            with Writers(pair.source, count=1, pause=0.05, key_space=1000), Busy(pair.source) as busy:
                for group in groups:
                    failed = self._group(pair, applier, group, busy)
                    if failed:
                        break
                    followed += 1
                    print(f"{group[0].id} and its like: {time.monotonic() - self.began:.0f} s", flush=True) if group else None
            if failed is None:
                applier.wait_caught_up(90)
                pair.compare("w_plain", "w_pairs", "w_bag", "w_parts")
            self.records += applier.cli("ddl", "list", "--json", check=True).json()
            self._compare(pair, [form for group in groups[:followed] for form in group])
            return followed, failed
        finally:
            pair.close()

    def _group(self, pair, applier, group, busy):
        for form in group:
            try:
                run_case(pair.source, form, busy)
            except Exception as error:
                self.problems[form.id].append(f"on the source: {error}")
            if not applier.is_running():
                return self._blame(applier, group)
        try:
            applier.wait_caught_up(90)
        except AssertionError:
            return self._blame(applier, group)
        return None

    def _blame(self, applier, group):
        """The case that ended the task, by the last name of one in the error."""
        lines = applier.log_tail(25).splitlines()
        ids = {form.id for form in group}
        named = [owner(line) for line in reversed(lines) if owner(line) in ids]
        failed = (named or [group[-1].id])[0]
        self.problems[failed].append("the task ended:\n" + "\n".join(line for line in lines if " info " not in line))
        print(f"the task ended with {failed}", flush=True)
        return failed

    def _note(self, text, name):
        id = owner(name)
        if id in self.problems:
            self.problems[id].append(text)
        elif id is None:
            self.elsewhere.append(text)

    def _compare(self, pair, forms):
        chosen = {form.id: form for form in forms}
        tables = [(schema, name) for schema, name in tables_of(pair.source) + pair.source.sql(MATERIALIZED)
                  if owner(schema) in chosen and not self._alone(chosen[owner(schema)], name)]
        try:
            compare(pair.source, pair.target, tables)
        except Difference as error:
            for part in re.split(r"\n(?=f_)", str(error))[1:]:
                self._note(part, part.split(".")[0])
        left, right = schema_entries(pair.source), schema_entries(pair.target)
        for key in sorted(left.keys() | right.keys()):
            id = owner(" ".join(key)) or owner("\n".join(left.get(key) or right[key]))
            if id is not None and id not in chosen:
                continue
            form = chosen.get(id)
            alone = form is not None and self._alone(form, key[2])
            differs = form is not None and key[2] in form.differs
            if alone and key not in left:
                self._note(f"{key}: not on the source", form.schema)
            elif alone and key in right:
                self._note(f"{key}: on the target, although it is not followed", form.schema)
            elif not alone and not differs and left.get(key) != right.get(key):
                self._note(f"{' '.join(key)}:\n  source: {left.get(key)}\n  target: {right.get(key)}", form.schema if form else " ".join(key))

    @staticmethod
    def _alone(form, name):
        """Whether an object is there on the source only, as the case says."""
        names = [form.text(only) for only in form.only_source]
        return any(name == only or word == only or word.startswith(only + "_") for only in names for word in name.split())

    def records_of(self, form):
        # A gap has no names in it, only the text.
        return [record for record in self.records
                if owner(str(record)) == form.id or (form.gap and record["state"] == "gap" and (record["statement"] or "?") in str(form.ddl))]


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
    assert not run.problems[id], "\n".join([id, *run.problems[id], *map(str, run.records_of(form))])
    records = run.records_of(form)
    states = {record["state"] for record in records}
    if form.expect == REFUSED:
        assert any(re.search(form.reason, str(record), re.I) for record in records), f"{id}: {records}"
    elif form.gap:
        assert states == {"gap"}, f"{id}: {records}"
    else:
        assert not states - {"recognised"}, f"{id}: {records}"


def test_nothing_else_differs(run):
    texts = " ".join(str(form.ddl) for form in FORMS.values() if form.gap)
    assert not [record for record in run.records if record["state"] == "gap" and (record["statement"] or "?") not in texts]
    assert not run.elsewhere, "\n".join(run.elsewhere)
