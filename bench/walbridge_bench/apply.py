"""Apply: the backlog is drained into a fresh copy of the target until the marker is visible there; peers alternate inside each round."""
from .measure import DidNotFinish, MarkerWatch, Stopwatch
from .prepared import MARKER

LIMIT = 240         # seconds, for peers that have none of their own


def run_rounds(prepared, rounds, results, say):
    gave_up = set()             # a peer that did not finish once is not asked again
    for number in range(rounds):
        order = prepared.peers if number % 2 == 0 else prepared.peers[::-1]
        for peer in order:
            if peer.name in gave_up:
                continue
            row = run_once(prepared, peer)
            if not row["ok"]:
                gave_up.add(peer.name)
            results.add("apply", workload=prepared.workload.name, peer=peer.name, label=peer.label, round=number + 1, **row)
            outcome = f"{row['seconds']:.3f} s" if row["seconds"] else "-"
            say(f"  {prepared.workload.name}, round {number + 1}, {peer.name}: {outcome} {row['outcome']}")
        results.save()


def run_once(prepared, peer):
    source, target = prepared.source.cluster, prepared.target_server
    database = prepared.clone_for(peer)
    row = {"seconds": None, "ok": False}
    watch = MarkerWatch(database)
    try:
        clock = Stopwatch(source, target)
        peer.start()
        watch.wait(MARKER, peer.limit or LIMIT, peer.check)
        seconds = clock.seconds()
        row |= clock.used() | peer.figures()
        watch.close()
        peer.stop()
        wrong = prepared.wrong_tables(database)
        row |= {"seconds": seconds, "ok": not wrong, "outcome": f"differs: {', '.join(wrong)}" if wrong else "verified"}
    except DidNotFinish as error:
        row |= {"outcome": f"did not finish ({error})"}
        watch.close()
        peer.stop()
    except AssertionError as error:
        row |= {"outcome": f"failed: {str(error)[:2000]}"}
    finally:
        watch.close()
        peer.detach()
        target.drop_database(database.name)
    return row
