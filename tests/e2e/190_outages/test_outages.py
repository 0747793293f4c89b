# An outage that ends the task instead of being waited for; a wrong password that is retried for twelve hours.
import time

from walbridge_testing.applier import Exit
from walbridge_testing.fixtures import SOAK

OUTAGE = 60 if SOAK else 4


def test_target_and_source_down_for_a_while(own_pair):
    pair = own_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'a' FROM generate_series(1, 1000) i")
    applier = pair.run()
    process = applier.process.pid

    pair.target.cluster.stop("fast")
    pair.source.psql("UPDATE t SET v = 'target is down' WHERE id <= 500; INSERT INTO t SELECT i, 'b' FROM generate_series(2001, 3000) i")
    time.sleep(OUTAGE)      # the length of the outage is what is tested
    applier.check_alive()
    pair.target.cluster.start()
    applier.wait_caught_up()
    pair.compare()

    pair.source.cluster.stop("fast")
    time.sleep(OUTAGE)
    applier.check_alive()
    pair.source.cluster.start()
    pair.source.psql("DELETE FROM t WHERE id > 2500")
    applier.wait_caught_up()
    pair.compare()
    assert applier.process.pid == process and applier.is_running()


def test_a_start_while_the_source_is_down_waits_for_it(own_pair):
    pair = own_pair()
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    applier = pair.run()
    applier.stop()
    pair.source.psql("INSERT INTO t VALUES (2)")
    pair.source.cluster.stop("fast")
    applier.start()
    applier.wait_log(r"(?i)retry", 30)
    pair.source.cluster.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_wrong_password_stops_at_once(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    for cluster in pair.clusters:
        cluster.sql("DO $$ BEGIN IF to_regrole('with_password') IS NULL THEN CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 'right'; END IF; END $$")
    for side in ("source", "target"):
        urls = {"source_url": pair.source.url(), "target_url": pair.target.url()}
        urls[f"{side}_url"] = getattr(pair, side).url(user="with_password", password="wr0ng-secret")
        applier = pair.applier(name=f"wrong_password_{side}", **urls)
        applier.start()
        assert applier.wait_exit(15) in (Exit.authentication, Exit.precheck)
        assert side in applier.log_text() and "password" in applier.log_text()
        assert "wr0ng-secret" not in applier.log_text()
        assert applier.cli("status").code != Exit.ok or side == "source"


def test_a_password_from_the_environment(pair, monkeypatch):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    pair.source.sql("DO $$ BEGIN IF to_regrole('with_password') IS NULL THEN CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 'right'; END IF; END $$")
    monkeypatch.setenv("THE_SECRET", "right")
    applier = pair.run(source_url=pair.source.url(user="with_password"), source={"password_env": "THE_SECRET"})
    pair.compare()
    assert "right" not in applier.log_text().replace("right now", "")
