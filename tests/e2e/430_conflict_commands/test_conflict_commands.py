# What a policy or a stop set aside: lost from sight, decided by guesswork, or brought back over a row that somebody changed since.
import json

import pytest
from walbridge_testing.applier import Exit

TABLE = "CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v text); INSERT INTO t SELECT i, 'u' || i, 'v' FROM generate_series(1, 10) i;"
IGNORE = {"policy": "ignore"}


def listed(applier, *arguments):
    return applier.cli("conflicts list", "--json", *arguments, check=True).json()


def shown(applier, conflict):
    return applier.cli("conflicts show", "--json", after=[conflict], check=True).json()


def resolve(applier, *ids_and_options, code=Exit.ok):
    ids = [word for word in ids_and_options if isinstance(word, int)]
    options = [word for word in ids_and_options if not isinstance(word, int)]
    result = applier.cli("conflicts resolve", *options, after=ids)
    assert result.code == code, result
    return result


def stopped(pair, source="INSERT INTO t VALUES (101, 'taken', 'by the source')", **options):
    """A task that stopped at a row which holds the unique value."""
    pair.source.psql(TABLE)
    applier = pair.run(**options)
    pair.target.psql("INSERT INTO t VALUES (100, 'taken', 'by the target')")
    pair.source.psql(source)
    assert applier.wait_exit() == Exit.conflict
    (record,) = listed(applier, "--open")
    return applier, record["id"]


def kept(pair, source="INSERT INTO t VALUES (50, 'y', 'by the source')", target="INSERT INTO t VALUES (50, 'x', 'by the target')",
         table=TABLE, conflict=None, **options):
    """A running task whose policy kept the target's row."""
    pair.source.psql(table)
    applier = pair.run(conflict=conflict or IGNORE, **options)
    pair.target.psql(target)
    pair.source.psql(source)
    applier.wait_caught_up()
    records = listed(applier)
    assert records and all(record["outcome"] == "kept target" for record in records)
    return applier, sorted(record["id"] for record in records)


# -- changes that stopped the task ------------------------------------------------------------------------------------

def test_a_stop_is_listed_shown_and_decided(pair):
    applier, conflict = stopped(pair)
    record = shown(applier, conflict)
    assert (record["kind"], record["state"], record["table"], record["policy"]) == ("insert_exists", "open", "t", "fail")
    assert record["source_row"]["v"] == "by the source" and record["target_row"]["v"] == "by the target"
    assert record["differs"] == ["id", "v"]
    text = applier.cli("conflicts show", after=[conflict], check=True).text
    assert "by the source" in text and "by the target" in text and "* v" in text and "  u" in text
    assert "1 wait for a decision" in applier.cli("status").text
    assert applier.status()["conflicts"]["open"] == 1

    assert "passed over" in resolve(applier, conflict, "--skip").text
    record = shown(applier, conflict)
    assert record["state"] == "decided" and record["decision"] == "skip" and "@" in record["decided_by"]
    assert listed(applier, "--open") == [] and applier.status()["conflicts"]["open"] == 0
    resolve(applier, conflict, "--replay")
    record = shown(applier, conflict)
    assert record["state"] == "open" and record["decision"] is None and record["decided_by"] is None

    pair.target.psql("DELETE FROM t WHERE id = 100")
    applier.start()
    applier.wait_caught_up()
    pair.compare()
    assert shown(applier, conflict)["state"] == "passed"
    assert "applied since" in resolve(applier, conflict, "--overwrite", code=Exit.task_state).text


@pytest.mark.parametrize("decision,row", [("--skip", (100, "by the target")), ("--overwrite", (101, "by the source"))])
@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "exact"])
def test_the_applier_follows_the_decision(pair, decision, row, bulk):
    applier, conflict = stopped(pair, "BEGIN; INSERT INTO t VALUES (20, 'u20', 'v'); INSERT INTO t VALUES (101, 'taken', 'by the source');"
                                      "INSERT INTO t VALUES (21, 'u21', 'v'); COMMIT; INSERT INTO t VALUES (22, 'u22', 'v')",
                                apply={"bulk": bulk})
    resolve(applier, conflict, decision)
    applier.start()
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id, v FROM t WHERE u = 'taken'") == [row]
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id BETWEEN 20 AND 22") == 3
    assert shown(applier, conflict)["outcome"] == ("skipped" if decision == "--skip" else "overwrote target")
    assert listed(applier, "--open") == []


