# Every kind of conflict that MySQL can show under every policy that it can have: a row decided the wrong way, or in silence.
import pytest
from walbridge_testing.applier import Exit

TABLES = """CREATE TABLE one (id int PRIMARY KEY, v text);
CREATE TABLE two (id int PRIMARY KEY, u int UNIQUE, v text);
CREATE TABLE many (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE, v text);
CREATE TABLE bare (id int, v text); ALTER TABLE bare REPLICA IDENTITY FULL;"""

# kind, table, seed for both sides, what the target and then the source writes; rows when the source wins, when the target does, and when the change is skipped.
CASES = {
    "insert meets the primary key": ("insert_exists", "one", "", "INSERT INTO one VALUES ({0}, 't')", "INSERT INTO one VALUES ({0}, 's')", [(0, "s")], [(0, "t")]),
    "insert meets a secondary key": ("insert_exists", "two", "", "INSERT INTO two VALUES ({1}, {2}, 't')", "INSERT INTO two VALUES ({0}, {2}, 's')", [(0, 2, "s")], [(1, 2, "t")]),
    "update moves to a key that the target took": ("update_exists", "one", "INSERT INTO one VALUES ({0}, 'seed')", "INSERT INTO one VALUES ({1}, 't')",
                                                   "UPDATE one SET id = {1}, v = 's' WHERE id = {0}", [(1, "s")], [(0, "seed"), (1, "t")]),
    "update meets a secondary key": ("update_exists", "two", "INSERT INTO two VALUES ({0}, {0}, 'seed')", "INSERT INTO two VALUES ({1}, {2}, 't')",
                                     "UPDATE two SET u = {2}, v = 's' WHERE id = {0}", [(0, 2, "s")], [(0, 0, "seed"), (1, 2, "t")]),
    "insert meets several rows": ("multiple_unique_conflicts", "many", "", "INSERT INTO many VALUES ({1}, {3}, {1}, 't'), ({2}, {2}, {4}, 't')",
                                  "INSERT INTO many VALUES ({0}, {3}, {4}, 's')", [(0, 3, 4, "s")], [(1, 3, 1, "t"), (2, 2, 4, "t")]),
    "update meets several rows": ("multiple_unique_conflicts", "many", "INSERT INTO many VALUES ({0}, {0}, {0}, 'seed')", "INSERT INTO many VALUES ({1}, {3}, {1}, 't'), ({2}, {2}, {4}, 't')",
                                  "UPDATE many SET a = {3}, b = {4}, v = 's' WHERE id = {0}", [(0, 3, 4, "s")], [(0, 0, 0, "seed"), (1, 3, 1, "t"), (2, 2, 4, "t")]),
    "update of a row that the target deleted": ("update_missing", "one", "INSERT INTO one VALUES ({0}, 'seed')", "DELETE FROM one WHERE id = {0}", "UPDATE one SET v = 's' WHERE id = {0}",
                                                [(0, "s")], [(0, "s")], []),
    "delete of a row that the target deleted": ("delete_missing", "one", "INSERT INTO one VALUES ({0}, 'seed')", "DELETE FROM one WHERE id = {0}", "DELETE FROM one WHERE id = {0}", [], []),
    "update without a key of a row that is gone": ("update_missing", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "DELETE FROM bare WHERE id = {0}", "UPDATE bare SET v = 's' WHERE id = {0}",
                                                   [(0, "s")], [(0, "s")], []),
    "delete without a key of a row that is gone": ("delete_missing", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "DELETE FROM bare WHERE id = {0}", "DELETE FROM bare WHERE id = {0}", [], []),
}
MISSING = {"update_missing": "converted to insert", "delete_missing": "kept target"}


class Case:
    """One of CASES with keys of its own."""

    def __init__(self, name, base):
        self.kind, self.table, *statements_and_rows = CASES[name]
        self.seed, self.target, self.source = (text.format(*(base + n for n in range(6))) for text in statements_and_rows[:3])
        rows = [[tuple(base + value if isinstance(value, int) else value for value in row) for row in rows] for rows in statements_and_rows[3:]]
        self.source_wins, self.target_wins = rows[:2]
        self.skipped = rows[2] if len(rows) > 2 else self.target_wins
        self.name, self.base = name, base

    def rows(self, pair):
        return [tuple(row) for row in pair.target.sql(f"SELECT * FROM {self.table} WHERE id >= {self.base} AND id < {self.base + 9} ORDER BY id")]

    def records(self, pair):
        key = "CAST(JSON_UNQUOTE(JSON_EXTRACT(`key`, '$.id')) AS SIGNED)"
        return pair.target.sql(f"SELECT kind, policy, outcome, operation FROM walbridge.conflict WHERE task = %s AND table_name = %s AND {key} BETWEEN {self.base} AND {self.base + 9} ORDER BY id",
                               (pair.name, self.table))


def seed(pair, applier, cases):
    pair.source.psql(";".join(case.seed for case in cases if case.seed) or "SELECT 1")
    applier.wait_caught_up()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
