"""Throw-away MariaDB and MySQL servers on a free loopback port and a unix socket, stopped by their own pid also when a test fails.

Both flavours have one interface, which follows that of cluster.Cluster. A server's own defaults are not what replication needs (time
zone, character set, lax sql_mode): what a session does not set for itself shows.

MariaDB is the one installed on this machine. MySQL lives in a folder of its own, made by scripts/mysql-root and named by
WALBRIDGE_MYSQL_ROOT; its server runs there under chroot, in a mount namespace of its own, so that nothing stays mounted.
"""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote as percent

import pymysql
import pymysql.constants.CLIENT

from . import cluster
from .cluster import base_directory, free_port
from .waiting import FACTOR, wait_until

SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
INSIDE = "/srv/walbridge"       # where a server's folder stands in the root folder of MySQL


def flavour():
    """The flavour that stories run against: mariadb, or mysql for `make check-matrix`."""
    name = os.environ.get("WALBRIDGE_MYSQL_FLAVOUR") or "mariadb"
    if name not in FLAVOURS:
        raise SystemExit(f"WALBRIDGE_MYSQL_FLAVOUR is {name!r}; {' and '.join(FLAVOURS)} are known")
    return name


def quote(name):
    return "`" + name.replace("`", "``") + "`"


class MysqlServer:
    """A server of its own, made but not started. settings: system variables by name; `{directory}` in a value is the server's folder as
    the server sees it. kind: what target.kind of a task file calls it."""
    kind = None
    common = {
        "bind-address": "127.0.0.1", "skip-name-resolve": None, "max-connections": 120, "skip-log-bin": None,
        # What a session of walbridge has to set for itself is different here.
        "default-time-zone": "-03:30", "character-set-server": "latin1", "sql-mode": "",
        "innodb-flush-log-at-trx-commit": 1, "innodb-buffer-pool-size": "64M", "innodb-use-native-aio": 0, "innodb-flush-method": "fsync",
    }
    more = {}

    def __init__(self, name, settings=None):
        self.name = name
        self.port = free_port()
        self.directory = base_directory() / f"{name}-{self.port}"
        self.data = self.directory / "data"
        self.socket = self.directory / "s.sock"
        self.log = self.directory / "server.log"
        self.settings = dict(settings or {})
        self.process = None
        self.directory.mkdir(parents=True)
        self._own(self.directory)
        self._from_template()

    # -- what the flavours differ in ----------------------------------------------------------------------------
    def _account(self):
        """(uid, gid) the server runs as; None where the tests have no right to choose."""
        raise NotImplementedError

    def _inside(self, path):
        """A path of the server's folder as the server sees it."""
        return str(path)

    def _initialize(self, data):
        raise NotImplementedError

    def _command(self, arguments):
        """(words, options of Popen) that become the server's own process: its pid is the server's."""
        raise NotImplementedError

    # -- life ---------------------------------------------------------------------------------------------------
    def _own(self, path):
        if account := self._account():
            os.chown(path, *account)

    def _from_template(self):
        """The data directory as a copy of one that was initialised once: a server has no identity that would be copied with it."""
        template = base_directory() / f"{self.kind}-template"
        if not template.exists():
            unfinished = template.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            self._initialize(unfinished)
            (unfinished / "auto.cnf").unlink(missing_ok=True)
            unfinished.rename(template)
        subprocess.run(["cp", "-a", template, self.data], check=True)

    def _variables(self):
        found = {**self.common, **self.more, **{key.replace("_", "-"): value for key, value in self.settings.items()}}
        found |= {"datadir": self._inside(self.data), "socket": self._inside(self.socket), "port": self.port,
                  "log-error": self._inside(self.log), "pid-file": self._inside(self.directory / "pid"), "tmpdir": self._inside(self.directory)}
        for key, value in found.items():
            if value is None:
                yield f"--{key}"
            else:
                yield f"--{key}=" + str(value).replace("{directory}", self._inside(self.directory))

    def add_files(self, files):
        """Files the settings name, {name: text}; before start()."""
        for name, text in files.items():
            path = self.directory / name
            path.write_text(text)
            path.chmod(0o600)
            self._own(path)

    def start(self):
        cluster.track(self)
        words, options = self._command(list(self._variables()))
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/",
                                        start_new_session=True, **options)

        def alive():
            if not self.is_running():
                raise AssertionError(f"{self.name} does not start (exit code {self.process.returncode})\n{self.log_tail(20)}")

        wait_until(lambda: self.scalar("SELECT 1"), 60, f"{self.name} answers; {self.log}", check=alive)
        return self

    def stop(self, mode="fast"):
        """fast: as a service manager does it; immediate: SIGKILL."""
        if self.is_running():
            self.process.send_signal(signal.SIGKILL if mode == "immediate" else signal.SIGTERM)
            try:
                self.process.wait(60 * FACTOR)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.name} did not end within {60 * FACTOR:.0f} s of SIGTERM\n{self.log_tail(20)}")
        cluster.untrack(self)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def kill9(self):
        """SIGKILL; what COMMIT acknowledged is in the page cache and recovered at the next start."""
        self.stop("immediate")

    crash = kill9

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def destroy(self):
        self.stop("immediate")
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self, lines=40):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # -- talk ---------------------------------------------------------------------------------------------------
    def url(self, database=None, user="root", password=None, **parameters):
        """parameters: those of the query part, - for _ in their names."""
        secret = ":" + percent(password, safe="") if password else ""
        extra = "?" + "&".join(f"{key.replace('_', '-')}={percent(str(value), safe='/')}" for key, value in parameters.items()) if parameters else ""
        return f"mysql://{percent(user, safe='')}{secret}@127.0.0.1:{self.port}/{percent(database or '', safe='')}{extra}"

    def connect(self, database=None, autocommit=False, user="root", password="", **more):
        """A session in UTC that sees what it writes as the stories mean it; over the socket."""
        connection = pymysql.connect(unix_socket=str(self.socket), user=user, password=password, database=database, charset="utf8mb4",
                                     autocommit=autocommit, connect_timeout=10, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS, **more)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0")
        return connection

    def sql(self, statement, parameters=None, database=None, user="root", password=""):
        """One or several statements, each on its own; rows of the last that has any, or None."""
        connection = self.connect(database, autocommit=True, user=user, password=password)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = None
                while True:
                    if cursor.description:
                        rows = list(cursor.fetchall())
                    if not cursor.nextset():
                        return rows
        finally:
            connection.close()

    def scalar(self, statement, parameters=None, database=None):
        rows = self.sql(statement, parameters, database)
        return rows[0][0] if rows else None

    def version(self):
        return self.scalar("SELECT version()")

    def set(self, **settings):
        """Global variables, for sessions that begin later; until the server is started again."""
        for key, value in settings.items():
            self.sql(f"SET GLOBAL {key} = %s", (value,))

    @contextlib.contextmanager
    def setting(self, **settings):
        """The same for a while."""
        before = {key: self.scalar(f"SELECT @@GLOBAL.{key}") for key in settings}
        self.set(**settings)
        try:
            yield self
        finally:
            if self.is_running():
                self.set(**before)

    def databases(self):
        """Those of users and of walbridge."""
        return [name for (name,) in self.sql("SHOW DATABASES") if name not in SYSTEM_DATABASES]

    def database(self, name):
        return MysqlDatabase(self, name)

    def create_database(self, name):
        self.sql(f"CREATE DATABASE {quote(name)} CHARACTER SET utf8mb4")
        return MysqlDatabase(self, name)

    def sessions(self, database=None):
        """[(id, user, database, statement)] of clients: all, or those of a database. Without the one that asks."""
        rows = [(row[0], row[1], row[3], row[7]) for row in self.sql("SHOW FULL PROCESSLIST")
                if row[1] not in ("system user", "event_scheduler") and row[7] != "SHOW FULL PROCESSLIST"]
        return [row for row in rows if database is None or row[2] == database]

    def lock_waits(self):
        """Transactions that wait for a lock of InnoDB. The server answers from a copy that it does not renew until nobody has read it for a
        tenth of a second: asked more often, it would never change."""
        time.sleep(0.15)
        return self.scalar("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")

    def kill_sessions(self, database=None):
        for id, *_ in self.sessions(database):
            with contextlib.suppress(pymysql.Error):        # it has just gone
                self.sql(f"KILL {int(id)}")

    def drop_database(self, name):
        """With the sessions in it, which could hold locks on its tables."""
        self.kill_sessions(name)
        self.sql(f"DROP DATABASE IF EXISTS {quote(name)}")

    def clear(self):
        """Drops everything that is not the server's own: a schema of the source is a database here, and walbridge keeps its state in one."""
        self.kill_sessions()
        for name in self.databases():
            self.drop_database(name)


