"""walbridge: one process per task. Its state lives in the target database, so a copy of a prepared database holds a prepared task."""
from walbridge_testing.applier import Applier, task
from walbridge_testing.cluster import base_directory
from walbridge_testing.waiting import wait_until

from .. import slots
from ..servers import process_cpu
from . import Peer

TASK = "bench"


class Walbridge(Peer):
    plugin, slot, own_template = "walbridge", f"walbridge_{TASK}", True

    def __init__(self, name, label, sections=None, only=None, looks_at_writers=False):
        self.name, self.label, self.only, self.looks_at_writers = name, label, only, looks_at_writers
        self.sections = sections or {}
        self.applier = None

    def applier_for(self, source, target):
        # What only runs once after a start would be measured with the short runs.
        quiet = {"ddl": {"classes": "none"}, "schema": {"check": "off"}}
        document = task(TASK, source.url(), target.url(), stages=["incremental"],
                        **{section: {**quiet.get(section, {}), **self.sections.get(section, {})} for section in {**quiet, **self.sections}})
        return Applier(document, base_directory() / "tasks" / target.name)

    def prepare_template(self, source, template):
        """Starts the task once with nothing to do, so that its position is stored. Its slot goes: each run gets a copy of the base slot."""
        applier = self.applier_for(source, template).start()
        try:
            applier.wait_caught_up()
        finally:
            applier.stop()
        self.forget(source, template)

    def forget(self, source, target):
        slots.drop(source, self.slot)
        slots.drop_origin(target, f"walbridge_{TASK}")

    def attach(self, source, target):
        super().attach(source, target)
        self.applier = self.applier_for(source, target)
        self.check = self.applier.check_alive

    def start(self):
        self.applier.start()

    def figures(self):
        """Peak memory and CPU of the process."""
        return {"peak_rss": self.applier.peak_memory(), "process_cpu": process_cpu(self.applier.process.pid)}

    def stop(self):
        self.applier.stop(120)
        wait_until(lambda: not self.source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (self.slot,)),
                   60, "walsender gone", 0.02)

    def detach(self):
        if self.applier.is_running():
            self.applier.kill()
        self.forget(self.source, self.target)
