"""Throw-away PostgreSQL clusters on a free loopback port, stopped by their own pg_ctl also when a test fails.

Each cluster gets its own initdb, never a copy of a template: a copy would carry the same system identifier, and telling
one cluster from another by that identifier is one of the things under test.
"""
import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import psycopg2.extensions

from .waiting import wait_until

PG_CONFIG = os.environ.get("PG_CONFIG") or "pg_config"
LOCALE = "C.UTF-8"

_live = []          # servers to stop when the process ends, however it ends
_base = None


def pg_bindir():
    return Path(subprocess.run([PG_CONFIG, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())


def _as_postgres():
    """Servers refuse to run as root; everything else about them then belongs to the user postgres."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def base_directory():
    """One folder for everything of this run; removed at exit unless KEEP is set."""
    global _base
    if _base is None:
        _base = Path(tempfile.mkdtemp(prefix="walbridge-", dir=os.environ.get("WALBRIDGE_TMP")))
        _base.chmod(0o755)
    return _base


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stop_everything():
    for server in list(_live):
        try:
            server.stop("immediate")
        except Exception as error:
            print(f"could not stop {server.name}: {error}")
    if _base is not None and not os.environ.get("KEEP"):
        shutil.rmtree(_base, ignore_errors=True)


atexit.register(_stop_everything)


def track(server):
    """From now on `server` (name, stop(mode)) is stopped when the process ends."""
    if server not in _live:
        _live.append(server)


def untrack(server):
    if server in _live:
        _live.remove(server)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


class Cluster:
    """A server of its own. settings: extra lines of postgresql.conf as a dict."""

    def __init__(self, name, settings=None, plugin=True):
        self.name = name
        self.bin = pg_bindir()
        self.port = free_port()
        self.directory = base_directory() / f"{name}-{self.port}"
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.settings = dict(settings or {})
        self.plugin = plugin
        self._init()

    # -- life ---------------------------------------------------------------------------------------------------
    def _run(self, *command, check=True, timeout=120):
        result = subprocess.run([*_as_postgres(), *map(str, command)], capture_output=True, text=True, timeout=timeout,
                                cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": LOCALE})
        if check and result.returncode != 0:
            raise RuntimeError(f"{command[0]} failed ({result.returncode}): {result.stdout}{result.stderr}\n"
                               f"{self.log_tail(20)}")
        return result

    def _init(self):
        self.directory.mkdir(parents=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self._run(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  f"--locale={LOCALE}", "--no-sync", "--no-instructions")
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": str(self.directory),
            "wal_level": "logical", "max_wal_senders": 30, "max_replication_slots": 30, "max_connections": 120,
            "max_prepared_transactions": 20, "track_commit_timestamp": "on", "shared_buffers": "128MB",
            # The tests end processes, never the machine: what was written to the page cache is not lost.
            "fsync": "off", "max_wal_size": "4GB", "log_line_prefix": "%m [%p] %a %d ", "timezone": "UTC",
            "log_timezone": "UTC", "jit": "off", "log_checkpoints": "off", "restart_after_crash": "on",
        }
        if self.plugin and self._run(self.bin / "postgres", "-C", "output_plugin_libraries", "-D", self.data,
                                     check=False).returncode == 0:
            settings["output_plugin_libraries"] = "walbridge, pgoutput, test_decoding"
        if os.environ.get("WALBRIDGE_PLUGIN_DIR"):      # a plugin that is not installed; the folder is readable for postgres
            settings["dynamic_library_path"] = os.environ["WALBRIDGE_PLUGIN_DIR"] + ":$libdir"
        settings.update(self.settings)
        with open(self.data / "postgresql.conf", "a") as conf:
            for key, value in settings.items():
                escaped = str(value).replace("'", "''")
                conf.write(f"{key} = '{escaped}'\n")
        hba = ("local all all trust\n"
               "host all with_password 127.0.0.1/32 scram-sha-256\n"
               "host all all 127.0.0.1/32 trust\n"
               "host replication all 127.0.0.1/32 trust\n")
        (self.data / "pg_hba.conf").write_text(hba)

    def start(self):
        track(self)

        # After kill9 the old backends may hold the shared memory for a moment: the server says so and is asked again.
        def started():
            return self._run(self.bin / "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "start",
                             check=False).returncode == 0 or self.is_running()

        wait_until(started, 60, f"{self.name} starts; {self.log}", interval=0.2)
        return self

    def stop(self, mode="fast"):
        if self.is_running():
            self._run(self.bin / "pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop", check=False)
        untrack(self)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def crash(self):
        """Immediate shutdown: no checkpoint, recovery at the next start."""
        self.stop("immediate")

    def kill9(self):
        """SIGKILL to the postmaster; its children notice and leave."""
        os.kill(self.postmaster_pid(), signal.SIGKILL)
        wait_until(lambda: not self.is_running(), 20, "postmaster gone")

    def postmaster_pid(self):
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def is_running(self):
        try:
            pid = self.postmaster_pid()
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state != "Z"
        except (OSError, ValueError, IndexError):
            return False

    def reload(self):
        self._run(self.bin / "pg_ctl", "-D", self.data, "reload")

    def set(self, **settings):
        for key, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {key} = %s", (str(value),))
        self.reload()

    def copy_data_to(self, name):
        """A stopped cluster's data as another folder: what a restored backup is."""
        assert not self.is_running()
        saved = self.directory / name
        self._run("cp", "-a", self.data, saved)
        return saved

    def replace_data_with(self, saved):
        assert not self.is_running()
        self._run("rm", "-rf", self.data)
        self._run("cp", "-a", saved, self.data)

    def version(self):
        return int((self.data / "PG_VERSION").read_text())

    def destroy(self):
        self.stop("immediate")
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    # -- talk ---------------------------------------------------------------------------------------------------
    def url(self, database, user="postgres", password=None, **parameters):
        secret = f":{password}" if password else ""
        extra = "?" + "&".join(f"{k}={v}" for k, v in parameters.items()) if parameters else ""
        from urllib.parse import quote as percent
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{percent(database, safe='')}{extra}"

    def connect(self, database="postgres", autocommit=False, user="postgres", **more):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user=user,
                                      connect_timeout=10, application_name="walbridge-tests", **more)
        connection.autocommit = autocommit
        return connection

    def sql(self, statement, parameters=None, database="postgres", user="postgres"):
        """One or several statements, each on its own (autocommit for a single one); rows of the last, or None."""
        connection = self.connect(database, autocommit=True, user=user)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def scalar(self, statement, parameters=None, database="postgres"):
        rows = self.sql(statement, parameters, database)
        return rows[0][0] if rows else None

    def psql(self, script, database="postgres", user="postgres", check=True):
        """A script through psql, statement by statement; stops at the first error."""
        result = subprocess.run([str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                                 "-p", str(self.port), "-U", user, "-d", database, "-f", "-"],
                                input=script, capture_output=True, text=True,
                                env={"PATH": os.environ["PATH"], "LC_ALL": LOCALE, "PGCLIENTENCODING": "UTF8"})
        if check and result.returncode != 0:
            raise RuntimeError(f"psql on {self.name}/{database}: {result.stderr}")
        return result.stdout

    def database(self, name):
        return Database(self, name)

    def create_database(self, name, options=""):
        # Copying files costs half of what writing them to the WAL does, which decoding would have to pass over besides.
        strategy = "STRATEGY file_copy" if self.version() >= 15 else ""
        self.sql(f"CREATE DATABASE {quote(name)} {strategy} {options}")
        return Database(self, name)

    def drop_database(self, name):
        """Removes a test's database and the slots in it, whoever still uses them."""
        def slots_gone():
            rows = self.sql("SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = %s", (name,))
            for slot, pid in rows:
                if pid is not None:
                    self.sql("SELECT pg_terminate_backend(%s)", (pid,))
                else:
                    self.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
            return not rows

        for (gid,) in self.sql("SELECT gid FROM pg_prepared_xacts WHERE database = %s", (name,)):
            self.sql("ROLLBACK PREPARED %s", (gid,), database=name)
        wait_until(slots_gone, 20, f"slots of {name} dropped")
        self.sql(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")

    def log_tail(self, lines=40):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


class Standby(Cluster):
    """A physical copy of a running cluster that follows it through a slot. settings: for the copy alone."""

    def __init__(self, primary, name, slot, settings=None):
        self.primary = primary
        self.slot = slot
        super().__init__(name, settings, plugin=False)

    def _init(self):
        self.directory.mkdir(parents=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self._run(self.bin / "pg_basebackup", "-D", self.data, "-h", "127.0.0.1", "-p", self.primary.port, "-U", "postgres",
                  "-C", "-S", self.slot, "-X", "stream", "-c", "fast", "--no-sync")
        settings = {"port": self.port, "unix_socket_directories": str(self.directory), "primary_slot_name": self.slot,
                    "primary_conninfo": f"host=127.0.0.1 port={self.primary.port} user=postgres dbname=postgres", **self.settings}
        with open(self.data / "postgresql.conf", "a") as conf:
            for key, value in settings.items():
                conf.write(f"{key} = '{value}'\n")
        (self.data / "standby.signal").touch()


class Database:
    """A database of a cluster: what most tests hold."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def url(self, **arguments):
        return self.cluster.url(self.name, **arguments)

    def sql(self, statement, parameters=None, user="postgres"):
        return self.cluster.sql(statement, parameters, self.name, user)

    def scalar(self, statement, parameters=None):
        return self.cluster.scalar(statement, parameters, self.name)

    def psql(self, script, **arguments):
        return self.cluster.psql(script, self.name, **arguments)

    def connect(self, autocommit=False, **arguments):
        return self.cluster.connect(self.name, autocommit, **arguments)

    def exists(self, relation):
        return self.scalar("SELECT to_regclass(%s) IS NOT NULL", (relation,))

    def __repr__(self):
        return f"{self.cluster.name}/{self.name}"
