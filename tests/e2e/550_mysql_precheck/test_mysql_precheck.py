# A copy to MySQL that fails after an hour, or silently cannot be exact, for a reason that could have been known before it.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.mysql_policies import with_policy

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v varchar(50)); INSERT INTO t VALUES (1, 'a');"


def findings(result):
    return result.json()["findings"]


def errors(result):
    return [f for f in findings(result) if f["result"] == "error"]


def said(findings):
    return " ".join(f"{f['id']} {f['reason']} {f.get('fix') or ''}" for f in findings)


def refused(pair, *words, **options):
    """precheck finds an error that says all of `words`, with a fix; the task does nothing either."""
    applier = pair.applier(**options)
    result = applier.cli("precheck", "--json")
    assert result.code == Exit.precheck, result
    wrong = errors(result)
    assert wrong and all(f["reason"] and f["fix"] for f in wrong), wrong
    assert all(word.lower() in said(wrong).lower() for word in words), wrong
    assert applier.start().wait_exit() in (Exit.precheck, Exit.permission)      # without rights it ends before: the state has no place
    assert pair.source.sql("SELECT slot_name FROM pg_replication_slots WHERE database = %s", (pair.name,)) == []
    return wrong


def test_a_good_task_passes_and_leaves_nothing(mysql_pair):
    pair = mysql_pair
    pair.source.psql(TABLE)
    result = pair.applier().cli("precheck", "--json")
    assert result.code == Exit.ok, result
    assert errors(result) == [] and {"source.connection", "target.connection", "target.version"} <= {f["id"] for f in findings(result)}
    assert pair.server.databases() == [pair.name] and pair.target.sql("SHOW TABLES") == []


@pytest.mark.parametrize("engine", ["MyISAM", "MEMORY"])
def test_a_table_that_cannot_roll_back_is_refused(mysql_pair, engine):
    pair = mysql_pair
    pair.source.psql(TABLE)
    pair.target.sql(f"CREATE TABLE t (id int PRIMARY KEY, v varchar(50)) ENGINE={engine} CHARACTER SET utf8mb4")
    wrong = refused(pair, "InnoDB", engine, stages=["full", "incremental"])
    assert "ALTER TABLE" in said(wrong) and "ENGINE" in said(wrong)
    for f in wrong:
        if "ALTER TABLE" in (f["fix"] or ""):
            pair.target.sql(f["fix"])       # a statement that can be run as it stands
    assert pair.applier(stages=["full", "incremental"]).cli("precheck").code == Exit.ok


def test_column_names_that_differ_in_case_alone_are_refused(mysql_pair):
    pair = mysql_pair
    pair.source.psql('CREATE TABLE t (id int PRIMARY KEY, "Name" text, name text, "NAME" text); CREATE TABLE fine (id int PRIMARY KEY, "Name" text)')
    assert "fine" not in said(refused(pair, "public.t", "Name", "name"))


@pytest.mark.parametrize("table,column", [("t", "ends in space "), ("ends in space ", "v"), ("t", "emoji 🙂"), ("emoji 🙂", "v")])
def test_names_that_mysql_does_not_allow_are_refused(mysql_pair, table, column):
    pair = mysql_pair
    pair.source.psql(f'CREATE TABLE "{table}" (id int PRIMARY KEY, "{column}" text); CREATE TABLE fine (id int PRIMARY KEY, "größe `\\'' v" text)')
    wrong = said(refused(pair, "ends in space" if "ends" in table + column else "emoji"))
    assert "fine" not in wrong


def test_durability_that_loses_commits_is_refused(mysql_pair):
    pair = mysql_pair
    pair.source.psql(TABLE)
    for value in (0, 2):
        with pair.server.setting(innodb_flush_log_at_trx_commit=value):
            assert "SET GLOBAL innodb_flush_log_at_trx_commit = 1" in said(refused(pair, "innodb_flush_log_at_trx_commit", str(value)))
    assert pair.applier().cli("precheck").code == Exit.ok


def test_durability_that_is_lost_while_the_task_runs_stops_it(mysql_pair):
    pair = mysql_pair
    pair.source.psql(TABLE)
    applier = pair.run()
    applier.stop()
    with pair.server.setting(innodb_flush_log_at_trx_commit=2):
        assert applier.start().wait_exit() != Exit.ok
        assert "innodb_flush_log_at_trx_commit" in applier.log_text()
    applier.start()
    applier.wait_caught_up()


