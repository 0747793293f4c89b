"""From raw results to the table and the picture. Ratios come first; every figure is the median of its runs."""
from .mariadb.report import mariadb_part, mariadb_panel
from .registry import NATIVE_BEST
from .results import median, spread
from .svg import Bar, Panel, draw

PGOUTPUT = "pgoutput binary"
REFERENCE_COPY = {"one_table": "COPY BINARY pipe, key in place", "small_tables": "pgcopydb clone"}


def table(header, rows):
    """A Markdown table; the first column to the left, the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return lines + ["| " + " | ".join("-" if cell is None else str(cell) for cell in row) + " |" for row in rows] + [""]


def ratio(value):
    return None if value is None else f"{value:.2f}x"


def divided(a, b):
    return a / b if a is not None and b else None


def seconds(value):
    return None if value is None else f"{value:.2f}"


def seconds_spread(rows):
    ends = spread(rows, "seconds")
    return f"{ends[0]:.2f}-{ends[1]:.2f}" if ends else None


def mebibytes(value):
    return None if value is None else f"{value / 1048576:.0f}"


class Applied:
    """The apply runs, by workload and peer, and what native's best is for each workload."""

    def __init__(self, results):
        self.workloads = results.data["workloads"]
        self.rows = results.grouped("apply", "workload", "peer")
        self.names = [name for name in self.workloads if any(workload == name for workload, _ in self.rows)]

    def peers(self, workload):
        return [peer for name, peer in self.rows if name == workload]

    def good(self, workload, peer):
        return [row for row in self.rows.get((workload, peer), []) if row["ok"]]

    def time(self, workload, peer):
        return median(self.good(workload, peer), "seconds")

    def native(self, workload):
        """(seconds, peer) of the best setting of native logical replication."""
        found = [(self.time(workload, peer), peer) for peer in NATIVE_BEST if self.time(workload, peer)]
        return min(found) if found else (None, None)

    def speedup(self, workload, peer):
        return divided(self.native(workload)[0], self.time(workload, peer))

    def rate(self, workload, peer):
        return divided(self.workloads[workload]["changes"], self.time(workload, peer))


class Decoded:
    def __init__(self, results):
        self.workloads = results.data["workloads"]
        self.rows = results.grouped("decode", "workload", "decoder")
        self.bytes = {(row["workload"], row["decoder"]): row for row in results.data["bytes"]}
        self.names = [name for name in self.workloads if any(workload == name for workload, _ in self.rows)]

    def decoders(self, workload):
        return [decoder for name, decoder in self.rows if name == workload]

    def is_floor(self, workload, decoder):
        return self.rows[workload, decoder][0]["floor"]

    def cpu(self, workload, decoder):
        """Microseconds of the source's CPU per change."""
        if (workload, decoder) not in self.rows:
            return None
        return median(self.rows[workload, decoder], "cpu") * 1e6 / self.workloads[workload]["changes"]

    def floor(self, workload):
        return min((self.cpu(workload, decoder) for decoder in self.decoders(workload) if self.is_floor(workload, decoder)), default=None)

    def wire(self, workload, decoder):
        """Bytes per change, each message's 30 bytes of headers included."""
        row = self.bytes.get((workload, decoder))
        return row["wire"] / self.workloads[workload]["changes"] if row else None

    def best_own(self, workload):
        """walbridge's uncompressed setting that costs the source least: streaming, where it was measured."""
        own = [decoder for decoder in ("walbridge", "walbridge, streaming") if (workload, decoder) in self.rows]
        return min(own, key=lambda decoder: self.cpu(workload, decoder), default=None)


