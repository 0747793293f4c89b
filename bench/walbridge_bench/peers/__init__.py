"""Those who apply a source's changes to a target. One class each, one way to treat them.

A peer's life in a workload: prepare_source() before the base slot is made; prepare_template() on a copy of the target database of its
own; then, for each run on a fresh copy of that: attach(), start(), stop(), detach(). Only start() runs against the clock.
"""


class Peer:
    name = label = plugin = slot = None
    own_template = False
    only = None                     # names of the workloads it is for; None = all
    looks_at_writers = False        # needs the target's commit timestamps
    limit = None                    # seconds after which it "did not finish"; None = the usual limit

    def prepare_source(self, source):
        """Publications, extensions: what the source database needs."""

    def prepare_template(self, source, template):
        """State that belongs to the target database itself."""

    def attach(self, source, target):
        """Ready to start: subscription there but disabled, process not started."""
        self.source, self.target = source, target

    def start(self):
        raise NotImplementedError

    def check(self):
        """Raises when the peer is dead, so that nobody waits for it."""

    def figures(self):
        """What only a living peer can tell: {name: number}."""
        return {}

    def stop(self):
        raise NotImplementedError

    def detach(self):
        """Nothing of it is left on the two servers but the database."""
