"""pytest fixtures for targets of MySQL's kind: the flavour that WALBRIDGE_MYSQL_FLAVOUR names, or both where a test asks for one by name."""
import pytest

from . import mysql_compare
from .fixtures import SOURCE_SETTINGS, Pair, _shared, name_of
from .mysql import FLAVOURS, flavour


def _started(kind, name, settings=None):
    return FLAVOURS[kind](name, settings).start()


@pytest.fixture(scope="session")
def mysql_cluster():
    """The server shared by the stories of one process."""
    server = _started(flavour(), flavour())
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def mariadb_cluster(request):
    """A MariaDB server, whatever the flavour of the stories."""
    if flavour() == "mariadb":
        yield request.getfixturevalue("mysql_cluster")
        return
    server = _started("mariadb", "mariadb")
    yield server
    server.destroy()


class MysqlPair(Pair):
    """A PostgreSQL source, a target database on a MySQL or MariaDB server, and the appliers between them. The target's server belongs to
    this pair as long as it lives: at the end everything on it is dropped."""

    def __init__(self, name, source_cluster, server, source_options=""):
        self.name = name
        self.server = server
        self.clusters = [source_cluster, server]
        self.appliers = []
        self.source = source_cluster.create_database(name, source_options)
        self.source.sql("CREATE EXTENSION walbridge")
        self.target = server.create_database(name)

    def applier(self, name=None, source_url=None, target_url=None, **options):
        options["target"] = {"kind": self.server.kind, **options.get("target", {})}
        return super().applier(name, source_url, target_url, **options)

    def both(self, script):
        raise NotImplementedError("the two sides speak different SQL")

    def database(self, name):
        """Another database of the target's server: what a schema other than public becomes."""
        return self.server.database(name)

    def compare(self, *tables, **options):
        chosen = [tuple(t.split(".", 1)) if "." in t else ("public", t) for t in tables] or None
        return mysql_compare.compare(self.source, self.target, chosen, **options)

    def close(self):
        reports = self.end_appliers()
        if self.source.cluster.is_running():
            self.source.cluster.drop_database(self.source.name)
        if self.server.is_running():
            self.server.clear()
        assert not reports, "\n".join(reports)


@pytest.fixture
def mysql_pair(request, source_cluster, mysql_cluster):
    made = MysqlPair(name_of(request), source_cluster, mysql_cluster)
    yield made
    made.close()


@pytest.fixture
def own_mysql_server(request):
    """own_mysql_server({...}, files={...}) starts a server with settings of its own."""
    made = []

    def make(settings=None, files=None):
        server = FLAVOURS[flavour()](f"{name_of(request)[:20]}_t{len(made)}", settings)
        server.add_files(files or {})
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.destroy()


@pytest.fixture
def own_mysql_pair(request, source_cluster, own_mysql_server):
    """A target server of its own, for stories that stop, kill or configure it; own_source: the source's as well, with these settings."""
    pairs, sources = [], []

    def make(settings=None, files=None, own_source=None):
        name = name_of(request)
        source = source_cluster
        if own_source is not None:
            source = _shared(f"{name[:20]}_s", SOURCE_SETTINGS | own_source)
            sources.append(source)
        pairs.append(MysqlPair(name, source, own_mysql_server(settings, files)))
        return pairs[-1]

    yield make
    try:
        for pair in pairs:
            pair.close()
    finally:
        for source in sources:
            source.destroy()
