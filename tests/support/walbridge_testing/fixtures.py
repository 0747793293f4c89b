"""pytest fixtures: one shared source and one shared target cluster per run, own databases and task names per test.

A failed test's report carries the ends of its applier logs and of both server logs."""
import functools
import os
import random
import re
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from . import compare as compare_module
from .applier import Applier, binary, task
from .cluster import Cluster, base_directory
from .waiting import wait_until

SOAK = bool(os.environ.get("WALBRIDGE_SOAK"))


def pytest_runtest_logreport(report):
    """Which ones fail is said at once; why, at the end."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\nFAILED {report.nodeid} ({report.when}, after {report.duration:.0f} s)", file=sys.__stderr__, flush=True)


def pytest_configure(config):
    # `timeout` and CI end a run with SIGTERM: leave through the fixtures, so that servers are stopped.
    def leave(number, frame):
        raise KeyboardInterrupt(f"signal {number}")
    signal.signal(signal.SIGTERM, leave)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Stories go one by one to whichever process is free. Those of a file that share more than the clusters of a process (a fixture
    of the module's scope) stay together, and what takes longest begins first, so that nothing long is left for the end."""
    def order(item):
        if any(definitions[-1].scope == "module" for definitions in item._fixtureinfo.name2fixturedefs.values()):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
            return 0
        return 1 if item.get_closest_marker("heavy") else 2
    items.sort(key=order)


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return
    passed = len(reporter.stats.get("passed", []))
    failed = len(reporter.stats.get("failed", [])) + len(reporter.stats.get("error", []))
    skipped = len(reporter.stats.get("skipped", []))
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for value in list(getattr(item, "funcargs", {}).values()):
        for applier in getattr(value, "appliers", []):
            report.sections.append((f"{applier.name}: task file and end of log",
                                    applier.task_file.read_text() + "\n" + applier.log_tail(40)))
        for cluster in getattr(value, "clusters", []):
            report.sections.append((f"end of the log of {cluster.name}", cluster.log_tail(25)))


# What the setup guide asks of a source: DDL is captured from the first statement of a session on.
SOURCE_SETTINGS = {"session_preload_libraries": "walbridge"}
TARGET_SETTINGS = {"track_commit_timestamp": "on"}


def _shared(name, settings=None):
    cluster = Cluster(name, settings)
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def source_cluster():
    cluster = _shared("source", SOURCE_SETTINGS)
    yield cluster
    cluster.destroy()


@pytest.fixture(scope="session")
def target_cluster():
    cluster = _shared("target", TARGET_SETTINGS)
    yield cluster
    cluster.destroy()


class Pair:
    """A source and a target database and the appliers between them. The name of the test names both and the task."""

    def __init__(self, name, source_cluster, target_cluster, source_options=""):
        self.name = name
        self.clusters = [source_cluster, target_cluster]
        self.appliers = []
        self.source = source_cluster.create_database(name, source_options)
        self.source.sql("CREATE EXTENSION walbridge")
        self.target = target_cluster.create_database(name)

    def applier(self, name=None, source_url=None, target_url=None, **options):
        name = name or self.name
        document = task(name, source_url or self.source.url(), target_url or self.target.url(), **options)
        applier = Applier(document, self.tasks)
        self.appliers.append(applier)
        return applier

    @functools.cached_property
    def tasks(self):
        """Where its appliers have their files: not those of another story whose test has the same name."""
        (base_directory() / "tasks").mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=base_directory() / "tasks"))

    def run(self, **options):
        """An applier with default options, started and past its copy."""
        applier = self.applier(**options)
        applier.start()
        applier.wait_caught_up(90)
        return applier

    def both(self, script):
        self.source.psql(script)
        self.target.psql(script)

    def compare(self, *tables, **options):
        chosen = [tuple(t.split(".", 1)) if "." in t else ("public", t) for t in tables] or None
        return compare_module.compare(self.source, self.target, chosen, **options)

    def close(self):
        reports = self.end_appliers()
        for database in (self.source, self.target):
            if database.cluster.is_running():
                database.cluster.drop_database(database.name)
        target = self.target.cluster
        if target.is_running():
            for (origin,) in target.sql("SELECT roname FROM pg_replication_origin WHERE roname LIKE %s",
                                        (f"walbridge\\_{self.name}%",)):
                try:
                    target.sql("SELECT pg_replication_origin_drop(%s)", (origin,))
                except Exception:
                    pass
        assert not reports, "\n".join(reports)

    def end_appliers(self):
        """What was wrong with them in the end."""
        reports = []
        for applier in self.appliers:
            try:
                if applier.is_running():
                    applier.stop(10)
            except AssertionError as error:
                reports.append(str(error))
            if os.environ.get("WALBRIDGE_SANITIZER") and applier.sanitizer_report():
                reports.append(applier.sanitizer_report())
        return reports


def name_of(request):
    name = re.sub(r"[^a-z0-9_]+", "_", request.node.name.lower().removeprefix("test_")).strip("_")
    return name[:40].rstrip("_")


@pytest.fixture
def pair(request, source_cluster, target_cluster):
    made = Pair(name_of(request), source_cluster, target_cluster)
    yield made
    made.close()


@pytest.fixture
def latin1_pair(request, source_cluster, target_cluster):
    made = Pair(name_of(request), source_cluster, target_cluster, "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    yield made
    made.close()


@pytest.fixture
def own_pair(request):
    """Clusters of its own, for stories that stop, crash or restore them. own_pair(source={...}) sets settings."""
    made = []

    def make(source=None, target=None):
        name = name_of(request)
        pair = Pair(name, _shared(f"{name[:20]}_s", SOURCE_SETTINGS | (source or {})), _shared(f"{name[:20]}_t", TARGET_SETTINGS | (target or {})))
        made.append(pair)
        return pair

    yield make
    for pair in made:
        try:
            pair.close()
        finally:
            for cluster in pair.clusters:
                cluster.destroy()


@pytest.fixture
def seeded():
    """Randomness whose seed is printed; WALBRIDGE_SEED repeats a run."""
    seed = int(os.environ.get("WALBRIDGE_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"WALBRIDGE_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def walbridge():
    assert binary().exists(), f"{binary()} is not built: make all"
    return binary()