def summary(applied, decoded, results):
    rows = []
    for name in applied.names:
        aim = applied.workloads[name]["aim"]
        if name == "one_row":
            continue
        us = "walbridge" if "walbridge" in applied.peers(name) else "walbridge_sync"
        own, native = applied.rate(name, us), applied.rate(name, applied.native(name)[1])
        rows.append([applied.workloads[name]["title"], f"**{ratio(applied.speedup(name, us)) or '-'}**",
                     *([f"{aim[0]}x", f"{aim[1]}x"] if aim else [None, None]), ratio(applied.speedup(name, "pglogical")),
                     own and f"{own:,.0f}", native and f"{native:,.0f}"])
    out = ["## Backlog drained, against native logical replication's best setting", ""]
    out += table(["workload", "walbridge", "at least", "aim", "pglogical", "walbridge changes/s", "native changes/s"], rows) if rows else []
    if decoded.names:
        out += ["## What the source pays, against pgoutput binary", "",
                "walbridge without compression; for the huge insert with streaming where that costs less. The floor is not streamed.", ""]
        rows = []
        for name in decoded.names:
            own = decoded.best_own(name)
            floor, base, cost = decoded.floor(name), decoded.cpu(name, PGOUTPUT), decoded.cpu(name, own)
            way = divided(base - cost, base - floor) if floor is not None and base and cost else None
            rows.append([applied.workloads[name]["title"], f"**{ratio(divided(cost, base)) or '-'}**", "0.75x",
                         None if way is None else f"{way:.0%}", f"**{ratio(divided(decoded.wire(name, own), decoded.wire(name, PGOUTPUT))) or '-'}**",
                         "0.7x", "0.5x"])
        out += table(["workload", "walsender CPU per change", "at most", "way to the floor (aim 50 %)", "bytes on the wire per change", "at most", "aim"], rows)
    return out


def latency_part(results):
    groups = results.grouped("latency", "peer")
    if not groups:
        return []
    native = {key: median(groups.get(("native",), []), key) for key in ("ack_p50", "ack_p99")}
    rows = []
    for (peer,), runs in groups.items():
        values = {key: median(runs, key) for key in ("ack_p50", "ack_p99", "ack_max", "send_p50", "send_p99", "tps", "poll_ms")}
        rows.append([runs[0]["label"], ratio(divided(values["ack_p50"], native["ack_p50"])), ratio(divided(values["ack_p99"], native["ack_p99"])),
                     *(f"{values[key]:.2f}" for key in ("ack_p50", "ack_p99", "ack_max", "send_p50", "send_p99")), f"{values['tps']:.0f}",
                     sum(run["probes"] for run in runs), len(runs), "equal" if all(run["ok"] for run in runs) else "**differs**"])
    return ["## Live latency at 500 transactions per second, ms", "",
            "From the source's acknowledgement of a probe row's commit (ack) or from sending it (send) until the target shows it. Ratio to native: "
            "less is better, at most 1.5x is asked for.", "",
            *table(["peer", "p50 ratio", "p99 ratio", "ack p50", "ack p99", "ack max", "send p50", "send p99", "tps", "probes", "runs", "target"], rows)]


def copy_part(results):
    out = []
    groups = results.grouped("copy", "workload", "peer")
    for name, reference in REFERENCE_COPY.items():
        if name not in {workload for workload, _ in groups}:
            continue
        kind = results.data["workloads"][name]
        base = median([row for row in groups.get((name, reference), []) if row["ok"]], "seconds")
        rows = []
        for (workload, peer), runs in groups.items():
            if workload != name:
                continue
            good = [run for run in runs if run["ok"]]
            middle = median(good, "seconds")
            speed = ratio(divided(base, middle))
            rows.append([peer, f"**{speed}**" if peer == "walbridge" and speed else speed, seconds(middle), seconds_spread(good), f"{len(good)}/{len(runs)}",
                         middle and f"{kind['changes'] / middle:,.0f}", seconds(median(good, "source_cpu")), seconds(median(good, "target_cpu")),
                         mebibytes(median(good, "peak_rss")), outcome(runs)])
        out += [f"## Initial copy: {kind['title']}", "", f"Speed against {reference}.", "",
                *table(["way", "speed", "s (median)", "min-max", "verified runs", "rows/s", "source CPU s", "target CPU s", "peak RSS MiB", "target = source"], rows)]
    return out


def outcome(runs):
    """"equal", or what went wrong, once."""
    bad = [run["outcome"] for run in runs if not run["ok"]]
    return "equal" if not bad else "**" + bad[0].split("\n")[0].replace("|", "/")[:160] + "**"