def test_resume_skip_passes_the_stopping_change_over(pair):
    applier, conflict = stopped(pair)
    result = applier.cli("resume", "--skip", check=True)
    assert f"conflict {conflict}" in result.text and "walbridge run" in result.text
    assert shown(applier, conflict)["decision"] == "skip"
    pair.target.psql("DELETE FROM t WHERE id = 100")
    applier.start()
    applier.wait_caught_up()
    assert "did not stop at a conflict" in applier.cli("resume", "--skip").text
    assert applier.cli("resume", "--skip").code == Exit.task_state


def test_an_edited_row_takes_the_place_of_the_stopped_change(pair):
    applier, conflict = stopped(pair)
    assert "holds a unique value" in resolve(applier, conflict, "--edit", '{"v": "edited"}', code=Exit.conflict).text
    assert shown(applier, conflict)["state"] == "open"
    resolve(applier, conflict, "--edit", '{"u": "free", "v": "edited"}')
    assert pair.target.sql("SELECT * FROM t WHERE id >= 100 ORDER BY 1") == [(100, "taken", "by the target"), (101, "free", "edited")]
    record = shown(applier, conflict)
    assert record["decision"] == "skip" and record["edited_row"] == {"id": 101, "u": "free", "v": "edited"}
    assert "edited" in applier.cli("conflicts show", after=[conflict]).text


def test_the_applier_leaves_an_edited_row_alone(pair):
    applier, conflict = stopped(pair)
    resolve(applier, conflict, "--edit", '{"u": "free", "v": "edited"}')
    applier.start()
    applier.wait_caught_up()
    assert pair.target.sql("SELECT * FROM t WHERE id = 101") == [(101, "free", "edited")]


# -- changes that a policy passed over --------------------------------------------------------------------------------

@pytest.mark.parametrize("decision", ["--overwrite", "--replay"])
def test_a_kept_row_is_replaced_by_the_recorded_one(pair, decision):
    applier, (conflict,) = kept(pair)
    assert shown(applier, conflict)["state"] == "settled"
    assert "updated" in resolve(applier, conflict, decision).text
    pair.compare()
    record = shown(applier, conflict)
    assert record["state"] == "resolved" and record["decision"] == decision[2:]
    assert "decided before" in resolve(applier, conflict, "--skip", code=Exit.task_state).text


def test_a_closed_record_leaves_the_row_and_can_be_decided_again(pair):
    applier, (conflict,) = kept(pair)
    resolve(applier, conflict, "--skip")
    assert pair.target.scalar("SELECT v FROM t WHERE id = 50") == "by the target"
    assert shown(applier, conflict)["decision"] == "skip"
    resolve(applier, conflict, "--overwrite")
    pair.compare()


def test_another_row_in_the_way_goes_by_overwrite_only(pair):
    applier, (conflict,) = kept(pair, target="INSERT INTO t VALUES (60, 'y', 'by the target')")
    assert "--overwrite" in resolve(applier, conflict, "--replay", code=Exit.conflict).text
    assert pair.target.scalar("SELECT count(*) FROM t WHERE id = 50") == 0
    assert "inserted" in resolve(applier, conflict, "--overwrite").text
    pair.compare()


def test_an_edited_row_is_written_at_once(pair):
    applier, (conflict,) = kept(pair, target="INSERT INTO t VALUES (60, 'y', 'by the target')")
    resolve(applier, conflict, "--edit", '{"u": "z", "v": null}')
    assert pair.target.sql("SELECT * FROM t WHERE id >= 50 ORDER BY 1") == [(50, "z", None), (60, "y", "by the target")]
    assert shown(applier, conflict)["edited_row"]["u"] == "z"


