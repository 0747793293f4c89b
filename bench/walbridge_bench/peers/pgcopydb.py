"""pgcopydb follow: changes as JSON files, turned into SQL files, replayed."""
import os
import shutil
import signal
import subprocess

from walbridge_testing.cluster import base_directory

from .. import slots
from . import Peer


class PgcopydbFollow(Peer):
    name, label = "pgcopydb", "pgcopydb follow"
    plugin, slot = "wal2json", "bench_pgcopydb"
    only = ("small_inserts",)
    limit = 60              # it did not come to an end where it was tried for longer

    def attach(self, source, target):
        super().attach(source, target)
        self.folder = base_directory() / "pgcopydb-follow"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.where = ["--source", source.url(), "--target", target.url(), "--dir", str(self.folder)]
        position = source.scalar("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", (self.slot,))
        self.command("stream", "sentinel", "create", "--source", source.url(), "--startpos", position)
        self.command("stream", "sentinel", "set", "apply", "--source", source.url())
        target.sql("SELECT pg_replication_origin_create(%s)", (self.slot,))
        target.sql("SELECT pg_replication_origin_advance(%s, %s)", (self.slot, position))
        self.process = None

    def command(self, *words):
        ended = subprocess.run(["pgcopydb", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if ended.returncode != 0:
            raise AssertionError(f"pgcopydb {' '.join(words[:3])}: {ended.stdout[-1000:]}")

    def start(self):
        self.log = open(base_directory() / "pgcopydb-follow.log", "a")
        self.process = subprocess.Popen(["pgcopydb", "follow", *self.where, "--slot-name", self.slot, "--origin", self.slot, "--resume",
                                         "--not-consistent"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def check(self):
        if self.process.poll() is not None:
            text = (base_directory() / "pgcopydb-follow.log").read_text(errors="replace")
            raise AssertionError(f"pgcopydb follow ended with exit code {self.process.returncode}: {text[-400:]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)        # its own session: itself and its children
            self.process.wait()

    def detach(self):
        self.stop()
        self.source.sql("DROP SCHEMA IF EXISTS pgcopydb CASCADE")
        slots.drop(self.source, self.slot)
        slots.drop_origin(self.target, self.slot)
