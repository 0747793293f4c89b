"""Decode only: the source's side. pg_recvlogical takes the backlog to /dev/null; bytes are counted exactly, apart from the clock."""
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psycopg2
from walbridge_testing.applier import ROOT

from . import slots
from .measure import Stopwatch

SLOT = "bench_decode"
MESSAGE_HEADER = 30         # CopyData 5, XLogData 25
NOTHING = "nothing.nothing"


class Decoder:
    """only: the workloads it is for, None = all. optional: an option that the plugin may not have yet."""

    def __init__(self, name, plugin, only=None, optional=False, floor=False, **options):
        self.name, self.plugin, self.only, self.optional, self.floor = name, plugin, only, optional, floor
        self.options = {key: str(value) for key, value in options.items()}


PROTOCOL = re.search(r"protocol_version\D*(\d+)", (ROOT / "decoder/wire/protocol.hpp").read_text())[1]
OWN = {"proto_version": PROTOCOL, "format": "binary", "include": "*.*", "counter": 0, "messages": "on"}        # as the applier asks
LARGE = ("huge_insert",)
# Conditions over a column of integers, the key, so that updates and deletes are judged by both of their rows.
RULED = ("small_inserts", "huge_insert", "updates_by_key", "deletes", "wide_rows")


def rules(**rule):
    # No quotes of SQL inside: pg_recvlogical hands options on as they are.
    return json.dumps([{"table": "public.items", **rule}, {"table": "public.wide", **rule}])


ESSENTIAL = ("pgoutput binary", "pgoutput binary, streaming", "walbridge", "walbridge, streaming", "floor: walbridge, nothing selected")
ALL = [
    Decoder("pgoutput binary", "pgoutput", proto_version=1, publication_names="bench", binary="true"),
    Decoder("pgoutput text", "pgoutput", proto_version=1, publication_names="bench"),
    Decoder("pgoutput binary, streaming", "pgoutput", only=LARGE, proto_version=2, publication_names="bench", binary="true", streaming="true"),
    Decoder("test_decoding", "test_decoding"),
    Decoder("wal2json", "wal2json", **{"format-version": 2}),
    Decoder("decoderbufs", "decoderbufs"),
    Decoder("walbridge", "walbridge", **OWN),
    Decoder("walbridge, streaming", "walbridge", only=LARGE, **OWN, streaming="on"),
    Decoder("walbridge, lz4", "walbridge", optional=True, **OWN, compression="lz4"),
    Decoder("walbridge, zstd", "walbridge", optional=True, **OWN, compression="zstd"),
    Decoder("walbridge, rules keep all", "walbridge", only=RULED, optional=True, **OWN, rules=rules(where="id > 0")),
    Decoder("walbridge, rules drop all", "walbridge", only=RULED, optional=True, **OWN, rules=rules(where="id < 0")),
    Decoder("walbridge, a masked column", "walbridge", only=("small_inserts", "huge_insert"), optional=True, **OWN,
            rules=rules(columns={"note": "md5(note)"})),
    Decoder("floor: wal2json, all filtered", "wal2json", floor=True,
            **{"format-version": 2, "add-tables": NOTHING, "include-transaction": "false"}),
    Decoder("floor: walbridge, nothing selected", "walbridge", floor=True, **{**OWN, "include": NOTHING}),
]


def chosen(source, workload, names, not_available):
    """The decoders for a workload, of those named; those whose plugin is not installed are recorded."""
    found = []
    for decoder in ALL:
        if decoder.only and workload.name not in decoder.only or names and decoder.name not in names:
            continue
        if decoder.plugin in ("wal2json", "decoderbufs") and not source.has_library(decoder.plugin):
            not_available[f"decoding with {decoder.name}"] = f"{decoder.plugin} is not installed (scripts/deps --bench)"
            continue
        found.append(decoder)
    return found


def count_bytes(prepared, decoder):
    """(messages, payload bytes, error) of the whole backlog, through SQL and a slot of its own. A setting that the plugin refuses is
    an error to record, not to stop at."""
    source = prepared.source
    name = "bench_bytes_" + "".join(c if c.isalnum() else "_" for c in decoder.name.lower())
    slots.copy_base(source, name, decoder.plugin)
    try:
        options = [word for pair in decoder.options.items() for word in pair]
        marks = ", ".join(["%s"] * len(options))
        variadic = f", VARIADIC ARRAY[{marks}]" if options else ""
        messages, payload = source.sql("SELECT count(*), coalesce(sum(length(data)), 0)::bigint FROM "
                                       f"pg_logical_slot_peek_binary_changes(%s, %s, NULL{variadic})", (name, prepared.end, *options))[0]
        return messages, payload, None
    except psycopg2.Error as error:
        return None, None, str(error).splitlines()[0]
    finally:
        slots.drop(source, name)


def receive(prepared, decoder):
    """Seconds and CPU of the source until pg_recvlogical has been given everything."""
    source = prepared.source
    slots.copy_base(source, SLOT, decoder.plugin)
    command = [source.cluster.bin / "pg_recvlogical", "-d", source.url(), "--slot", SLOT, "--start", "-f", "/dev/null",
               "-F", "0", "--endpos", prepared.end]
    for key, value in decoder.options.items():
        command += ["-o", f"{key}={value}"]
    clock = Stopwatch(source.cluster, prepared.target_server)
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    seconds = clock.seconds()
    if ended.returncode != 0:
        raise RuntimeError(f"pg_recvlogical with {decoder.name}: {ended.stdout}")
    slots.drop(source, SLOT)        # its walsender is gone after this, and its CPU counted
    return {"seconds": seconds, "cpu": clock.used()["source_cpu"]}


def run(prepared, rounds, names, results, say):
    """names: of the decoders, None = all."""
    workload = prepared.workload
    decoders = chosen(prepared.source.cluster, workload, names, results.data["not_available"])
    with ThreadPoolExecutor(2) as pool:
        counted = list(pool.map(lambda decoder: count_bytes(prepared, decoder), decoders))
    usable = []
    for decoder, (messages, payload, error) in zip(decoders, counted):
        if error:
            results.data["not_available" if decoder.optional else "failed"][f"decoding {workload.name} with {decoder.name}"] = error
            continue
        usable.append(decoder)
        results.add("bytes", workload=workload.name, decoder=decoder.name, floor=decoder.floor, messages=messages, payload=payload,
                    wire=payload + MESSAGE_HEADER * messages)
    for number in range(rounds):
        for decoder in usable if number % 2 == 0 else usable[::-1]:
            row = receive(prepared, decoder)
            results.add("decode", workload=workload.name, decoder=decoder.name, floor=decoder.floor, round=number + 1, **row)
    say(f"  {workload.name}: decoded with {len(usable)} plugins and settings, {rounds} times each")
    results.save()