def test_a_row_that_changed_since_refuses(pair):
    applier, (conflict,) = kept(pair)
    pair.target.psql("UPDATE t SET v = 'changed since' WHERE id = 50")
    assert "not as it was recorded" in resolve(applier, conflict, "--overwrite", code=Exit.conflict).text
    assert pair.target.scalar("SELECT v FROM t WHERE id = 50") == "changed since"
    assert shown(applier, conflict)["decision"] is None
    resolve(applier, conflict, "--overwrite", "--force")
    pair.compare()


def test_a_row_that_is_gone_since_refuses(pair):
    applier, (conflict,) = kept(pair)
    pair.source.psql("DELETE FROM t WHERE id = 50")
    applier.wait_caught_up()
    assert "not as it was recorded" in resolve(applier, conflict, "--replay", code=Exit.conflict).text
    pair.compare()


def test_changes_of_one_row_are_replayed_in_order(pair):
    missing = {"update_missing": "ignore"}
    applier, (first, second) = kept(pair, conflict=missing, target="DELETE FROM t WHERE id = 1",
                                    source="UPDATE t SET v = 'once' WHERE id = 1; UPDATE t SET v = 'twice' WHERE id = 1")
    assert f"conflict {second} is a later change" in resolve(applier, first, "--replay", code=Exit.conflict).text
    resolve(applier, first, "--skip")
    assert f"conflict {second} is a later change" in resolve(applier, first, "--replay", code=Exit.conflict).text
    resolve(applier, second, first, "--replay")
    pair.compare()


def test_all_of_a_kind_and_table(pair):
    applier, ids = kept(pair, table=TABLE + "CREATE TABLE other (id int PRIMARY KEY, v text);",
                        target="INSERT INTO t SELECT i, 'x' || i, 'target' FROM generate_series(50, 60) i; INSERT INTO other VALUES (1, 'target'); DELETE FROM t WHERE id = 1",
                        source="INSERT INTO t SELECT i, 'y' || i, 'source' FROM generate_series(50, 60) i; INSERT INTO other VALUES (1, 'source'); DELETE FROM t WHERE id = 1")
    assert len(ids) == 13
    assert len(listed(applier, "--kind", "delete_missing")) == 1
    assert len(listed(applier, "--table", "public.other")) == 1
    assert len(listed(applier, "--limit", "5")) == 5
    assert len(listed(applier, "--since", "1h")) == 13 and listed(applier, "--since", "2100-01-01") == []
    assert "and 8 more" in applier.cli("conflicts list", "--limit", "5").text
    pair.target.psql("UPDATE t SET v = 'changed since' WHERE id = 55")
    result = resolve(applier, "--all", "--table", "public.t", "--kind", "insert_exists", "--overwrite", code=Exit.conflict)
    assert result.out.count("updated") == 10 and result.out.count("NOT resolved") == 1
    assert pair.target.scalar("SELECT count(*) FROM t WHERE v = 'source'") == 10
    assert pair.target.scalar("SELECT v FROM other") == "target"
    assert "nothing to do" in resolve(applier, "--all", "--kind", "delete_missing", "--replay").text
    resolve(applier, "--all", "--overwrite", "--force")
    pair.compare()
    assert "no conflict waits" in resolve(applier, "--all", "--overwrite").text


def test_values_too_long_for_a_record_come_from_the_source(pair):
    applier, (conflict,) = kept(pair, source="INSERT INTO t VALUES (50, 'y', repeat('long ', 20000))",
                                tables=[{"name": "public.t", "rename": "there"}], target="INSERT INTO there VALUES (50, 'x', 'by the target')")
    assert shown(applier, conflict)["table"] == "there"
    assert "as the source has it now" in resolve(applier, conflict, "--overwrite").text
    assert pair.target.sql("SELECT u, length(v) FROM there WHERE id = 50") == [("y", 100000)]


