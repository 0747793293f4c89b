"""The definition of a database as text, for comparing what the schema stage created with what it should have."""
import os
import re
import subprocess


def schema_dump(database):
    cluster = database.cluster
    result = subprocess.run([str(cluster.bin / "pg_dump"), "-s", "--no-owner", "--no-acl", "-N", "walbridge", "-h", "127.0.0.1",
                             "-p", str(cluster.port), "-U", "postgres", database.name],
                            capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    # The extension walbridge is the source's own, and what it holds is not replicated.
    own = ("CREATE EXTENSION IF NOT EXISTS walbridge ", "COMMENT ON EXTENSION walbridge ")
    return [line for line in result.stdout.splitlines()
            if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config", *own))]


ENTRY = re.compile(r"^-- Name: (?P<name>.*); Type: (?P<type>[A-Z ]+); Schema: (?P<schema>.*); Owner: (?P<owner>.*)$")


def schema_entries(database, *options):
    """The same with owners and grants, as {(type, schema, name): lines}: objects without an order. Publications, subscriptions
    and event triggers are in it; grants of one object are sorted, because their order depends on how they came about."""
    cluster = database.cluster
    result = subprocess.run([str(cluster.bin / "pg_dump"), "-s", "-N", "walbridge", *options, "-h", "127.0.0.1", "-p", str(cluster.port),
                             "-U", "postgres", database.name],
                            capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    entries, lines = {}, []
    for line in result.stdout.splitlines():
        found = ENTRY.match(line)
        if found:
            own = found["name"] in ("walbridge", "EXTENSION walbridge")     # the capture, which only the source needs
            lines = [] if own else entries.setdefault((found["type"], found["schema"], found["name"]), ["owner " + found["owner"]])
        elif line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config")):
            lines.append(line)
    return {key: sorted(lines) if "ACL" in key[0] else lines for key, lines in entries.items()}
