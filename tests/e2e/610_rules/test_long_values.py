# Rows that an update moves into a filter without bringing their long values: those are read from the source, where the
# row may have gone on by then, away, or under another key. In the end the target holds what a query of the source gives.
import random

import pytest
from walbridge_testing.applier import Exit

# Out of line at once, and the key is all of the identity.
SETUP = """CREATE TABLE doc (id int PRIMARY KEY, small int, body text, note text NOT NULL, extra jsonb, pages text[]);
ALTER TABLE doc ALTER body SET STORAGE EXTERNAL, ALTER note SET STORAGE EXTERNAL, ALTER extra SET STORAGE EXTERNAL, ALTER pages SET STORAGE EXTERNAL;
CREATE FUNCTION long(v text) RETURNS text LANGUAGE sql AS $$ SELECT repeat(v || ' ', 3000) $$;
INSERT INTO doc SELECT i, i, long('b' || i), long('n' || i), jsonb_build_object('k', long('e' || i)), ARRAY[long('p' || i), NULL] FROM generate_series(1, 40) i;"""
RULES = {"name": "public.doc", "where": "id <= 20", "columns": {"note": "upper(note)"}, "rename_columns": {"body": "text_of"}}
WANTED = "SELECT id, small, body, upper(note), extra, pages FROM doc WHERE id <= 20 ORDER BY id"
THERE = "SELECT id, small, text_of, note, extra, pages FROM doc ORDER BY id"


def same(pair):
    assert pair.target.sql(THERE) == pair.source.sql(WANTED)


def away(applier, pair, script):
    """While no process runs, so that the source is further than what is read of it."""
    applier.stop()
    pair.source.psql(script)
    applier.start()
    applier.wait_caught_up(90)
    same(pair)


@pytest.mark.parametrize("apply", [{}, {"workers": 4}, {"batch_rows": 1}], ids=str)
def test_rows_that_come_into_the_filter_are_whole(pair, apply):
    """Row by row the target also holds what is only there until its deletion comes."""
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES], apply=apply)
    same(pair)
    assert pair.target.scalar("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'doc'::regclass AND attname = 'note'")
    pair.source.psql("DELETE FROM doc WHERE id IN (1, 2, 3, 4, 5, 19); UPDATE doc SET id = 1 WHERE id = 30; UPDATE doc SET id = 2, small = 7 WHERE id = 31; UPDATE doc SET id = 3, body = 'short' WHERE id = 32;")
    applier.wait_caught_up()
    same(pair)
    pair.source.psql("UPDATE doc SET id = 4 WHERE id = 1; UPDATE doc SET small = 8 WHERE id = 4; UPDATE doc SET id = 60 WHERE id = 2; UPDATE doc SET id = 2 WHERE id = 60")
    applier.wait_caught_up()
    same(pair)
    # what the source holds by then is not what it held
    away(applier, pair, "UPDATE doc SET id = 5 WHERE id = 34; UPDATE doc SET body = long('younger') WHERE id = 5;")
    away(applier, pair, "UPDATE doc SET id = 1 WHERE id = 35; UPDATE doc SET id = 45 WHERE id = 1;")
    away(applier, pair, "UPDATE doc SET id = 1 WHERE id = 36; DELETE FROM doc WHERE id = 1; INSERT INTO doc SELECT 1, 0, long('another'), long('another'), NULL, NULL;")
    away(applier, pair, "DELETE FROM doc WHERE id = 5; UPDATE doc SET id = 5 WHERE id = 37; UPDATE doc SET id = 50 WHERE id = 5; UPDATE doc SET id = 5 WHERE id = 38; DELETE FROM doc WHERE id = 5;")
    # another row stands under the key by then: an update that gives the first one a new key must not take its values along
    away(applier, pair, "UPDATE doc SET id = 5 WHERE id = 39; UPDATE doc SET id = 19 WHERE id = 5; UPDATE doc SET id = 5 WHERE id = 6; UPDATE doc SET id = 6 WHERE id = 19;")
    assert applier.cli("verify").code == Exit.ok
    assert applier.cli("conflicts").out.count("doc") == 0