def test_values_too_long_for_a_record_refuse_without_the_source(pair):
    applier, (conflict,) = kept(pair, source="INSERT INTO t VALUES (50, 'y', repeat('long ', 20000))")
    pair.source.psql("UPDATE t SET id = 51, u = 'moved' WHERE id = 50")
    applier.wait_caught_up()
    pair.target.psql("DELETE FROM t WHERE id = 51; INSERT INTO t VALUES (50, 'x', 'by the target') ON CONFLICT DO NOTHING")
    result = resolve(applier, conflict, "--overwrite", "--force", code=Exit.conflict)
    assert "too long" in result.text and "no longer has the row" in result.text
    resolve(applier, conflict, "--edit", '{"v": "short", "u": "w"}', "--force")
    assert pair.target.sql("SELECT * FROM t WHERE id = 50") == [(50, "w", "short")]


def test_a_value_that_did_not_travel_comes_from_the_source(pair):
    table = """CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
        INSERT INTO t SELECT i, 'v', repeat('x', 10000) FROM generate_series(1, 5) i"""
    applier, (conflict,) = kept(pair, table=table, conflict={"update_missing": "ignore"}, target="DELETE FROM t WHERE id = 2",
                                source="UPDATE t SET v = 'w' WHERE id = 2")
    assert "as the source has it now" in resolve(applier, conflict, "--replay").text
    pair.compare()


def test_rows_of_every_type_come_back_exactly(pair):
    table = """CREATE TYPE mood AS ENUM ('sad', 'o''k "x"'); CREATE TYPE pair_of AS (a int, b text[]); CREATE DOMAIN sure AS text NOT NULL;
        CREATE TABLE t (a uuid, b int GENERATED ALWAYS AS IDENTITY, n numeric, f float8, f4 float4, ts timestamptz, tp timestamp, d date, i interval, tm timetz, bytes bytea,
            j jsonb, arr text[], grid int[][], e mood, es mood[], c pair_of, s sure, rng int4range, m money, bits varbit, ch char(5), "Quoted ""name" text,
            calc int GENERATED ALWAYS AS (b * 2) STORED, ip inet, x xml, PRIMARY KEY (a, b))"""
    rows = """INSERT INTO t (a, b, n, f, f4, ts, tp, d, i, tm, bytes, j, arr, grid, e, es, c, s, rng, m, bits, ch, "Quoted ""name", ip, x) OVERRIDING SYSTEM VALUE VALUES
        ('11111111-1111-1111-1111-111111111111', 7, 1.500, 0.1, 1e-30, '2026-01-02 03:04:05.678901+02', 'infinity', '0044-03-15 BC', '1 year 2 days 3.5 s', '10:00:00+05:30', '\\x00ff',
         '{"a": [1.10, "é\\u0001"], "b": null}', '{a,NULL,"b,\\"c\\\\d"}', '{{1,2},{3,4}}', 'o''k "x"', '{sad}', '(1,"{x,NULL}")', 'sure', '[1,5)', '12.34', '1011', 'ab', 'line
break', '10.0.0.1/8', '<a b="c"/>'),
        ('11111111-1111-1111-1111-111111111111', 8, 'NaN', '-Infinity', '-0.5', '-infinity', '0001-01-01', 'infinity', '-1 mon', '00:00:00+00', '', '"text"', '{}', NULL, NULL, NULL, '(,)', '', 'empty', NULL, '', '', '', NULL, NULL)"""
    applier, ids = kept(pair, table=table, source=rows,
                        target="INSERT INTO t (a, b, s) OVERRIDING SYSTEM VALUE SELECT '11111111-1111-1111-1111-111111111111', g, 'target' FROM generate_series(7, 8) g")
    assert len(ids) == 2
    result = resolve(applier, *ids, "--overwrite")
    assert "source has it now" not in result.text
    pair.compare()


def test_columns_called_like_the_aliases_of_our_statements(pair):
    table = "CREATE TABLE t (t int PRIMARY KEY, r int, s text, x text, c text, k text, shown text)"
    applier, (conflict,) = kept(pair, table=table, source="INSERT INTO t VALUES (1, 2, 's', 'x', 'c', 'k', 'shown')", target="INSERT INTO t VALUES (1)")
    record = shown(applier, conflict)
    assert record["source_row"]["r"] == 2 and record["target_row"]["t"] == 1
    resolve(applier, conflict, "--overwrite")
    pair.compare()


