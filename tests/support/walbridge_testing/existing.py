"""What the stories about target tables that exist already share: a table person on both sides, rows that meet by either of its keys."""


def proceeding(pair, rows="keep", **options):
    return pair.applier(objects={"existing": "proceed", "existing_rows": rows}, conflict={"policy": "overwrite"}, **options)


def run_proceeding(pair, rows="keep", **options):
    applier = proceeding(pair, rows, **options)
    applier.start()
    applier.wait_caught_up(90)
    return applier


def table_of(applier, name):
    return next(t for t in applier.status()["tables"] if t["table"] == name)


def finding(applier, check="tables.existing"):
    return [f for f in applier.cli("precheck", "--json", f"--only={check}").json()["findings"] if f["id"] == check]


def people(pair):
    return [tuple(row) for row in pair.target.sql("SELECT id, email, name, own FROM person WHERE own = 'mine' OR id IN (1, 2, 3, 4, 5, 2000) ORDER BY id")]


def check_kept(pair, applier):
    """Rows 1, 2, 3 and 4 of the source met one or two rows of the target, which stay."""
    assert people(pair) == [(1, "x1", "target", "mine"), (3, "p4", "target", "mine"), (5, "p5", "source", "default"),
                            (1002, "p2", "target", "mine"), (2000, "x2000", "target", "mine")]
    assert pair.target.scalar("SELECT count(*) FROM person") == 4 + 96
    person = table_of(applier, "person")
    assert (person["existing"], person["rows"], person["kept"], person["overwritten"]) == ("rows", 100, 4, 0), person
    assert table_of(applier, "idle")["existing"] == "empty" and "existing" not in table_of(applier, "fresh")
    pair.compare("fresh", "idle")


def check_replaced(pair, applier):
    """Three rows of the target met one or two of the source's, and gave way."""
    assert people(pair) == [(1, "p1", "source", "default"), (2, "p2", "source", "default"), (3, "p3", "source", "default"), (4, "p4", "source", "default"),
                            (5, "p5", "source", "default"), (2000, "x2000", "target", "mine")]
    person = table_of(applier, "person")
    assert (person["rows"], person["kept"], person["overwritten"]) == (100, 0, 3), person


def check_met(pair, rows, table, before, now, met):
    """Rows of the source whose ids are `met` met rows of the target: which of the two are there `now`. The rows of the target that
    nothing met, where the source's won."""
    source = {row[0]: row for row in pair.source.sql("SELECT * FROM t")}
    if rows == "keep":
        assert sorted(now, key=str) == sorted(before + [row for key, row in source.items() if key not in met], key=str), now
        assert (table["kept"], table["overwritten"]) == (len(met), 0), table
    else:
        left = [row for row in before if row in now and row not in source.values()]
        assert sorted(now, key=str) == sorted(left + list(source.values()), key=str), now
        assert (table["kept"], table["overwritten"]) == (0, len(before) - len(left)), table
        return left
