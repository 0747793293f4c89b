"""The source and the target server, their settings, and what their processes have used of the CPU."""
import os
import shutil
from pathlib import Path

import psycopg2
from walbridge_testing.applier import ROOT
from walbridge_testing.cluster import Cluster, base_directory

SETTINGS = {
    "fsync": "on", "full_page_writes": "on", "autovacuum": "off", "jit": "off",
    "shared_buffers": "1GB", "max_wal_size": "16GB", "min_wal_size": "4GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "256MB",
    "max_locks_per_transaction": 256,
    "wal_retrieve_retry_interval": "100ms",     # else a subscription that is enabled again may first wait 5 s
}
PLUGINS = "walbridge, pgoutput, test_decoding, wal2json, decoderbufs, pglogical_output"
TICK = os.sysconf("SC_CLK_TCK")


def private_plugin():
    """The plugin of this source tree, where the servers can read it; nothing is installed for other servers of the machine."""
    if os.environ.get("WALBRIDGE_PLUGIN_DIR"):
        return
    built = ROOT / "decoder/walbridge.so"
    if not built.exists():
        raise SystemExit(f"{built} is not built: make all")
    folder = base_directory() / "plugin"
    folder.mkdir(mode=0o755, exist_ok=True)
    shutil.copy(built, folder)
    os.environ["WALBRIDGE_PLUGIN_DIR"] = str(folder)


def _cpu_ticks(pid, children):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = int(fields[11]) + int(fields[12])
    return own + int(fields[13]) + int(fields[14]) if children else own


def process_cpu(pid):
    """CPU seconds of one living process."""
    return _cpu_ticks(pid, children=False) / TICK


class Server(Cluster):
    """A cluster that is reached through its unix socket by everybody, and that counts its CPU time."""

    def __init__(self, name, **settings):
        super().__init__(name, {**SETTINGS, **settings})
        conf = self.data / "postgresql.conf"
        if "output_plugin_libraries" in conf.read_text():       # recent minor releases only
            with open(conf, "a") as file:
                file.write(f"output_plugin_libraries = '{PLUGINS}'\n")

    def url(self, database, user="postgres", password=None, **parameters):
        more = "".join(f"&{key}={value}" for key, value in parameters.items())
        return f"postgresql:///{database}?host={self.directory}&port={self.port}&user={user}{more}"

    def connect(self, database="postgres", autocommit=False, user="postgres", **more):
        connection = psycopg2.connect(host=str(self.directory), port=self.port, dbname=database, user=user,
                                      application_name="walbridge-bench", **more)
        connection.autocommit = autocommit
        return connection

    def cpu_seconds(self):
        """Of the postmaster, of every process that lives now and of every process that has ended."""
        postmaster = self.postmaster_pid()
        ticks = _cpu_ticks(postmaster, children=True)
        for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
            try:
                ticks += _cpu_ticks(pid, children=True)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return ticks / TICK

    def preload(self, libraries):
        """Restarts the server with other preloaded libraries, if they are others."""
        if self.scalar("SHOW shared_preload_libraries") == libraries:
            return
        self.sql(f"ALTER SYSTEM SET shared_preload_libraries = {libraries}" if libraries else "ALTER SYSTEM RESET shared_preload_libraries")
        self.restart()

    def track_commits(self, on):
        """Restarts the server with or without commit timestamps. Of transactions from before nobody knows when and by whom."""
        if (self.scalar("SHOW track_commit_timestamp") == "on") != on:
            self.sql(f"ALTER SYSTEM SET track_commit_timestamp = {'on' if on else 'off'}")
            self.restart()

    def clone(self, name, template):
        """A database as a copy of another one."""
        return self.create_database(name, f"TEMPLATE {template}")

    def drop_databases(self):
        for (name,) in self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"):
            self.drop_database(name)

    def has_library(self, name):
        folder = Path(self._run(self.bin / "pg_config", "--pkglibdir").stdout.strip())
        return (folder / f"{name}.so").exists()


def start(pglogical):
    """Source and target, running. pglogical needs its library in the source for good, in the target only while it works."""
    private_plugin()
    source = Server("source", shared_preload_libraries="pglogical" if pglogical else "").start()
    target = Server("target", wal_level="replica").start()
    return source, target