def test_partitions_and_identities_that_are_always_generated(pair):
    table = """CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, part int, v text, twice int GENERATED ALWAYS AS (part * 2) STORED, PRIMARY KEY (id, part))
        PARTITION BY LIST (part); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2)"""
    applier, (first, second) = kept(pair, table=table, source="INSERT INTO t (id, part, v) OVERRIDING SYSTEM VALUE VALUES (7, 1, 'source'), (8, 1, 'source')",
                                    target="INSERT INTO t (id, part, v) OVERRIDING SYSTEM VALUE VALUES (7, 1, 'target'), (8, 1, 'target')")
    resolve(applier, first, "--overwrite")
    assert "partition constraint" in resolve(applier, second, "--edit", '{"part": 2}', code=Exit.conflict).text
    resolve(applier, second, "--edit", '{"id": 9}')
    assert pair.target.sql("SELECT id, part, v, twice FROM t ORDER BY 1") == [(7, 1, "source", 2), (9, 1, "source", 2)]


def test_constraints_that_the_session_does_not_enforce_are_checked(pair):
    table = "CREATE TABLE t (id int PRIMARY KEY, at int4range, u int UNIQUE DEFERRABLE, c int CHECK (c > 0), EXCLUDE USING gist (at WITH &&) DEFERRABLE); INSERT INTO t VALUES (1, '[0,5)', 1)"
    applier, (conflict,) = kept(pair, table=table, source="INSERT INTO t VALUES (2, '[10,15)', 2)", target="INSERT INTO t VALUES (2, '[20,25)', 3)")
    assert "t_at_excl" in resolve(applier, conflict, "--edit", '{"at": "[4,6)"}', code=Exit.conflict).text
    assert "holds a unique value" in resolve(applier, conflict, "--edit", '{"u": 1}', code=Exit.conflict).text
    assert "t_c_check" in resolve(applier, conflict, "--edit", '{"c": 0}', code=Exit.conflict).text
    resolve(applier, conflict, "--overwrite")
    pair.compare()


def test_a_table_without_a_key(pair):
    table = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, NULL)"
    applier, (conflict,) = kept(pair, table=table, conflict={"update_missing": "ignore"}, target="DELETE FROM t WHERE a = 2",
                                source="UPDATE t SET b = 'y' WHERE a = 2")
    resolve(applier, conflict, "--replay")
    pair.compare()


def test_a_replayed_row_carries_an_origin_of_the_task_and_an_edited_one_none(pair):
    applier, (first, second) = kept(pair, source="INSERT INTO t VALUES (50, 'y', 's'), (51, 'z', 's')",
                                    target="INSERT INTO t VALUES (50, 'x', 't'), (51, 'w', 't')")
    resolve(applier, first, "--overwrite")
    resolve(applier, second, "--edit", '{"v": "edited"}')
    origins = pair.target.sql("SELECT t.id, o.roname FROM t LEFT JOIN pg_replication_origin o ON o.roident = (pg_xact_commit_timestamp_origin(t.xmin)).roident WHERE id >= 50 ORDER BY 1")
    assert origins == [(50, f"walbridge_{applier.name}:inbox"), (51, None)]
    applier.stop()
    applier.cli("release", "--yes", check=True)
    assert pair.target.sql("SELECT roname FROM pg_replication_origin WHERE roname LIKE %s", (f"walbridge\\_{applier.name}%",)) == []


def test_code_of_the_tables_owner_does_not_run_as_the_operator(pair):
    pair.source.psql(TABLE)
    applier = pair.run(conflict=IGNORE)
    pair.target.psql(f"""DROP ROLE IF EXISTS {pair.name}_owner; CREATE ROLE {pair.name}_owner; GRANT ALL ON SCHEMA public TO {pair.name}_owner;
        CREATE EXTENSION walbridge; CREATE TABLE seen (who name); ALTER TABLE seen OWNER TO {pair.name}_owner;
        CREATE FUNCTION peek(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN true; END $$;
        ALTER TABLE t OWNER TO {pair.name}_owner; ALTER TABLE t ADD CHECK (peek(v)); DELETE FROM seen; INSERT INTO t VALUES (50, 'x', 'by the target'); DELETE FROM seen""")
    pair.source.psql("INSERT INTO t VALUES (50, 'y', 'by the source')")
    applier.wait_caught_up()
    try:
        (record,) = listed(applier)
        resolve(applier, record["id"], "--overwrite")
        assert pair.target.scalar("SELECT v FROM t WHERE id = 50") == "by the source"
        assert pair.target.sql("SELECT DISTINCT who FROM seen") == [(f"{pair.name}_owner",)]
    finally:
        applier.stop()
        pair.target.psql(f"DROP TABLE t, seen CASCADE; REVOKE ALL ON SCHEMA public FROM {pair.name}_owner; DROP ROLE {pair.name}_owner")


