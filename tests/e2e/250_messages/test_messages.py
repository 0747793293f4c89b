# A message outside of any transaction reaches the plugin where catalogs are closed: looking something up there ends the source.
import json
import subprocess

from walbridge_testing.cluster import pg_bindir


def receive(pair, slot, until, *options):
    """What pg_recvlogical prints for a slot up to a position."""
    done = subprocess.run([pg_bindir() / "pg_recvlogical", "-d", pair.source.url(), "-S", slot, "--start", "--endpos", until, "-f", "-", *options],
                          capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_message_may_be_the_first_record_of_a_connection(latin1_pair):
    pair = latin1_pair
    pair.source.sql("SELECT pg_create_logical_replication_slot('first_message', 'walbridge')")
    # Empties the catalog caches of every session, the walsender's included.
    pair.source.psql("ALTER DATABASE " + pair.source.name + " SET work_mem = '8MB'")
    pair.source.sql("SELECT pg_logical_emit_message(false, 'grüße', 'first')")
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    until = pair.source.scalar("SELECT pg_current_wal_lsn()")
    pair.source.sql("SELECT pg_logical_emit_message(false, 'end', '')")
    started = pair.source.scalar("SELECT pg_postmaster_start_time()")
    lines = receive(pair, "first_message", until)
    assert '"grüße"' in lines and '"public.t"' in lines, lines
    assert pair.source.scalar("SELECT pg_postmaster_start_time()") == started
    pair.source.sql("SELECT pg_drop_replication_slot('first_message')")


def test_pg_recvlogical_reads_json_with_plain_options(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY)")
    pair.source.sql("SELECT pg_create_logical_replication_slot('plain_json', 'walbridge')")
    pair.source.psql("INSERT INTO t VALUES (1, 'a\"b'); INSERT INTO other VALUES (7); UPDATE t SET v = NULL; DELETE FROM t")
    until = pair.source.scalar("SELECT pg_current_wal_lsn()")
    pair.source.sql("SELECT pg_logical_emit_message(false, 'end', '')")

    records = [json.loads(line) for line in receive(pair, "plain_json", until, "-o", "include=public.t").splitlines() if line]
    changes = [record for record in records if record["kind"] in ("insert", "update", "delete")]
    assert [record["kind"] for record in changes] == ["insert", "update", "delete"]
    assert changes[0]["relation"] == "public.t" and changes[0]["new"] == {"id": 1, "v": 'a"b'}
    pair.source.sql("SELECT pg_drop_replication_slot('plain_json')")
