"""The tables of the rows PostgreSQL to MariaDB."""
from ..results import median, spread
from ..svg import Bar, Panel


def _middle(runs):
    return median([run for run in runs if run["ok"]], "seconds")


def mariadb_panel(results, color):
    panel = Panel("PostgreSQL to MariaDB: speed against the same by hand", "COPY into LOAD DATA, or single-row prepared statements = 1 (dashed). More is better.", 1)
    groups = results.grouped("mariadb", "workload", "peer")
    for name in dict.fromkeys(workload for workload, _ in groups):
        workload = results.data["workloads"][name]
        base = _middle(groups.get((name, workload["way"]), []))
        bars = [Bar(peer, base / middle, f"{base / middle:.2f}x, {middle:.1f} s", color(peer)) for (other, peer), runs in groups.items()
                if other == name and base and (middle := _middle(runs))]
        if bars:
            panel.groups.append((workload["title"], bars))
    return panel


def mariadb_part(results, table, outcome):
    """Lines of Markdown; table and outcome: of report.py, which would otherwise be needed by what it needs."""
    groups = results.grouped("mariadb", "workload", "peer")
    if not groups:
        return []
    out = ["## PostgreSQL to MariaDB", "", "Against the same work done by hand, with the same durability; the copy by hand into the same table, the backlog by "
           "single-row prepared statements on one connection, one commit for each source transaction, prepared work, nothing to decode. Speed above 1: walbridge "
           "is faster.", ""]
    rows = []
    for (name, peer), runs in groups.items():
        workload = results.data["workloads"][name]
        good = [run for run in runs if run["ok"]]
        base, middle = _middle(groups.get((name, workload["way"]), [])), _middle(runs)
        speed = f"{base / middle:.2f}x" if base and middle else None
        ends = spread(good, "seconds")
        peak = median(good, "peak_rss")
        rows.append([workload["title"], peer, f"**{speed}**" if peer == "walbridge" and speed else speed, f"{workload['aim']:g}x" if peer == "walbridge" else None,
                     middle and f"{middle:.2f}", ends and f"{ends[0]:.2f}-{ends[1]:.2f}", f"{len(good)}/{len(runs)}", middle and f"{workload['changes'] / middle:,.0f}",
                     *(value and f"{value:.2f}" for value in (median(good, "source_cpu"), median(good, "target_cpu"))), peak and f"{peak / 1048576:.0f}", outcome(runs)])
    return out + table(["workload", "way", "speed", "at least", "s (median)", "min-max", "verified runs", "changes/s", "source CPU s", "target CPU s", "peak RSS MiB",
                        "target = source"], rows)