def apply_part(applied):
    if not applied.names:
        return []
    rows = []
    for name in applied.names:
        workload = applied.workloads[name]
        for peer in applied.peers(name):
            runs, good = applied.rows[name, peer], applied.good(name, peer)
            rate = applied.rate(name, peer)
            rows.append([name, runs[0]["label"], ratio(applied.speedup(name, peer)), seconds(applied.time(name, peer)), seconds_spread(good),
                         f"{len(good)}/{len(runs)}", rate and f"{rate:,.0f}",
                         rate and f"{rate * workload['transactions'] / workload['changes']:,.0f}", seconds(median(good, "source_cpu")),
                         seconds(median(good, "target_cpu")), seconds(median(good, "process_cpu")), mebibytes(median(good, "peak_rss")), outcome(runs)])
    return ["## Apply in detail", "",
            "From enabling the peer (starting its process) until the marker row is visible; `one_row` shows what starting alone costs. Speed against "
            "native's best setting.", "",
            *table(["workload", "peer", "speed", "s (median)", "min-max", "verified runs", "changes/s", "transactions/s", "source CPU s", "target CPU s",
                    "own process CPU s", "peak RSS MiB", "target = source"], rows)]


def decode_part(decoded):
    if not decoded.names:
        return []
    rows = []
    for name in decoded.names:
        changes = decoded.workloads[name]["changes"]
        base = decoded.cpu(name, PGOUTPUT), decoded.wire(name, PGOUTPUT), median(decoded.rows.get((name, PGOUTPUT), []), "seconds")
        for decoder in decoded.decoders(name):
            runs = decoded.rows[name, decoder]
            counted = decoded.bytes[name, decoder]
            floor = decoded.is_floor(name, decoder)
            cpu, wire, middle = decoded.cpu(name, decoder), decoded.wire(name, decoder), median(runs, "seconds")
            rows.append([name, decoder, ratio(divided(cpu, base[0])), None if floor else ratio(divided(wire, base[1])), ratio(divided(base[2], middle)),
                         f"{cpu:.2f}", None if floor else f"{wire:.1f}", None if floor else f"{counted['messages'] / changes:.3f}",
                         seconds(middle), seconds_spread(runs), len(runs)])
    return ["## Decoding alone in detail (pg_recvlogical to /dev/null)", "",
            "CPU of the source's processes per change; bytes per change with 30 bytes of headers per message. Ratios to pgoutput binary: less is better for "
            "CPU and bytes, more for speed.", "",
            *table(["workload", "plugin", "CPU", "bytes", "speed", "CPU us/change", "bytes/change on the wire", "messages/change", "s (median)", "min-max", "runs"], rows)]


def conditions(results):
    meta, out = results.data["meta"], ["## Conditions", ""]
    out.append(f"- Command: `{meta['command']}`; {meta['rounds']} rounds, scale {meta['scale']:g}, {meta.get('date')}, {meta.get('minutes')} minutes")
    if meta.get("machine"):
        out.append(f"- Machine: {meta['machine']}; source, target, peers and the measuring program share it")
        out.append("- Versions: " + ", ".join(f"{name} {version}" for name, version in meta["versions"].items()))
        for server, settings in meta["settings"].items():
            out.append(f"- {server[0].upper() + server[1:]}: " + ", ".join(f"{key} = {value}" for key, value in settings.items()))
        out.append("- Apply sessions of all peers with synchronous_commit = off, except the rows that say otherwise")
    if meta.get("mariadb_table"):
        out.append(f"- The copy into MariaDB, by hand as well, goes into: `{meta['mariadb_table']}`")
    out += [f"- Not available: {name}: {reason}" for name, reason in results.data["not_available"].items()]
    out += [f"- **Failed**: {name}: {reason}" for name, reason in results.data["failed"].items()]
    return out + [""]


def color(name):
    if name.startswith("floor"):
        return "floor"
    if name == "walbridge":
        return "walbridge"
    if name.startswith("walbridge"):
        return "walbridge, other settings"
    return "native" if name.startswith(("native", "pgoutput")) else "other"