@pytest.mark.parametrize("policy", ["ignore", "overwrite"])
def test_every_kind_of_conflict_ends_as_the_policy_says(mysql_pair, policy, bulk):
    pair = mysql_pair
    pair.source.psql(TABLES)
    applier = pair.run(apply={"bulk": bulk}, conflict={"policy": policy})
    cases = [Case(name, 100 * (number + 1)) for number, name in enumerate(CASES)]
    seed(pair, applier, cases)
    applier.cli("pause", check=True)
    for case in cases:
        pair.target.sql(case.target)
        pair.source.psql(case.source)
    applier.cli("resume", check=True)
    applier.wait_caught_up()
    for case in cases:
        assert case.rows(pair) == (case.source_wins if policy == "overwrite" else case.target_wins), case.name
        outcome = MISSING.get(case.kind) or ("overwrote target" if policy == "overwrite" else "kept target")
        recorded = case.records(pair)
        assert [(kind, result) for kind, _, result, _ in recorded] == [(case.kind, outcome)], (case.name, recorded)
        assert recorded[0][1] == policy or case.kind in MISSING, case.name
        assert recorded[0][3] == case.name.split()[0], case.name


@pytest.mark.parametrize("decision", ["skip", "overwrite"])
def test_fail_stops_at_each_and_goes_on_as_an_operator_decides(mysql_pair, decision):
    pair = mysql_pair
    pair.source.psql(TABLES)
    applier = pair.run(conflict={"policy": "fail", "update_missing": "fail", "delete_missing": "fail"})
    for number, name in enumerate(CASES):
        case = Case(name, 100 * (number + 1))
        seed(pair, applier, [case])
        pair.target.sql(case.target)
        before = case.rows(pair)
        pair.source.psql(f"BEGIN; {case.source}; INSERT INTO one VALUES ({case.base + 9}, 'same transaction'); COMMIT")
        assert applier.wait_exit() == Exit.conflict, (case.name, applier.log_tail())
        assert case.rows(pair) == before, "nothing of the transaction was applied"
        assert pair.target.sql(f"SELECT * FROM one WHERE id = {case.base + 9}") == []
        assert [(kind, result) for kind, _, result, _ in case.records(pair)] == [(case.kind, "stopped")], case.name
        if number == 0:
            assert applier.start().wait_exit() == Exit.conflict, "without a decision it stops again"
        pair.target.sql(f"UPDATE walbridge.conflict SET decision = '{decision}' WHERE outcome = 'stopped'")
        applier.start()
        applier.wait_caught_up()
        assert case.rows(pair) == (case.skipped if decision == "skip" else case.source_wins), case.name
        assert pair.target.sql(f"SELECT v FROM one WHERE id = {case.base + 9}") == [("same transaction",)]
        assert case.records(pair)[0][2] == ("skipped" if decision == "skip" else MISSING.get(case.kind, "overwrote target")), case.name


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_a_stop_shows_both_rows_and_resumes_after_repair(mysql_pair, bulk):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, u varchar(20) UNIQUE, v text); INSERT INTO t SELECT i, 'u' || i, 'v' FROM generate_series(1, 10) i")
    applier = pair.run(apply={"bulk": bulk})
    pair.target.sql("INSERT INTO t VALUES (100, 'taken', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (20, 'fine', 'v'); BEGIN; INSERT INTO t VALUES (21, 'same transaction', 'v'); INSERT INTO t VALUES (101, 'taken', 'by the source'); COMMIT; INSERT INTO t VALUES (22, 'after', 'v')")
    assert applier.wait_exit() == Exit.conflict
    log = applier.log_text()
    assert "taken" in log and "101" in log and "public.t" in log.replace('"', "").replace("`", "")
    assert pair.target.sql("SELECT id FROM t WHERE id > 10 ORDER BY 1") == [(20,), (100,)]
    source_row, target_row = pair.target.sql("SELECT source_row, target_row FROM walbridge.conflict WHERE task = %s", (pair.name,))[0]
    assert "by the source" in source_row and "by the target" in target_row
    assert "conflict" in applier.cli("status").text.lower()
    pair.target.sql("DELETE FROM t WHERE id = 100")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


def test_a_row_that_equals_by_collation_alone_is_no_conflict(mysql_pair):
    """The target's key tells apart what the source does: nothing is overwritten because it looks alike."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (word varchar(20) PRIMARY KEY, v text)")
    applier = pair.run(conflict={"policy": "overwrite"})
    pair.target.sql("INSERT INTO t VALUES ('A', 'by the target'), ('a ', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES ('a', 's'), ('ä', 's')")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT count(*) FROM t WHERE v = 'by the target'") == 2 and pair.target.scalar("SELECT count(*) FROM t") == 4


def test_a_missing_row_with_a_value_that_did_not_travel_stops_the_task(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL; INSERT INTO t SELECT i, 'v', repeat('x', 10000) FROM generate_series(1, 5) i")
    applier = pair.run()
    pair.target.sql("DELETE FROM t WHERE id = 2")
    pair.source.psql("UPDATE t SET v = 'w' WHERE id <= 3")
    assert applier.wait_exit() == Exit.conflict
    assert "big" in applier.log_text()
    pair.target.sql("INSERT INTO t VALUES (2, 'v', repeat('x', 10000))")
    applier.start()
    applier.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("conflict", [{"policy": "last-update-wins"}, {"policy": "first-update-wins"}, {"policy": "overwrite", "origins": "on"}, {"policy": "overwrite", "update_exists": "last-update-wins"}],
                         ids=["last-update-wins", "first-update-wins", "origins", "a kind by time"])
def test_what_needs_commit_times_is_refused(mysql_pair, conflict):
    pair = mysql_pair
    pair.source.psql(TABLES)
    applier = pair.applier(conflict=conflict).start()
    assert applier.wait_exit() in (Exit.configuration, Exit.precheck), applier.log_tail()
    assert "conflict." in applier.log_text() and "MySQL" in applier.log_text()
    assert not pair.target.exists("one")