@pytest.mark.parametrize("what", ["missing table", "missing column", "no database", "privileges", "key in the wrong collation", "other key", "no identity", "wrong flavour", "triggers"])
def test_a_target_that_does_not_suit_is_told(mysql_pair, what):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (word varchar(50) PRIMARY KEY, v int)")
    there = "CREATE TABLE t (word varchar(50) {} PRIMARY KEY, v int) CHARACTER SET utf8mb4 COLLATE {}".format("", "utf8mb4_nopad_bin" if pair.server.kind == "mariadb" else "utf8mb4_0900_bin")
    late = {"stages": ["full", "incremental"]}
    if what == "missing table":
        refused(pair, "public.t", **late)
    elif what == "missing column":
        pair.target.sql(there.replace(", v int", ""))
        refused(pair, "public.t", "v", **late)
    elif what == "no database":
        refused(pair, "nowhere", target_url=pair.server.url("nowhere"), **late)
    elif what == "privileges":
        pair.server.sql("CREATE USER powerless@'127.0.0.1' IDENTIFIED BY 'x'; GRANT SELECT ON *.* TO powerless@'127.0.0.1'")
        try:
            refused(pair, "powerless", "GRANT", target_url=pair.target.url(user="powerless", password="x"))
        finally:
            pair.server.sql("DROP USER powerless@'127.0.0.1'")
    elif what == "key in the wrong collation":      # 'a' and 'A' would meet
        pair.target.sql("CREATE TABLE t (word varchar(50) PRIMARY KEY, v int) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        refused(pair, "public.t", "word", "utf8mb4_general_ci", **late)
    elif what == "other key":
        pair.target.sql(there.replace(" PRIMARY KEY", "").replace("v int", "v int PRIMARY KEY"))
        refused(pair, "public.t", **late)
    elif what == "no identity":
        pair.source.psql("CREATE TABLE bare (v text)")
        refused(pair, "REPLICA IDENTITY FULL")
    elif what == "wrong flavour":
        refused(pair, "mysql" if pair.server.kind == "mariadb" else "mariadb", "target.kind", target={"kind": "mysql" if pair.server.kind == "mariadb" else "mariadb"})
    elif what == "triggers":        # MySQL cannot silence them
        pair.target.sql(there)
        pair.target.sql("CREATE TRIGGER loud BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1")
        result = pair.applier(**late).cli("precheck", "--json")
        assert "loud" in said(f for f in findings(result) if f["result"] != "ok"), result


def test_options_of_postgresql_targets_are_refused_kindly(mysql_pair):
    pair = mysql_pair
    pair.source.psql(TABLE)
    result = pair.applier(target_url=pair.source.url()).cli("precheck")
    assert result.code in (Exit.configuration, Exit.precheck) and "mysql://" in result.text, result


ODD = """CREATE TABLE numbers (id int PRIMARY KEY, exact numeric(10,2), f float8, fine float8, wide numeric);
INSERT INTO numbers VALUES (1, 'NaN', 'NaN', 1.5, 1), (2, 1, 'Infinity', 2, 1), (3, 1, '-Infinity', 3, '1e100'), (4, 1, 1, 4, 1);
CREATE TABLE times (id int PRIMARY KEY, d date, at timestamptz, fine timestamp); INSERT INTO times VALUES (1, 'infinity', now(), now()), (2, '0044-03-15 BC', '294276-01-01', now()), (3, '2024-01-01', '-infinity', now());
CREATE TABLE clean (id int PRIMARY KEY, f float8, d date); INSERT INTO clean VALUES (1, 0.1, '2024-01-01')"""


def fidelity(result):
    """{"table.column": (verdict, number of values that do not fit)}"""
    return {f"{c['table'].split('.')[-1]}.{c['column']}": (c["fidelity"], c.get("unfit", 0)) for c in result.json()["columns"]}


def test_values_that_do_not_fit_are_found_before_the_copy(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ODD)
    plain = pair.applier().cli("precheck", "--json")
    assert plain.code == Exit.ok or "numbers" not in said(errors(plain)), "without --values no data is read"
    result = pair.applier().cli("precheck", "--values", "--json")
    assert result.code == Exit.precheck, result
    told = said(errors(result))
    for word in ("numbers.exact", "NaN", "numbers.f", "numbers.wide", "35 digits", "infinite", "times.d", "year 1", "times.at", "year 9999"):
        assert word in told, (word, told)
    assert "clean" not in told and "fine" not in told
    report = fidelity(result)
    assert {name: count for name, (_, count) in report.items() if count} == {"numbers.exact": 1, "numbers.f": 3, "numbers.wide": 1, "times.d": 2, "times.at": 2}
    assert report["clean.id"] == ("exact", 0)
    assert {verdict for verdict, _ in report.values()} <= {"exact", "lossy", "impossible"}
    text = pair.applier().cli("precheck", "--values").text
    assert "numbers" in text and "exact" in text


def test_values_with_a_policy_are_a_warning(mysql_pair):
    pair = mysql_pair
    pair.source.psql(ODD)
    policies = {"public.numbers": {"exact": "null", "f": "text", "wide": "text"}, "public.times": {"d": "clamp", "at": "null"}}
    result = pair.applier(tables=with_policy(policies)).cli("precheck", "--values", "--json")
    assert result.code == Exit.ok, result
    told = said(f for f in findings(result) if f["result"] == "warning")
    assert "numbers" in told and "times" in told
