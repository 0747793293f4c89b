# A removed table must stop at the position that is shown, and a table that is copied once more must come back exactly.
import re

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import wait_until
from walbridge_testing.objects import objects

THREE = """CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, v text); CREATE TABLE c (id int PRIMARY KEY, v text);
INSERT INTO a SELECT i, 'a' || i FROM generate_series(1, 500) i; INSERT INTO b SELECT i, 'b' || i FROM generate_series(1, 500) i;
INSERT INTO c SELECT i, 'c' || i FROM generate_series(1, 500) i;"""


def test_a_removed_table_stops_at_its_position(pair):
    pair.source.psql(THREE + "CREATE TABLE ticks (id serial PRIMARY KEY, lsn pg_lsn); ALTER TABLE ticks REPLICA IDENTITY FULL")
    applier = pair.run()
    connection = pair.source.connect(autocommit=True)
    cursor = connection.cursor()
    rows = []

    def tick():
        """A row, and a position after its commit."""
        cursor.execute("INSERT INTO ticks (lsn) VALUES (pg_current_wal_insert_lsn()) RETURNING id")
        (number,) = cursor.fetchone()
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        rows.append((number, cursor.fetchone()[0]))

    for _ in range(50):
        tick()
    removing = applier.spawn("objects", "remove", "public.ticks")
    wait_until(lambda: (tick(), removing.poll() is not None)[1], 30, "the command returns", interval=0.002)
    assert removing.returncode == 0, applier.log_tail()
    for _ in range(50):
        tick()
    pair.source.psql("INSERT INTO a VALUES (1000, 'after'); UPDATE b SET v = v || '!'")
    applier.wait_caught_up()
    seen = objects(applier, "--all")["public.ticks"]
    assert seen["state"] == "removed" and not seen["selected"] and seen["lsn"], seen
    assert "public.ticks" not in objects(applier)
    # What was committed before the position is there, and nothing later.
    (expected,) = [n for (n,) in pair.source.sql("SELECT count(*) FROM unnest(%s::pg_lsn[]) l WHERE l <= %s::pg_lsn", ([l for _, l in rows], seen["lsn"]))]
    there = [n for (n,) in pair.target.sql("SELECT id FROM ticks ORDER BY id")]
    assert there == list(range(1, len(there) + 1)) and expected <= len(there) <= expected + 1, (expected, len(there), len(rows))
    assert len(there) < len(rows)
    pair.compare("a", "b", "c")
    assert pair.target.scalar("SELECT count(*) FROM walbridge.table_sync WHERE table_name = 'ticks'") == 0


def test_a_removed_table_is_added_again(pair):
    pair.source.psql(THREE)
    applier = pair.run()
    applier.cli("objects remove", after=["public.b"], check=True)
    pair.source.psql("UPDATE b SET v = 'missed'; DELETE FROM b WHERE id > 400; ALTER TABLE a ADD COLUMN n int DEFAULT 3")
    applier.wait_caught_up()
    refused = applier.cli("objects add", after=["public.b"])
    assert refused.code == Exit.target_shape and "--truncate" in refused.text, refused
    applier.cli("objects add", "--truncate", "--wait", after=["public.b"], check=True)
    pair.source.psql("UPDATE b SET v = v || '?' WHERE id < 50; INSERT INTO b VALUES (9000, 'new')")
    applier.wait_caught_up()
    pair.compare()
    assert objects(applier)["public.b"]["state"] == "streaming"
    # The file's pattern would have it anyway; the latest command says so.
    assert objects(applier)["public.b"]["selected"]


def test_a_table_is_copied_once_more(pair):
    pair.source.psql(THREE + "ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES b (id)")
    applier = pair.run()
    # Somebody wrote to the target.
    pair.target.psql("SET session_replication_role = replica; DELETE FROM b WHERE id % 3 = 0; UPDATE b SET v = 'wrong' WHERE id % 3 = 1; INSERT INTO b VALUES (-5, 'stray')")
    with pytest.raises(AssertionError):
        pair.compare("b")
    result = applier.cli("resync", "--wait", after=["public.b"], check=True)
    assert "streaming since" in result.out, result
    pair.source.psql("UPDATE b SET v = v || '?' WHERE id < 50; INSERT INTO b VALUES (9000, 'new')")
    applier.wait_caught_up()
    pair.compare()
    wait_until(lambda: pair.source.scalar("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE %s", (f"%{pair.name}\\_sync%",)) == 0, 20, "the sync task's slot goes")
    wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.task") == 1, 20, "its state goes")


def test_partitions_are_copied_once_more_with_their_table(pair):
    pair.source.psql("""CREATE TABLE m (id int, r int, v text, PRIMARY KEY (id, r)) PARTITION BY LIST (r); CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1);
        CREATE TABLE m_2 PARTITION OF m FOR VALUES IN (2); INSERT INTO m SELECT i, 1 + i % 2, 'x' FROM generate_series(1, 300) i; CREATE TABLE other (id int PRIMARY KEY)""")
    applier = pair.run()
    pair.target.psql("SET session_replication_role = replica; DELETE FROM m WHERE id < 100")
    applier.cli("resync", "--wait", after=["public.m"], check=True)
    pair.source.psql("UPDATE m SET r = 3 - r WHERE id < 20")
    applier.wait_caught_up()
    pair.compare()
    refused = applier.cli("objects remove", after=["public.m"])
    assert refused.code == Exit.usage and "public.m_1" in refused.text, refused
    applier.cli("objects remove", after=["public.m*"], check=True)
    assert set(objects(applier)) == {"public.other"}
