"""The definition of a database as text, for comparing what the schema stage created with what it should have."""
import os
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