class MariaDb(MysqlServer):
    """The MariaDB server of this machine."""
    kind = "mariadb"
    more = {"performance-schema": "OFF", "innodb-log-file-size": "32M"}

    def _account(self):
        if os.geteuid() != 0:
            return None
        user = pwd.getpwnam("mysql")
        return user.pw_uid, user.pw_gid

    def _as_mysql(self):
        account = self._account()
        return {"user": account[0], "group": account[1], "extra_groups": []} if account else {}

    def _initialize(self, data):
        made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                               "--skip-test-db", "--skip-name-resolve", *(["--user=mysql"] if self._account() else [])],
                              capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(self.directory)})
        if made.returncode != 0:
            raise RuntimeError(f"mariadb-install-db: {made.stdout[-2000:]}{made.stderr[-2000:]}")

    def _command(self, arguments):
        # Debian keeps the server where only root's PATH looks.
        program = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if program is None:
            raise RuntimeError("no mariadbd found: make deps")
        return [program, "--no-defaults", *arguments], self._as_mysql()


class Mysql(MysqlServer):
    """MySQL in the folder that WALBRIDGE_MYSQL_ROOT names (scripts/mysql-root makes it). Needs root: for chroot and mounts."""
    kind = "mysql"
    more = {"mysqlx": "OFF", "secure-file-priv": "NULL", "innodb-redo-log-capacity": "64M", "user": "mysql"}

    @staticmethod
    def root():
        folder = os.environ.get("WALBRIDGE_MYSQL_ROOT")
        if not folder:
            raise RuntimeError("stories against MySQL need a folder with a MySQL server: scripts/mysql-root DIR, then WALBRIDGE_MYSQL_ROOT=DIR")
        return Path(folder)

    def _account(self):
        for line in (self.root() / "etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[0] == "mysql":
                return int(fields[2]), int(fields[3])
        raise RuntimeError(f"{self.root()} has no user mysql: scripts/mysql-root makes such a folder")

    def _inside(self, path):
        return INSIDE + str(path)[len(str(self.directory)):]

    def _there(self, words):
        """A command line that runs `words` in the root folder, as one process from the first to the last exec. What it mounts nobody
        else sees, and it goes with the process."""
        script = ('root=$1 home=$2; shift 2; mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && '
                  f'mount --bind "$home" "$root{INSIDE}" && exec chroot "$root" "$@"')
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", self.root(), self.directory, *words]

    def _initialize(self, data):
        # The account of initialize-insecure is root@localhost, which is the socket alone.
        grants = self.directory / "accounts.sql"
        grants.write_text("CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY '';\n"
                          "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n")
        self._own(grants)
        made = subprocess.run(self._there(["/usr/sbin/mysqld", "--no-defaults", "--initialize-insecure", "--user=mysql", f"--datadir={INSIDE}/data",
                                           f"--init-file={self._inside(grants)}", "--innodb-use-native-aio=0", "--innodb-redo-log-capacity=64M"]),
                              capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL)
        if made.returncode != 0:
            raise RuntimeError(f"mysqld --initialize-insecure: {made.stdout[-2000:]}{made.stderr[-2000:]}")
        self.data.rename(data)

    def _command(self, arguments):
        return self._there(["/usr/sbin/mysqld", "--no-defaults", *arguments]), {}


FLAVOURS = {"mariadb": MariaDb, "mysql": Mysql}


class MysqlDatabase:
    """A database of a server: what most tests hold."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    def url(self, **arguments):
        return self.server.url(self.name, **arguments)

    def sql(self, statement, parameters=None, **arguments):
        return self.server.sql(statement, parameters, self.name, **arguments)

    def scalar(self, statement, parameters=None):
        return self.server.scalar(statement, parameters, self.name)

    def connect(self, autocommit=False, **arguments):
        return self.server.connect(self.name, autocommit, **arguments)

    def exists(self, table, database=None):
        return bool(self.scalar("SELECT count(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                                (database or self.name, table)))

    def columns(self, table):
        """{name: type as SHOW CREATE TABLE writes it}, in order."""
        return dict(self.sql("SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                             "ORDER BY ordinal_position", (self.name, table)))

    def __repr__(self):
        return f"{self.server.name}/{self.name}"
