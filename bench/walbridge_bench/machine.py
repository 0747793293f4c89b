"""What the figures belong to: machine, versions, settings, command line."""
import os
import platform
import shutil
import subprocess
from pathlib import Path

from walbridge_testing.applier import ROOT

SHOWN = ("shared_buffers", "min_wal_size", "max_wal_size", "checkpoint_timeout", "maintenance_work_mem", "logical_decoding_work_mem", "fsync",
         "full_page_writes", "wal_compression", "autovacuum", "jit", "wal_level", "wal_retrieve_retry_interval")
PACKAGES = {"pglogical": "postgresql-15-pglogical", "wal2json": "postgresql-15-wal2json", "decoderbufs": "postgresql-15-decoderbufs",
            "pgcopydb": "pgcopydb", "MariaDB": "mariadb-server"}


def _output(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def describe(source, target):
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    versions = {"PostgreSQL": source.scalar("SHOW server_version"),
                "walbridge": _output("git", "describe", "--always", "--dirty") or "?"}
    for name, package in PACKAGES.items():
        if shutil.which("dpkg-query"):
            versions[name] = _output("dpkg-query", "-W", "-f=${Version}", package) or "not installed"
    return {
        "machine": f"{os.cpu_count()} x {cpu}, {memory} GiB, {platform.system()} {platform.release()}",
        "versions": versions,
        "settings": {name: server_settings(server) for name, server in (("source", source), ("target", target))},
    }


def server_settings(server):
    return {name: server.scalar(f"SHOW {name}") for name in SHOWN}
