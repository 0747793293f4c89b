"""A workload made ready: source with its backlog behind the base slot, templates of the target, the proof of the source's content."""
import time

from walbridge_testing.waiting import wait_until

from . import slots
from .measure import checksum, differences, prewarm

MARKER = 1


def changes_so_far(database):
    return int(database.scalar("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE schemaname = 'public'"))


class Prepared:
    def __init__(self, workload, source_server, target_server, peers, say):
        self.workload = workload
        self.peers = peers
        self.target_server = target_server
        began = time.monotonic()
        # Rows that are filled in by hand would be somebody else's: each change of them would be a conflict.
        self.looks_at_writers = any(peer.looks_at_writers for peer in peers)
        if self.looks_at_writers:
            target_server.track_commits(False)
        self.source = source_server.create_database(workload.name)
        plain = target_server.create_database("plain")
        for database in (self.source, plain):
            workload.fill(database)
        if wrong := differences(checksum(self.source), checksum(plain)):
            raise RuntimeError(f"{workload.name}: first rows differ between source and target: {wrong}")
        for peer in peers:
            peer.prepare_source(self.source)
        slots.create_base(self.source)
        self.templates = {}
        kinds = {}              # variants of one peer share a template
        for peer in peers:
            if not peer.own_template:
                self.templates[peer.name] = "plain"
            elif type(peer) in kinds:
                self.templates[peer.name] = self.templates[kinds[type(peer)].name]
                peer.slot = kinds[type(peer)].slot
            else:
                self.templates[peer.name] = f"template_{peer.name}"
                peer.prepare_template(self.source, target_server.clone(self.templates[peer.name], "plain"))
                kinds[type(peer)] = peer
        if self.looks_at_writers:
            target_server.track_commits(True)
        self.started_at = self.source.scalar("SELECT pg_current_wal_insert_lsn()")
        before = changes_so_far(self.source)
        workload.backlog(self.source)
        # The statistics of a session that has ended arrive a moment later.
        wait_until(lambda: changes_so_far(self.source) - before == workload.changes, 10, f"{workload.name}: the backlog holds "
                   f"{workload.changes} changes, as is counted for", interval=0.02)
        self.end = self.source.scalar("SELECT pg_current_wal_insert_lsn()")
        self.source.sql("INSERT INTO bench_marker VALUES (%s)", (MARKER,))
        self.wal_bytes = int(self.source.scalar("SELECT %s::pg_lsn - %s::pg_lsn", (self.end, self.started_at)))
        source_server.sql("CHECKPOINT")
        self.checksum = checksum(self.source)
        say(f"{workload.name}: {workload.changes} changes, {self.wal_bytes / 1e6:.0f} MB of WAL, ready after {time.monotonic() - began:.0f} s")

    def clone_for(self, peer):
        """A fresh target for one run, with the peer attached and everything written and in memory."""
        database = self.target_server.clone(f"run_{peer.name}", self.templates[peer.name])
        slots.copy_base(self.source, peer.slot, peer.plugin)
        peer.attach(self.source, database)
        database.sql("CHECKPOINT")
        prewarm(database)
        return database

    def wrong_tables(self, database):
        return differences(self.checksum, checksum(database))

    def drop(self):
        slots.drop(self.source, slots.BASE)
        for name in {"plain", *self.templates.values()}:
            self.target_server.drop_database(name)
        if self.looks_at_writers:
            self.target_server.track_commits(False)
