"""pglogical: an extension on both sides.

Its subscription is made once, in the template, and finds its position by name of slot and origin. Its supervisor does not answer
the barrier that DROP DATABASE waits for, so the target has the library loaded only while pglogical is measured.
"""
from walbridge_testing.waiting import wait_until

from .. import slots
from . import Peer

SETS = "ARRAY['default', 'default_insert_only']"


class Pglogical(Peer):
    name = label = "pglogical"
    plugin, own_template = "pglogical_output", True

    def prepare_source(self, source):
        source.sql("CREATE EXTENSION IF NOT EXISTS pglogical")
        source.sql("SELECT pglogical.create_node('provider', %s)", (source.url(),))
        source.sql("SELECT pglogical.replication_set_add_table(CASE WHEN EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid "
                   "AND i.indisprimary) THEN 'default' ELSE 'default_insert_only' END, c.oid) FROM pg_class c "
                   "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace")

    def prepare_template(self, source, template):
        template.cluster.preload("pglogical")
        template.sql("CREATE EXTENSION pglogical")
        template.sql("SELECT pglogical.create_node('subscriber', %s)", (template.url(),))
        template.sql(f"SELECT pglogical.create_subscription('bench', %s, {SETS}, synchronize_structure := false, "
                     "synchronize_data := false)", (source.url(),))
        wait_until(lambda: template.scalar("SELECT status FROM pglogical.show_subscription_status()") == "replicating", 60,
                   "pglogical's subscription replicates")
        template.sql("SELECT pglogical.alter_subscription_disable('bench', true)")
        self.slot = template.scalar("SELECT slot_name FROM pglogical.show_subscription_status()")
        wait_until(lambda: not source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (self.slot,)), 60)
        slots.drop(source, self.slot)
        template.cluster.preload("")
        slots.drop_origin(template, self.slot)

    def attach(self, source, target):
        super().attach(source, target)
        target.sql("SELECT pg_replication_origin_create(%s)", (self.slot,))
        target.cluster.preload("pglogical")

    def start(self):
        self.target.sql("SELECT pglogical.alter_subscription_enable('bench', true)")

    def stop(self):
        self.target.sql("SELECT pglogical.alter_subscription_disable('bench', true)")
        wait_until(lambda: not self.source.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (self.slot,)),
                   60, "pglogical's walsender gone", 0.02)

    def detach(self):
        self.target.cluster.preload("")
        slots.drop_origin(self.target, self.slot)
        slots.drop(self.source, self.slot)
