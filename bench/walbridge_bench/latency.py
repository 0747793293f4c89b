"""Live latency: pgbench at a fixed rate, a probe row now and then, the target asked back to back until it shows the row.

All peers follow the same source into a database each; one works while the others stand still.
"""
import contextlib
import math
import time

from . import slots
from .measure import MarkerWatch, checksum, differences, wait_for
from .workloads import pgbench

RATE = 500
PAUSE = 0.05


def quantile(values, share):
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


def measure(source, target, seconds, say):
    """Probes under load; the latencies from the acknowledgement of the commit and from sending, in ms."""
    load = pgbench(source, "-n", "-c", 2, "-j", 1, "--rate", RATE, "-T", max(int(seconds), 1) + 2, wait=False)
    sender, watch = source.connect(autocommit=True), MarkerWatch(target)
    after_ack, after_send, polls, spent = [], [], 0, 0.0
    try:
        with sender.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM bench_marker")
            probe = cursor.fetchone()[0]
            time.sleep(1)               # the load has started
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                probe += 1
                sent = time.monotonic()
                cursor.execute("INSERT INTO bench_marker VALUES (%s)", (probe,))
                acknowledged = time.monotonic()
                while not watch.visible(probe):
                    polls += 1
                    if time.monotonic() - sent > 30:
                        raise RuntimeError("a probe row did not arrive within 30 s")
                seen = time.monotonic()
                polls, spent = polls + 1, spent + seen - acknowledged
                after_ack.append((seen - acknowledged) * 1000)
                after_send.append((seen - sent) * 1000)
                time.sleep(PAUSE)
    finally:
        watch.close()
        sender.close()
    output, _ = load.communicate()
    tps = next((float(line.split("=")[1].split()[0]) for line in output.splitlines() if line.startswith("tps")), None)
    return {"probes": len(after_ack), "tps": tps, "poll_ms": round(spent / max(polls, 1) * 1000, 3),
            "ack_p50": quantile(after_ack, 0.5), "ack_p99": quantile(after_ack, 0.99), "ack_max": max(after_ack),
            "send_p50": quantile(after_send, 0.5), "send_p99": quantile(after_send, 0.99)}


def run(workload, source_server, target_server, peers, rounds, seconds, results, say):
    source = source_server.create_database("latency")
    plain = target_server.create_database("plain")
    for database in (source, plain):
        workload.fill(database)
    for peer in peers:
        peer.prepare_source(source)
    slots.create_base(source)
    targets = {}
    for peer in peers:
        targets[peer.name] = target_server.clone(f"latency_{peer.name}", "plain")
        peer.prepare_template(source, targets[peer.name])
    if any(peer.name == "pglogical" for peer in peers):
        target_server.preload("pglogical")      # for all of this part: every peer meets the same server
    with contextlib.ExitStack() as attached:        # whatever happens, no process of a peer is left behind
        for peer in peers:
            slots.copy_base(source, peer.slot, peer.plugin)
            peer.attach(source, targets[peer.name])
            attached.callback(peer.detach)
        run_rounds(source, targets, peers, rounds, seconds, results, say)
    target_server.preload("")
    for database in (plain, *targets.values()):
        target_server.drop_database(database.name)
    slots.drop(source, slots.BASE)
    results.save()


def run_rounds(source, targets, peers, rounds, seconds, results, say):
    """Every peer in turn, and in the end the proof that each has everything."""
    def new_probe():
        return source.scalar("INSERT INTO bench_marker SELECT coalesce(max(id), 0) + 1 FROM bench_marker RETURNING id")

    def caught_up(peer, probe):
        wait_for(lambda: targets[peer.name].scalar("SELECT count(*) FROM bench_marker WHERE id = %s", (probe,)), 120,
                 f"{peer.name} caught up", check=peer.check)

    for number in range(rounds):
        for peer in peers if number % 2 == 0 else peers[::-1]:
            peer.start()
            caught_up(peer, new_probe())
            row = measure(source, targets[peer.name], seconds, say)
            results.add("latency", peer=peer.name, label=peer.label, round=number + 1, seconds=seconds, ok=None, **row)
            say(f"  latency, round {number + 1}, {peer.name}: p50 {row['ack_p50']:.2f} ms, p99 {row['ack_p99']:.2f} ms after the acknowledgement")
            peer.stop()
    last, expected = new_probe(), checksum(source)
    for peer in peers:
        peer.start()
        caught_up(peer, last)
        peer.stop()
        wrong = differences(expected, checksum(targets[peer.name]))
        if wrong:
            say(f"  latency, {peer.name}: differs in {', '.join(wrong)}")
        for row in results.data["latency"]:
            if row["peer"] == peer.name:
                row["ok"] = not wrong
