"""PostgreSQL's own logical replication: a subscription to the publication that every workload has, binary transfer."""
from walbridge_testing.waiting import wait_until

from .. import slots
from . import Peer


class Native(Peer):
    plugin, slot = "pgoutput", "bench_native"

    def __init__(self, name, label, streaming, synchronous_commit="off", only=None):
        self.name, self.label, self.only = name, label, only
        self.options = f"binary = true, streaming = {streaming}, synchronous_commit = '{synchronous_commit}'"

    def attach(self, source, target):
        super().attach(source, target)
        target.sql(f"CREATE SUBSCRIPTION bench_native CONNECTION '{source.url()}' PUBLICATION bench WITH (enabled = false, "
                   f"create_slot = false, slot_name = '{self.slot}', copy_data = false, {self.options})")

    def start(self):
        self.target.sql("ALTER SUBSCRIPTION bench_native ENABLE")

    def stop(self):
        self.target.sql("ALTER SUBSCRIPTION bench_native DISABLE")
        wait_until(lambda: not self.target.scalar(
            "SELECT count(*) FROM pg_stat_subscription WHERE subname = 'bench_native' AND pid IS NOT NULL"), 60, "apply worker gone", 0.02)

    def detach(self):
        self.target.sql("ALTER SUBSCRIPTION bench_native SET (slot_name = NONE)")
        self.target.sql("DROP SUBSCRIPTION bench_native")
        slots.drop(self.source, self.slot)
