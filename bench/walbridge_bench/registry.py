"""Who is measured: the peers by name, and which of them this machine has."""
import shutil

from .peers.native import Native
from .peers.pgcopydb import PgcopydbFollow
from .peers.pglogical import Pglogical
from .peers.walbridge import Walbridge

NATIVE_BEST = ("native", "native_plain", "native_sync")        # native logical replication counts with the better of these
SYNC_ONLY = ("tpcb_durable",)
ORIGINS_ONLY = ("updates_by_key", "tpcb", "deletes")           # inserts do not look at who wrote a row


def all_peers(sections):
    """sections: of walbridge's task file, {section: {key: value}}."""
    durable = {**sections, "apply": {**sections.get("apply", {}), "synchronous_commit": True}}
    origins = {**sections, "conflict": {"policy": "overwrite", **sections.get("conflict", {}), "origins": "on"}}
    return [
        Native("native", "native (binary, streaming on)", "on"),
        Native("native_plain", "native (binary, streaming off)", "off", only=("huge_insert",)),
        Pglogical(),
        PgcopydbFollow(),
        Walbridge("walbridge", "walbridge", sections),
        Walbridge("walbridge_origins", "walbridge, conflict.origins on", origins, only=ORIGINS_ONLY, looks_at_writers=True),
        Native("native_sync", "native, synchronous_commit on", "on", "on", only=SYNC_ONLY),
        Walbridge("walbridge_sync", "walbridge, synchronous_commit on", durable, only=SYNC_ONLY),
    ]


def peers_for(workload, peers):
    return [peer for peer in peers if (peer.name in workload.peers if workload.peers else not peer.only or workload.name in peer.only)]


def available(peers, not_available, has_pglogical):
    """Leaves out what is not installed, and says so."""
    found = []
    for peer in peers:
        if isinstance(peer, Pglogical) and not has_pglogical:
            not_available[peer.name] = "not installed (scripts/deps --bench)"
        elif isinstance(peer, PgcopydbFollow) and not shutil.which("pgcopydb"):
            not_available[peer.name] = "not installed (scripts/deps --bench)"
        else:
            found.append(peer)
    return found
