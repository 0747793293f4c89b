# Every kind of conflict under every policy, on both paths: a row decided the wrong way, or a record that tells another story.
import pytest
from walbridge_testing.applier import Exit

TABLES = """CREATE TABLE one (id int PRIMARY KEY, v text);
CREATE TABLE two (id int PRIMARY KEY, u int UNIQUE, v text);
CREATE TABLE many (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE, v text);
CREATE TABLE bare (id int, v text); ALTER TABLE bare REPLICA IDENTITY FULL;"""


class Case:
    """`seed` reaches both sides; `target` and `source` then write without knowing of each other; what stays if either wins."""
    def __init__(self, name, kind, table, seed, target, source, source_wins, target_wins, skipped=None, by_time=None):
        self.name, self.kind, self.table = name, kind, table
        self.seed, self.target, self.source = seed, target, source
        self.source_wins, self.target_wins = source_wins, target_wins
        self.by_time = by_time if by_time is not None else target_wins    # the target's row won by the time of its commit
        self.skipped = skipped if skipped is not None else target_wins

    def at(self, base):
        """The same with keys of its own."""
        fill = lambda text: text and text.format(*(base + n for n in range(6)))
        rows = lambda list_of_rows: [(base + row[0], *(base + value if isinstance(value, int) else value for value in row[1:])) for row in list_of_rows]
        return Case(self.name, self.kind, self.table, fill(self.seed), fill(self.target), fill(self.source), rows(self.source_wins), rows(self.target_wins),
                    rows(self.skipped), rows(self.by_time))

    def __repr__(self):
        return self.name


CASES = [
    Case("insert meets the primary key", "insert_exists", "one", "", "INSERT INTO one VALUES ({0}, 't')", "INSERT INTO one VALUES ({0}, 's')", [(0, "s")], [(0, "t")]),
    Case("update of a row that the target changed", "update_origin_differs", "one", "INSERT INTO one VALUES ({0}, 'seed')", "UPDATE one SET v = 't' WHERE id = {0}",
         "UPDATE one SET v = 's' WHERE id = {0}", [(0, "s")], [(0, "t")]),
    Case("delete of a row that the target changed", "delete_origin_differs", "one", "INSERT INTO one VALUES ({0}, 'seed')", "UPDATE one SET v = 't' WHERE id = {0}",
         "DELETE FROM one WHERE id = {0}", [], [(0, "t")]),
    Case("update moves to a key that the target took", "update_exists", "one", "INSERT INTO one VALUES ({0}, 'seed')", "INSERT INTO one VALUES ({1}, 't')",
         "UPDATE one SET id = {1}, v = 's' WHERE id = {0}", [(1, "s")], [(0, "seed"), (1, "t")], by_time=[(1, "t")]),
    Case("update of a row that the target deleted", "update_missing", "one", "INSERT INTO one VALUES ({0}, 'seed')", "DELETE FROM one WHERE id = {0}",
         "UPDATE one SET v = 's' WHERE id = {0}", [(0, "s")], [(0, "s")], skipped=[]),
    Case("delete of a row that the target deleted", "delete_missing", "one", "INSERT INTO one VALUES ({0}, 'seed')", "DELETE FROM one WHERE id = {0}",
         "DELETE FROM one WHERE id = {0}", [], []),
    Case("insert meets a secondary key", "insert_exists", "two", "", "INSERT INTO two VALUES ({1}, {2}, 't')", "INSERT INTO two VALUES ({0}, {2}, 's')",
         [(0, 2, "s")], [(1, 2, "t")]),
    Case("update meets a secondary key", "update_exists", "two", "INSERT INTO two VALUES ({0}, {0}, 'seed')", "INSERT INTO two VALUES ({1}, {2}, 't')",
         "UPDATE two SET u = {2}, v = 's' WHERE id = {0}", [(0, 2, "s")], [(0, 0, "seed"), (1, 2, "t")]),
    Case("insert meets several rows", "multiple_unique_conflicts", "many", "", "INSERT INTO many VALUES ({1}, {3}, {1}, 't'), ({2}, {2}, {4}, 't')",
         "INSERT INTO many VALUES ({0}, {3}, {4}, 's')", [(0, 3, 4, "s")], [(1, 3, 1, "t"), (2, 2, 4, "t")]),
    Case("update meets several rows", "multiple_unique_conflicts", "many", "INSERT INTO many VALUES ({0}, {0}, {0}, 'seed')",
         "INSERT INTO many VALUES ({1}, {3}, {1}, 't'), ({2}, {2}, {4}, 't')", "UPDATE many SET a = {3}, b = {4}, v = 's' WHERE id = {0}",
         [(0, 3, 4, "s")], [(0, 0, 0, "seed"), (1, 3, 1, "t"), (2, 2, 4, "t")]),
    Case("update without a key of a row that the target touched", "update_origin_differs", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "UPDATE bare SET v = v WHERE id = {0}",
         "UPDATE bare SET v = 's' WHERE id = {0}", [(0, "s")], [(0, "seed")]),
    Case("delete without a key of a row that the target touched", "delete_origin_differs", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "UPDATE bare SET v = v WHERE id = {0}",
         "DELETE FROM bare WHERE id = {0}", [], [(0, "seed")]),
    Case("update without a key of a row that is gone", "update_missing", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "DELETE FROM bare WHERE id = {0}",
         "UPDATE bare SET v = 's' WHERE id = {0}", [(0, "s")], [(0, "s")], skipped=[]),
    Case("delete without a key of a row that is gone", "delete_missing", "bare", "INSERT INTO bare VALUES ({0}, 'seed')", "DELETE FROM bare WHERE id = {0}",
         "DELETE FROM bare WHERE id = {0}", [], []),
]
MISSING = {"update_missing": "converted to insert", "delete_missing": "kept target"}


