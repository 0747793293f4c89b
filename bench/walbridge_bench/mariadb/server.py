"""The MariaDB server of the benchmark: durable, on disk, and put back to the same content before every run."""
import shutil
import subprocess

from walbridge_testing.mysql import MariaDb
from walbridge_testing.waiting import wait_until

from ..servers import process_cpu

SETTINGS = {
    "default-time-zone": "SYSTEM", "character-set-server": "utf8mb4", "sql-mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
    "innodb-flush-log-at-trx-commit": 1, "innodb-flush-method": "O_DIRECT", "innodb-use-native-aio": 1, "innodb-buffer-pool-size": "1G",
    "innodb-log-file-size": "512M", "max-allowed-packet": "64M", "local-infile": 1,
}
SHOWN = ("version", "innodb_flush_log_at_trx_commit", "innodb_flush_method", "innodb_buffer_pool_size", "innodb_log_file_size", "innodb_doublewrite",
         "log_bin", "max_allowed_packet", "sql_mode")


def installed():
    return shutil.which("mariadb-install-db") is not None and shutil.which("mariadb") is not None


class Target(MariaDb):
    """Reached through its unix socket by everybody, as the source is. `save` keeps what it holds, `restore` starts from that again."""

    def __init__(self, name, **settings):
        super().__init__(name, {**SETTINGS, **settings})
        self.saved = self.directory / "saved"
        self._ended_cpu = 0.0

    def url(self, database=None, user="root", password=None, **parameters):
        return f"mysql://{user}@localhost/{database or ''}?socket={self.socket}"

    def stop(self, mode="fast"):
        if self.is_running():
            self._ended_cpu += self._living_cpu()
        super().stop(mode)

    def _living_cpu(self):
        return process_cpu(self.process.pid) if self.is_running() else 0.0

    def cpu_seconds(self):
        return self._ended_cpu + self._living_cpu()

    def save(self):
        """Stops the server."""
        self.stop()
        self._copy(self.data, self.saved)

    def restore(self):
        """Starts it with what was saved, its tables read once."""
        self.stop("immediate")
        self._copy(self.saved, self.data)
        self.start()
        for name in self.databases():
            for (table,) in self.sql(f"SHOW TABLES FROM `{name}`"):
                self.sql(f"SELECT count(*) FROM `{name}`.`{table}`")
        return self

    @staticmethod
    def _copy(source, target):
        subprocess.run(["rm", "-rf", str(target)], check=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
        subprocess.run(["sync", "-f", str(target)], check=True)     # not during somebody's run

    def clean(self):
        """Drops everything, and waits until what is left of it is written: not during somebody's run."""
        self.clear()
        dirty = "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_buffer_pool_pages_dirty'"
        with self.setting(innodb_max_dirty_pages_pct=0, innodb_max_dirty_pages_pct_lwm=0):
            wait_until(lambda: int(self.scalar(dirty)) < 100, 60, "dirty pages written", interval=0.05)

    def settings_shown(self):
        return {name: str(self.scalar(f"SELECT @@GLOBAL.{name}")) for name in SHOWN}
