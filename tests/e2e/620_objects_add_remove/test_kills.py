# A kill while tables come, go or are copied once more: a row lost or doubled, a table that never comes back, or a slot that stays.
import time

import pytest
from walbridge_testing.fixtures import SOAK
from walbridge_testing.nodes import KeyLoad
from walbridge_testing.waiting import wait_until
from walbridge_testing.objects import TABLES, settled, survive_kills

KILLS = 60 if SOAK else 12


@pytest.mark.heavy
def test_kills_while_tables_come_and_go(pair, seeded):
    pair.source.psql("".join(f"CREATE TABLE {t} (id bigint PRIMARY KEY, v text, n int);" for t in TABLES) +
                     "INSERT INTO moves SELECT i, 'start', 0 FROM generate_series(1, 3000) i;"
                     "INSERT INTO large SELECT i, repeat(md5(i::text), 4), 0 FROM generate_series(1, 60000) i; ANALYZE")
    applier = survive_kills(pair, seeded, KILLS, 0.01)
    assert "conflict" not in applier.log_text()
    wait_until(lambda: pair.target.scalar("SELECT count(*) FROM walbridge.task") == 1, 20, "no state of a sync task is left")


@pytest.mark.heavy
def test_kills_around_the_hand_over(pair, seeded):
    """The moment in which a table changes hands is short: kills that aim at it."""
    pair.source.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text, n int); CREATE TABLE u (id bigint PRIMARY KEY, v text, n int); INSERT INTO u SELECT i, 'start', 0 FROM generate_series(1, 2000) i")
    applier = pair.run()
    loads = [KeyLoad(pair.source, 0, clients=1, table=table, pause=0.005).start() for table in "tu"]
    try:
        for _ in range(20 if SOAK else 6):
            said = applier.log_text().count("its tables go over")
            process = applier.spawn("resync", "public.u")
            wait_until(lambda: applier.log_text().count("its tables go over") > said, 60, "the hand-over is about to begin", interval=0.005, check=applier.check_alive)
            # The moment is the random variable of this test: there is no condition to wait for.
            time.sleep(seeded.uniform(0, 0.5))
            applier.kill()
            process.wait(60)
            applier.start()
            applier.wait_state({"running", "catching-up"}, 60)
            settled(applier)
    finally:
        for load in loads:
            load.stop()
    applier.wait_caught_up(120)
    applier.check_alive()
    pair.compare()
    assert "conflict" not in applier.log_text()