def test_a_row_that_is_gone_waits_for_its_deletion(pair):
    """What has no empty value cannot stand there until then, and is said."""
    pair.source.psql(SETUP + "CREATE TYPE pair AS (a text, b text); CREATE TABLE odd (id int PRIMARY KEY, v pair NOT NULL); ALTER TABLE odd ALTER v SET STORAGE EXTERNAL; INSERT INTO odd VALUES (30, ROW(long('a'), ''));")
    applier = pair.run(tables=[RULES, {"name": "public.odd", "where": "id <= 20"}])
    applier.stop()
    pair.source.psql("DELETE FROM doc WHERE id IN (1, 2); UPDATE doc SET id = 1 WHERE id = 30; BEGIN; UPDATE doc SET small = 99 WHERE id = 1; DELETE FROM doc WHERE id = 1; COMMIT;")
    applier.start()
    applier.wait_caught_up()
    same(pair)
    applier.stop()
    pair.source.psql("UPDATE odd SET id = 1; DELETE FROM odd")
    applier.start()
    assert applier.wait_exit() == Exit.unidentified
    assert "column v" in applier.log_text() and "REPLICA IDENTITY FULL" in applier.log_text()


def test_columns_that_have_gone_meanwhile(pair):
    """A dropped one has no value that anybody needs; a renamed one has, and where it went nobody can tell."""
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES], ddl={"trust": "source"})
    applier.stop()
    pair.source.psql("""DELETE FROM doc WHERE id IN (1, 2, 3); UPDATE doc SET id = 1 WHERE id = 30; ALTER TABLE doc DROP COLUMN pages; UPDATE doc SET id = 2 WHERE id = 31;
        ALTER TABLE doc ADD COLUMN later text DEFAULT 'x'; ALTER TABLE doc ALTER later SET STORAGE EXTERNAL; UPDATE doc SET later = long('l') WHERE id = 32; UPDATE doc SET id = 3 WHERE id = 32;""")
    applier.start()
    applier.wait_caught_up(90)
    assert pair.target.sql("SELECT id, small, text_of, note, extra, later FROM doc ORDER BY id") == pair.source.sql("SELECT id, small, body, upper(note), extra, later FROM doc WHERE id <= 20 ORDER BY id")
    applier.stop()
    pair.source.psql("DELETE FROM doc WHERE id = 4; UPDATE doc SET id = 4 WHERE id = 33; ALTER TABLE doc RENAME COLUMN extra TO more")
    applier.start()
    assert applier.wait_exit() == Exit.unidentified
    assert "column extra" in applier.log_text()


def test_a_large_transaction_is_received_after_its_commit(pair):
    """While it is in progress nobody else sees its rows."""
    pair.source.psql(SETUP)
    applier = pair.run(tables=[RULES], source={"decoding_memory": "64kB"})
    with pair.source.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM doc WHERE id <= 5")
        cursor.execute("UPDATE doc SET id = id - 30 WHERE id BETWEEN 31 AND 35")
        cursor.execute("INSERT INTO doc SELECT i, i, long('x' || i), long('x'), NULL, NULL FROM generate_series(100, 400) i")
        cursor.execute("UPDATE doc SET id = 60, body = 'brief' WHERE id = 5; UPDATE doc SET id = 5 WHERE id = 60")
        applier.wait_log("whole transactions", 60)
        connection.commit()
    applier.wait_caught_up(90)
    same(pair)


@pytest.mark.parametrize("seed", range(3))
def test_random_moves_and_kills_end_as_the_query_of_the_source(pair, seed):
    pair.source.psql(SETUP)
    applier = pair.applier(tables=[RULES], apply={"workers": 1 + seed})
    applier.start()
    chance = random.Random(seed)
    free = "NOT EXISTS (SELECT FROM doc d WHERE d.id = %(to)s)"
    statements = [f"UPDATE doc SET id = %(to)s WHERE id = %(k)s AND {free}", f"UPDATE doc SET id = %(to)s, small = %(to)s WHERE id = %(k)s AND {free}",
                  "UPDATE doc SET body = long(%(v)s) WHERE id = %(k)s", "UPDATE doc SET small = small + 1 WHERE id = %(k)s", "UPDATE doc SET note = long(%(v)s), extra = NULL WHERE id = %(k)s",
                  "INSERT INTO doc SELECT %(k)s, 0, long(%(v)s), long(%(v)s), to_jsonb(long(%(v)s)), ARRAY[long(%(v)s)] ON CONFLICT DO NOTHING"]
    with pair.source.connect() as connection, connection.cursor() as cursor:
        for step in range(250):
            if chance.random() < 0.05:
                applier.kill()
                if chance.random() < 0.5:
                    applier.start()
            elif not applier.is_running() and chance.random() < 0.1:
                applier.start()
            for _ in range(chance.choice([1, 1, 1, 4])):
                cursor.execute(chance.choice(statements + statements[:1] * 5 + ["DELETE FROM doc WHERE id = %(k)s"] * (step % 3 == 0)),
                               {"k": chance.randrange(1, 41), "to": chance.randrange(1, 41), "v": f"v{step}"})
            connection.commit()
    if not applier.is_running():
        applier.start()
    applier.wait_caught_up(90)
    same(pair)