def rows_of(database, case, base):
    return database.sql(f"SELECT * FROM {case.table} WHERE id >= {base} AND id < {base + 10} ORDER BY id")


def records(pair, case, base):
    return pair.target.sql(f"SELECT kind, policy, outcome, operation FROM walbridge.conflict WHERE table_name = '{case.table}' AND (key ->> 'id')::int BETWEEN {base} AND {base + 9} ORDER BY id")


def seed(pair, applier, cases):
    """Through the stream: the rows bear the task's origin."""
    for case, _ in cases:
        if case.seed:
            pair.source.psql(case.seed)
    applier.wait_caught_up()


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
@pytest.mark.parametrize("policy", ["ignore", "overwrite", "last-update-wins", "first-update-wins"])
def test_every_kind_of_conflict_ends_as_the_policy_says(pair, policy, bulk):
    pair.source.psql(TABLES)
    applier = pair.run(apply={"bulk": bulk}, conflict={"policy": policy, "origins": "on"})
    cases = [(CASES[n % len(CASES)].at(100 * (n + 1)), 100 * (n + 1)) for n in range(2 * len(CASES))]
    seed(pair, applier, cases)
    applier.cli("pause", check=True)
    older, younger = cases[:len(CASES)], cases[len(CASES):]
    for case, _ in older:
        pair.target.psql(case.target)
    for case, _ in cases:
        pair.source.psql(case.source)
    for case, _ in younger:
        pair.target.psql(case.target)
    applier.cli("resume", check=True)
    applier.wait_caught_up()
    for group in (older, younger):
        source_wins = {"ignore": False, "overwrite": True, "last-update-wins": group is older, "first-update-wins": group is younger}[policy]
        for case, base in group:
            by_time = policy.endswith("wins")
            expected = case.source_wins if source_wins else case.by_time if by_time else case.target_wins
            told = (case.name, "target first" if group is older else "source first")
            assert rows_of(pair.target, case, base) == expected, told
            outcome = MISSING.get(case.kind) or ("overwrote target" if source_wins else "kept target")
            recorded = records(pair, case, base)
            assert [(kind, result) for kind, _, result, _ in recorded] == [(case.kind, outcome)], (told, recorded)
            assert recorded[0][1] == policy or case.kind in MISSING, told
            assert recorded[0][3] == case.name.split()[0], told
    writers = pair.target.sql("SELECT DISTINCT target_origin, target_commit_time IS NOT NULL FROM walbridge.conflict WHERE kind = 'update_origin_differs'")
    assert writers == [("", True)]


@pytest.mark.parametrize("decision", ["skip", "overwrite"])
def test_fail_stops_at_each_and_goes_on_as_an_operator_decides(pair, decision):
    pair.source.psql(TABLES)
    applier = pair.run(conflict={"policy": "fail", "origins": "on", "update_missing": "fail", "delete_missing": "fail"})
    for number, case in enumerate(CASES):
        base = 100 * (number + 1)
        case = case.at(base)
        seed(pair, applier, [(case, base)])
        pair.target.psql(case.target)
        before = rows_of(pair.target, case, base)
        pair.source.psql(f"BEGIN; {case.source}; INSERT INTO one VALUES ({base + 9}, 'same transaction'); COMMIT")
        assert applier.wait_exit() == Exit.conflict, case
        assert rows_of(pair.target, case, base) == before, "nothing of the transaction was applied"
        assert pair.target.sql(f"SELECT * FROM one WHERE id = {base + 9}") == []
        assert [(kind, result) for kind, _, result, _ in records(pair, case, base)] == [(case.kind, "stopped")], case
        assert applier.start().wait_exit() == Exit.conflict, "without a decision it stops again"
        pair.target.psql(f"UPDATE walbridge.conflict SET decision = '{decision}' WHERE outcome = 'stopped'")
        applier.start()
        applier.wait_caught_up()
        expected = case.skipped if decision == "skip" else case.source_wins
        assert [row for row in rows_of(pair.target, case, base) if row != (base + 9, "same transaction")] == expected, case
        assert pair.target.sql(f"SELECT v FROM one WHERE id = {base + 9}") == [("same transaction",)]
        outcome = "skipped" if decision == "skip" else MISSING.get(case.kind, "overwrote target")
        assert records(pair, case, base)[0][2] == outcome, case


def test_kinds_and_tables_have_policies_of_their_own(pair):
    pair.source.psql(TABLES)
    applier = pair.run(conflict={"policy": "overwrite", "insert_exists": "ignore"}, tables=[{"name": "public.two", "conflict": "overwrite"}])
    pair.target.psql("INSERT INTO one VALUES (1, 't'); INSERT INTO two VALUES (1, 1, 't')")
    pair.source.psql("INSERT INTO one VALUES (1, 's'); INSERT INTO two VALUES (1, 1, 's'); INSERT INTO one VALUES (2, 's')")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT * FROM one ORDER BY id") == [(1, "t"), (2, "s")]
    assert pair.target.sql("SELECT * FROM two") == [(1, 1, "s")]


def test_a_target_without_commit_times_is_refused(own_pair):
    pair = own_pair(target={"track_commit_timestamp": "off"})
    pair.source.psql(TABLES)
    applier = pair.applier(conflict={"policy": "last-update-wins"}).start()
    assert applier.wait_exit() != 0
    assert "track_commit_timestamp" in applier.log_text()
