# An alert that never comes, comes a hundred times, or stops the replication because its receiver hangs.
import json
import os
import sys
import time
from pathlib import Path

import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.waiting import FACTOR

sys.path.insert(0, str(Path(__file__).parent))
from listener import Listener, self_signed  # noqa: E402

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"
TOKEN = "s3cret-token-of-the-webhook"


@pytest.fixture
def listener():
    made = []

    def make(*arguments, **options):
        made.append(Listener(*arguments, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("ALERT_TOKEN", TOKEN)
    return "ALERT_TOKEN"


def test_a_failure_is_told_once_and_so_is_its_end(pair, listener, token, tmp_path):
    heard = listener()
    file = tmp_path / "alerts.jsonl"
    pair.source.psql(TABLE)
    applier = pair.run(labels={"team": "orders"}, alert={"webhook": heard.url("/hook/PATH-SECRET?a=1"), "webhook_token_env": token,
                                                         "command": f"cat >> {file}; echo >> {file}; env >> {file}.env"})
    pair.target.psql("INSERT INTO t VALUES (1000, 'in the way')")
    pair.source.psql("INSERT INTO t VALUES (1000, 'new')")
    assert applier.wait_exit() == Exit.conflict
    headers, alert = [(h, a) for h, a in heard.received if a["event"] == "task_failed"][0]
    assert headers["Authorization"] == f"Bearer {TOKEN}" and headers["Content-Type"] == "application/json"
    assert alert["task"] == pair.name and alert["labels"] == {"team": "orders"} and alert["state"] == "firing"
    assert alert["severity"] == "critical" and alert["reason"] and alert["remedy"] and alert["figures"] == {"exit_code": Exit.conflict}
    assert abs(alert["since"] - time.time()) < 60 and alert["version"] == 1 and str(applier.process.pid) in alert["process"]
    by_command = [json.loads(line) for line in file.read_text().splitlines() if line]
    assert by_command == heard.alerts()
    assert TOKEN not in Path(f"{file}.env").read_text() and "ALERT_TOKEN" not in Path(f"{file}.env").read_text()

    # The same failure again is no news; its end is.
    assert applier.start().wait_exit() == Exit.conflict
    assert heard.states("task_failed") == ["firing"]
    pair.target.psql("DELETE FROM t WHERE id = 1000")
    applier.start()
    applier.wait_caught_up()
    applier.wait_until(lambda: heard.states("task_failed") == ["firing", "resolved"], 30, "the end is told")
    shown = applier.log_text() + applier.cli("status").text + applier.cli("status", "--json").text
    for secret in (TOKEN, "PATH-SECRET"):
        assert secret not in shown and secret not in json.dumps(heard.alerts())
    pair.compare()


def test_thresholds_are_told_once_and_again_when_it_is_over(pair, listener):
    heard = listener()
    pair.source.psql(TABLE)
    applier = pair.run(source={"heartbeat": "500ms"}, slot={"retained_warning": "64MB", "retained_limit": "128MB"},
                       alert={"webhook": heard.url(), "lag": "2s", "xmin_age": 50})
    applier.cli("pause", check=True)
    for i in range(60):
        pair.source.sql("INSERT INTO t VALUES (%s, 'xmin')", (1000 + i,))
    for _ in range(12):
        pair.source.psql("SELECT pg_logical_emit_message(false, 'tests', 'x'); SELECT pg_switch_wal()")
    events = ("lag", "slot_retained", "slot_limit", "catalog_xmin")
    for event in events:
        applier.wait_until(lambda: heard.alerts(event), 40, f"alert {event}")
    assert heard.alerts("lag")[0]["figures"]["lag_seconds"] >= 2 and "paused" in heard.alerts("lag")[0]["reason"]
    assert heard.alerts("slot_limit")[0]["severity"] == "critical" and "retains" in heard.alerts("slot_limit")[0]["reason"]
    assert all(a["remedy"] for a in heard.alerts())
    applier.wait_until(lambda: set(events) <= {a["event"] for a in applier.status()["alerts"]["firing"]}, 10, "status shows them")
    text = applier.cli("status").out
    assert "alert:      lag (warning)" in text and "alert:      slot_limit (critical)" in text

    # Another process goes on where this one ended: nothing is told twice.
    applier.stop()
    applier.start()
    applier.wait_state("paused")
    applier.cli("resume", check=True)
    applier.wait_caught_up()
    applier.wait_until(lambda: heard.states("lag") == ["firing", "resolved"], 40, "the lag is over")
    for event in events:
        assert heard.states(event)[:1] == ["firing"] and heard.states(event).count("firing") == 1, heard.alerts(event)
    pair.compare()


def test_what_happens_on_either_server_is_told(own_pair, listener):
    heard = listener()
    pair = own_pair(source={"max_slot_wal_keep_size": "128MB", "min_wal_size": "32MB"})
    pair.source.psql(TABLE)
    applier = pair.run(alert={"webhook": heard.url(), "retrying": "2s"}, conflict={"policy": "overwrite"}, ddl={"on_error": "skip"})
    pair.target.psql("INSERT INTO t VALUES (1000, 'in the way'), (1001, 'in the way'); CREATE TABLE taken (id int)")
    pair.source.psql("INSERT INTO t VALUES (1000, 'new'); INSERT INTO t VALUES (1001, 'new')")
    applier.wait_until(lambda: heard.alerts("conflict:insert_exists"), 30, "alert conflict")
    pair.source.psql("CREATE TABLE taken (id text)")
    applier.wait_until(lambda: heard.alerts("ddl_undecided"), 30, "alert ddl_undecided")

    # The server is about to give the slot up: told before it is too late.
    applier.cli("pause", check=True)
    for _ in range(7):
        pair.source.psql("SELECT pg_logical_emit_message(false, 'tests', 'x'); SELECT pg_switch_wal()")
    applier.wait_until(lambda: heard.alerts("slot_at_risk"), 30, "alert slot_at_risk")
    alert = heard.alerts("slot_at_risk")[0]
    assert alert["severity"] == "critical" and "max_slot_wal_keep_size" in alert["remedy"]
    assert pair.source.scalar("SELECT wal_status FROM pg_replication_slots") != "lost"
    applier.cli("resume", check=True)

    pair.target.cluster.stop("immediate")
    applier.wait_until(lambda: heard.alerts("task_retrying"), 30, "alert task_retrying")
    assert heard.alerts("task_retrying")[0]["figures"]["seconds"] >= 2
    pair.target.cluster.start()
    applier.wait_until(lambda: heard.states("task_retrying") == ["firing", "resolved"], 60, "the retry is over")
    assert heard.states("conflict:insert_exists") == ["firing"]     # the second of its kind is no news
    pair.compare("t")


def test_receivers_that_fail_hold_nothing_up(pair, listener):
    heard = listener("hang")
    pair.source.psql(TABLE)
    applier = pair.run(alert={"webhook": heard.url(), "command": "sleep 60", "lag": "1s"})
    applier.cli("pause", check=True)
    applier.wait_until(lambda: heard.requests >= 1, 30, "the receiver hangs")
    applier.cli("resume", check=True)
    pair.source.psql("INSERT INTO t SELECT i, 'meanwhile' FROM generate_series(1000, 3000) i")
    applier.wait_caught_up(20)
    pair.compare()
    # A failing process ends in a bounded time all the same.
    pair.target.psql("INSERT INTO t VALUES (5000, 'in the way')")
    pair.source.psql("INSERT INTO t VALUES (5000, 'new')")
    began = time.monotonic()
    assert applier.wait_exit(40) == Exit.conflict
    assert time.monotonic() - began < 30 * FACTOR
    failed = {c["name"].split()[0]: c for c in applier.status()["alerts"]["channels"]}
    assert set(failed) == {"webhook", "command"}
    # It did not arrive: the next process tells it.
    heard.behaviour = 200
    applier.document["alert"].pop("command")
    applier.write_task()
    assert applier.start().wait_exit() == Exit.conflict
    assert heard.states("task_failed") == ["firing"]


def test_a_test_alert_says_what_happened(pair, listener, token, tmp_path):
    applier = pair.applier()
    assert applier.cli("alert test").code == Exit.configuration

    def sent(**alert):
        applier.document["alert"] = alert
        applier.write_task()
        return applier.cli("alert test")

    plain = listener()
    result = sent(webhook=plain.url(), webhook_token_env=token, command="cat > /dev/null")
    assert result.code == Exit.ok and "HTTP 200" in result.out and "command: delivered, exit code 0" in result.out and TOKEN not in result.text
    assert plain.alerts()[0]["event"] == "test"

    result = sent(webhook=listener(500).url(), command="echo no pager; exit 3")
    assert result.code == Exit.connection and "NOT delivered: HTTP 500" in result.out and "exit code 3: no pager" in result.out
    circle = listener("redirect")
    result = sent(webhook=circle.url())
    assert result.code == Exit.connection and "redirect" in result.out and circle.requests == 1
    began = time.monotonic()
    result = sent(webhook=listener("hang").url())
    assert result.code == Exit.connection and "no answer in time" in result.out and time.monotonic() - began < 15 * FACTOR
    closed = listener()
    closed.close()
    assert "no connection" in sent(webhook=closed.url()).out

    certificate = self_signed(tmp_path)
    tls = listener(certificate=certificate)
    result = sent(webhook=tls.url())
    assert result.code == Exit.connection and "certificate" in result.out and not tls.received
    os.environ["SSL_CERT_FILE"] = str(certificate / "cert.pem")
    try:
        assert sent(webhook=tls.url()).code == Exit.ok and len(tls.received) == 1
        other = tls.url().replace("127.0.0.1", "localhost")     # a certificate of another host
        assert "certificate" in sent(webhook=other).out
    finally:
        del os.environ["SSL_CERT_FILE"]
    assert sent(webhook="ftp://h/x").code == Exit.configuration
    refused = sent(webhook="https://user:hidden@h/x")
    assert refused.code == Exit.configuration and "hidden" not in refused.text