def panels(applied, decoded, results):
    speed = Panel("Backlog drained: speed against native logical replication", "Native's best setting = 1 (dashed). More is better.", 1)
    for name in applied.names:
        if name == "one_row":
            continue
        bars = []
        for peer in applied.peers(name):
            times, rate = applied.speedup(name, peer), applied.rate(name, peer)
            if times:
                bars.append(Bar(applied.rows[name, peer][0]["label"], times, f"{times:.2f}x, {rate:,.0f} changes/s", color(peer)))
        speed.groups.append((applied.workloads[name]["title"], bars))
    cpu = Panel("Decoding: CPU of the source per change", "pgoutput binary = 1 (dashed); the floor reads and sorts the WAL and sends nothing. Less is better.", 1)
    wire = Panel("Decoding: bytes on the wire per change", "pgoutput binary = 1 (dashed), headers included. Less is better.", 1)
    for name in decoded.names:
        cost, size = [], []
        for decoder in decoded.decoders(name):
            floor = decoded.is_floor(name, decoder)
            value = divided(decoded.cpu(name, decoder), decoded.cpu(name, PGOUTPUT))
            if value is not None:
                cost.append(Bar(decoder, value, f"{value:.2f}x, {decoded.cpu(name, decoder):.2f} us", color(decoder)))
            value = divided(decoded.wire(name, decoder), decoded.wire(name, PGOUTPUT))
            if value is not None and not floor:
                size.append(Bar(decoder, value, f"{value:.2f}x, {decoded.wire(name, decoder):.0f} bytes", color(decoder)))
        cpu.groups.append((applied.workloads[name]["title"], cost))
        wire.groups.append((applied.workloads[name]["title"], size))
    late = Panel("Live latency at 500 transactions per second", "Milliseconds from the source's acknowledgement until the target shows the row. Less is better.")
    groups = results.grouped("latency", "peer")
    for key, title in (("ack_p50", "median"), ("ack_p99", "99th percentile")):
        bars = [Bar(runs[0]["label"], median(runs, key), f"{median(runs, key):.2f} ms", color(peer)) for (peer,), runs in groups.items()]
        if bars:
            late.groups.append((title, bars))
    copies = Panel("Initial copy, primary keys and indexes included", "Speed; large table: COPY BINARY with the key in place = 1, small tables: pgcopydb clone = 1. "
                   "More is better.", 1)
    rows = results.grouped("copy", "workload", "peer")
    for name, reference in REFERENCE_COPY.items():
        base = median([row for row in rows.get((name, reference), []) if row["ok"]], "seconds")
        bars = []
        for (workload, peer), runs in rows.items():
            middle = median([run for run in runs if run["ok"]], "seconds")
            if workload == name and middle and base:
                bars.append(Bar(peer, base / middle, f"{base / middle:.2f}x, {middle:.1f} s", "reference" if peer == reference else color(peer)))
        if bars:
            copies.groups.append((results.data["workloads"][name]["title"], bars))
    return [speed, late, copies, mariadb_panel(results, color)], [cpu, wire]


def write(results, base):
    """base: path without ending; writes the tables and two pictures beside the .json."""
    applied, decoded = Applied(results), Decoded(results)
    meta = results.data["meta"]
    title = f"Benchmark of {meta.get('date', '?')}"
    out = [f"# {title}", ""]
    if meta.get("scale") != 1:
        out += [f"**Not the official sizes: every count is multiplied by {meta.get('scale'):g}.** Ratios shift with size, fixed costs weigh more.", ""]
    out += ["Ratios first. Each figure is the median of its runs; a run counts only if the target's content equals the source's. The method: "
            "[bench/README.md](../README.md).", ""]
    pictures = [(base.with_name(base.name + ending), heading, drawn) for ending, heading, drawn in
                zip((".svg", "-decode.svg"), ("walbridge and its peers", "Decoding: what the source pays"), panels(applied, decoded, results))
                if any(panel.groups for panel in drawn)]    # a run of some parts has nothing to show of the others
    for path, heading, _ in pictures:
        out += [f"![{heading}]({path.name})", ""]
    out += summary(applied, decoded, results) + latency_part(results) + copy_part(results) + mariadb_part(results, table, outcome)
    out += apply_part(applied) + decode_part(decoded)
    out += conditions(results)
    base.with_suffix(".md").write_text("\n".join(out))
    scale = "" if meta.get("scale") == 1 else f"; sizes multiplied by {meta.get('scale'):g}"
    subtitle = f"{title}, {meta.get('machine', '')}, medians of {meta.get('rounds')} runs{scale}"
    for path, heading, drawn in pictures:
        path.write_text(draw(heading, subtitle, drawn))