# -- counts, retention, usage -----------------------------------------------------------------------------------------

def test_the_status_counts_by_table_and_kind(pair):
    applier, _ = kept(pair)
    expected = {"schema": "public", "table": "t", "kind": "insert_exists", "outcome": "kept target", "count": 1}
    applier.wait_until(lambda: applier.status()["conflicts"]["since_start"] == [expected], what="the conflict is counted")
    assert "1 insert_exists in public.t: kept target" in applier.cli("status").text
    assert applier.status()["conflicts_recorded"] == 1
    applier.stop()
    applier.start()
    applier.wait_state("running")
    applier.wait_until(lambda: applier.status()["conflicts"]["since_start"] == [], what="a new process counts anew")


def test_old_records_go_and_open_ones_stay(pair):
    applier, (conflict,) = kept(pair, conflict={"policy": "ignore", "keep": "3s"})
    applier.wait_until(lambda: listed(applier) == [], what="the record is removed")
    applier.stop()
    applier.document["conflict"]["policy"] = "fail"
    applier.write_task()
    applier.start()
    applier.wait_state("running")
    pair.target.psql("INSERT INTO t VALUES (100, 'taken', 'by the target')")
    pair.source.psql("INSERT INTO t VALUES (101, 'taken', 'by the source')")
    assert applier.wait_exit() == Exit.conflict
    (record,) = listed(applier, "--open")
    pair.target.psql("UPDATE walbridge.conflict SET at = at - interval '1 hour'")
    assert applier.start().wait_exit() == Exit.conflict
    assert [one["id"] for one in listed(applier, "--open")] == [record["id"]]
    pair.target.psql("DELETE FROM t WHERE id = 100")
    applier.start()
    applier.wait_caught_up()
    applier.wait_until(lambda: listed(applier) == [], what="the record goes when its transaction is applied")
    assert pair.target.scalar("SELECT v FROM t WHERE id = 101") == "by the source"


def test_the_records_are_kept_when_asked_to(pair):
    applier, (conflict,) = kept(pair, conflict={"policy": "ignore", "keep": "0s"})
    pair.target.psql("UPDATE walbridge.conflict SET at = at - interval '1000 days'")
    applier.stop()
    applier.start()
    applier.wait_state("running")
    assert [one["id"] for one in listed(applier)] == [conflict]


def test_what_cannot_be_asked_is_refused(pair):
    applier, (conflict,) = kept(pair)
    for words in [["conflicts resolve"], ["conflicts resolve", "--skip"], ["conflicts resolve", "--all"], ["conflicts list", "--skip"],
                  ["conflicts resolve", "--all", "--skip", "--overwrite"], ["conflicts resolve", "--all", "--edit", "[]"],
                  ["conflicts list", "--since", "yesteryear"], ["conflicts list", "--limit", "few"]]:
        assert applier.cli(*words).code == Exit.usage, words
    assert resolve(applier, conflict, "--edit", '{"nope": 1}', code=Exit.usage).text.count("nope")
    assert "id" in resolve(applier, conflict, "--edit", '{"id": "one"}', code=Exit.usage).text
    assert "none of that id" in resolve(applier, 999, "--skip", code=Exit.task_state).text
    assert "none of that id" in applier.cli("conflicts show", after=["x"]).text
    assert json.loads(applier.cli("conflicts list", "--kind", "delete_missing", "--json").out) == []
