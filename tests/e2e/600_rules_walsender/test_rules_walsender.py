# An expression that passes the plugin's check and then crashes a walsender takes the whole source down with it; one whose value differs
# from the copy's SELECT leaves tables that never agree.
import contextlib
import io
import itertools
import json
import os
import re
import select
import time

import psycopg2
import psycopg2.extras
import pytest
from walbridge_testing.cluster import Cluster
from walbridge_testing.expressions import TABLE, Generator
from walbridge_testing.fixtures import SOAK
from walbridge_testing.waiting import wait_until

# Another seed makes other expressions; the long form (make soak) also demands that every function was called.
SEED = int(os.environ.get("WALBRIDGE_SEED", "1"))
SOAK_ROUNDS = int(os.environ.get("WALBRIDGE_ROUNDS", "8"))
# As decoding has them; the rest is up to the session.
SETTINGS = ("-c search_path=pg_catalog -c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex "
            "-c lc_monetary=C -c timezone=UTC -c statement_timeout=20s")
SLOT = "expressions"


@pytest.fixture(scope="module")
def server():
    cluster = Cluster("expressions", {"restart_after_crash": "off", "max_wal_senders": 10})
    cluster.start()
    cluster.psql("CREATE EXTENSION walbridge; CREATE TABLE the_end (id serial PRIMARY KEY)")
    yield cluster
    cluster.destroy()


class Stream:
    """One START_REPLICATION from the slot's position to a row of the_end. It confirms nothing: the next one reads the same. A walsender of its own, that knows nothing yet."""

    def __init__(self, server, slot, rules, memory="64MB", **options):
        self.lines, self.error, self.raw = [], None, []
        options = {"format": "json", **options, "rules": rules}
        words = ", ".join(f"\"{key}\" '" + value.replace("'", "''") + "'" for key, value in options.items())
        connection = psycopg2.connect(host="127.0.0.1", port=server.port, dbname="postgres", user="postgres", options=f"-c logical_decoding_work_mem={memory}",
                                      connection_factory=psycopg2.extras.LogicalReplicationConnection)
        deadline = time.monotonic() + 120
        try:
            cursor = connection.cursor()
            while True:
                try:
                    cursor.start_replication_expert(f"START_REPLICATION SLOT {slot} LOGICAL 0/0 ({words})", decode=False)
                    break
                except psycopg2.errors.ObjectInUse:         # the walsender before this one is still leaving
                    time.sleep(0.01)
            while b"the_end" not in (self.raw or [b""])[-1]:
                assert time.monotonic() < deadline, "the stream does not come to an end"
                message = cursor.read_message()
                if message is None:
                    select.select([cursor], [], [], 0.05)
                    continue
                self.raw.append(bytes(message.payload))
        except psycopg2.Error as error:
            self.error = error
        finally:
            connection.close()
        if options["format"] == "json":
            self.lines = [json.loads(line.decode(errors="surrogateescape"), parse_int=str, parse_float=str) for line in self.raw]

    def rows(self):
        return [line["new"] for line in self.lines if line["kind"] == "insert"]


@contextlib.contextmanager
def slot_of(server, name):
    server.sql("SELECT pg_create_logical_replication_slot(%s, 'walbridge')", (name,))
    try:
        yield name
    finally:
        wait_until(lambda: not server.scalar("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (name,)), 10, "the walsender leaves")
        server.sql("SELECT pg_drop_replication_slot(%s)", (name,))


def end(server):
    """What a stream stops at."""
    server.sql("INSERT INTO the_end DEFAULT VALUES")


def rules_of(expressions=(), **more):
    return json.dumps([{"table": TABLE, "include_columns": ["id"], "columns": {f"e{n}": e.text for n, e in enumerate(expressions)}, **more}])


def assert_alive(server, started, what):
    log = server.log.read_text(errors="replace")
    died = re.search("terminated by signal|PANIC", log)
    assert not died and server.is_running(), f"the server died over {what}\n{log[-3000:]}"
    assert server.scalar("SELECT pg_postmaster_start_time()") == started


def batches(things, size):
    for start in range(0, len(things), size):
        yield things[start:start + size]


def examined(server, expressions):
    """Keeps those that rules may hold, and their types; the refused ones by reason."""
    accepted, refused = [], []
    for batch in batches(expressions, 500):
        rows = server.sql("SELECT column_name, type, problem FROM walbridge.examine_rules(%s) WHERE item = 'column'", (rules_of(batch),))
        for name, type_name, problem in rows:
            expression = batch[int(name[1:])]
            expression.type = type_name
            (refused if problem else accepted).append((expression, problem))
    return [e for e, _ in accepted], refused


def unescape(text):
    if text == "\\N":
        return None
    marks = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
    return re.sub(r"\\(.)", lambda m: marks.get(m[1], m[1]), text)


class Copy:
    """What the copy's SELECT says, through the types' output functions."""

    def __init__(self, server):
        self.connection = psycopg2.connect(host="127.0.0.1", port=server.port, dbname="postgres", user="postgres", options=SETTINGS)
        self.connection.autocommit = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def rows(self, expressions, where="true"):
        out = io.BytesIO()
        texts = "".join(f", ({e.text}\n)" for e in expressions)
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT id{texts} FROM ONLY {TABLE} WHERE ({where}\n) ORDER BY id) TO STDOUT", out)
        # Only a newline ends a row: the text of a value may hold what other ways of splitting take for one.
        text = out.getvalue().decode(errors="surrogateescape")     # a "char" may hold half of a character
        return [[unescape(cell) for cell in line.split("\t")] for line in text.split("\n")[:-1]]

    def try_out(self, expression):
        try:
            self.rows([expression])
        except psycopg2.Error as error:
            expression.fails = f"{error.pgcode} {error}"
        return expression.fails is None


def shown(value):
    return {True: "t", False: "f"}.get(value, value) if isinstance(value, bool) else value


def compare(server, copy, expressions, started):
    """All of them over all rows, some hundred at a time."""
    for batch in batches(expressions, 250):
        expected = copy.rows(batch)
        stream = Stream(server, SLOT, rules_of(batch))
        assert_alive(server, started, [e.text for e in batch])
        if stream.error is not None:
            pytest.fail(f"decoding fails where SELECT does not: {stream.error}")
        rows = stream.rows()
        assert len(rows) == len(expected)
        for row, copied in zip(rows, expected):
            for n, expression in enumerate(batch):
                assert shown(row[f"e{n}"]) == copied[n + 1], f"row {row['id']}: {expression.text}"


def fail_alike(server, expressions, started):
    """Those that fail for a row do so in decoding too, as an error and nothing worse."""
    for expression in expressions:
        stream = Stream(server, SLOT, rules_of([expression]))
        assert_alive(server, started, expression.text)
        assert stream.error is not None and stream.error.pgcode == "WB002", f"{expression.text}: {stream.error} ({expression.fails})"


def filter_alike(server, copy, conditions, started):
    for condition in conditions:
        expected = [row[0] for row in copy.rows([], condition.text)]
        stream = Stream(server, SLOT, json.dumps([{"table": TABLE, "include_columns": ["id"], "where": condition.text}]))
        assert_alive(server, started, condition.text)
        assert stream.error is None, f"{condition.text}: {stream.error}"
        assert [row["id"] for row in stream.rows()] == expected, condition.text


def test_random_expressions_give_what_select_gives_and_never_end_the_server(server):
    began = time.monotonic()
    generator = Generator(server.database("postgres"), SEED)
    assert not generator.unknown_types, "types of the system without values in expressions.py"
    server.psql(generator.setup())
    server.sql("SELECT pg_create_logical_replication_slot(%s, 'walbridge')", (SLOT,))
    server.psql(generator.rows())
    end(server)
    started = server.scalar("SELECT pg_postmaster_start_time()")
    variants, rounds, per_round, failing, conditions = (12, SOAK_ROUNDS, 1500, 600, 300) if SOAK else (1, 1, 600, 60, 40)

    names = {shown: name for shown, name in server.sql("SELECT format_type(oid, -1), typname::text FROM pg_type WHERE oid < 16384")}
    names["public.mood"], names["public.mood[]"] = "mood", "_mood"
    covered, seen, refused_of = set(), 0, {}
    with Copy(server) as copy:
        # Every function, operator and cast by itself, then whatever comes of putting them together.
        first = [make(thing) for _ in range(variants)
                 for make, things in ((generator.call, generator.functions), (generator.operate, generator.operators),
                                      (generator.cast, generator.casts)) for thing in things]
        later = ([generator.any_of_all(depth=1) for _ in range(per_round)] for _ in range(rounds))
        for number, made in enumerate(itertools.chain([first], later)):
            expressions = list({e.text: e for e in made if e is not None}.values())
            accepted, refused = examined(server, expressions)
            assert_alive(server, started, "examine_rules")
            for expression, problem in refused:
                for function in expression.functions:
                    refused_of.setdefault(function, f"{expression.text}: {problem}")
            good = [e for e in accepted if copy.try_out(e)]
            bad = [e for e in accepted if e.fails and "57014" not in e.fails]       # but for those that take too long
            compare(server, copy, good, started)
            missing = [e for e in bad if not e.functions <= covered | {f for g in good for f in g.functions}]
            generator.random.shuffle(bad)
            tried = (missing if SOAK else []) + bad[:failing]
            fail_alike(server, tried, started)
            truths = [e for e in good if e.type == "boolean"]
            generator.random.shuffle(truths)
            filter_alike(server, copy, truths[:conditions], started)
            generator.learn(good, names)
            covered |= {f for e in itertools.chain(good, tried) for f in e.functions}
            seen += len(good)
            print(f"round {number}: {len(expressions)} made, {len(accepted)} accepted, {len(good)} compared, {len(bad)} fail "
                  f"({time.monotonic() - began:.0f} s)")
    eligible = {oid: name for oid, name, *_ in generator.functions}
    left = set(eligible) - covered - generator.out_of_reach()
    print(f"{seen} expressions compared, {len(set(eligible) & covered)} of {len(eligible)} functions, "
          f"{len(generator.out_of_reach())} out of reach")
    reasons = "\n".join(f"{eligible[oid]} ({oid}): {refused_of.get(oid, 'no call was made')}" for oid in sorted(left))
    print(reasons)
    if SOAK:
        assert not left, reasons


SECRETS = """
    CREATE TABLE person (id int PRIMARY KEY, email text, number text, diary text, note text);
    ALTER TABLE person ALTER diary SET STORAGE EXTERNAL;
    CREATE TABLE person_full (LIKE person INCLUDING ALL);
    ALTER TABLE person_full REPLICA IDENTITY FULL;
    CREATE TABLE person_key (number text PRIMARY KEY, note text)"""
MASKS = {"email": "md5(email)", "diary": "left(diary, 3)", "kept": "length(diary)"}


def secret(what):
    return f"hush-{what}-hush"


def long_secret(what):
    return f"hu {secret(what)}" + "x" * 9000


@pytest.mark.parametrize("table, where", itertools.product(["person", "person_full"], [None, "id < 100"]))
def test_what_is_masked_or_left_out_is_not_in_the_stream(server, table, where):
    server.psql("DROP TABLE IF EXISTS person, person_full, person_key;" + SECRETS)
    with slot_of(server, "secrets") as slot:
        def change(statement, *values):
            server.sql(statement.replace("$t", table), values)

        change("INSERT INTO $t VALUES (1, %s, %s, %s, 'note'), (200, %s, %s, %s, 'note')", secret("i1"), secret("i2"), long_secret("i3"),
               secret("i4"), secret("i5"), long_secret("i6"))
        change("UPDATE $t SET email = %s WHERE id = 1", secret("u1"))
        change("UPDATE $t SET note = 'other'")                      # the diary is unchanged
        change("UPDATE $t SET diary = %s, number = %s", long_secret("u2"), secret("u3"))
        change("UPDATE $t SET id = id + 1, email = %s", secret("u4"))
        change("UPDATE $t SET id = 99, email = %s, diary = %s WHERE id = 201", secret("u5"), long_secret("u6"))
        change("UPDATE $t SET id = 199 WHERE id = 2")               # out of the filter
        change("UPDATE $t SET id = 2 WHERE id = 199")               # and back
        change("DELETE FROM $t")
        end(server)
        rule = {"table": f"public.{table}", "columns": MASKS, "exclude_columns": ["number"]} | ({"where": where} if where else {})
        binary = {"format": "binary", "proto_version": "1"}
        masked = Stream(server, slot, json.dumps([rule]), **binary)
        plain = Stream(server, slot, "[]", **binary)
        assert masked.error is None and plain.error is None
        assert b"".join(plain.raw).count(b"hush-") > 10, "there is something to hide"
        assert b"note" in b"".join(masked.raw) and b"hush" not in b"".join(masked.raw)
        lines = Stream(server, slot, json.dumps([rule]))
        assert lines.error is None and "hush" not in json.dumps(lines.lines)


def test_errors_do_not_say_what_is_masked(server):
    """The whole of an error goes to whoever reads the stream."""
    server.psql("DROP TABLE IF EXISTS person, person_full, person_key;" + SECRETS)
    with slot_of(server, "errors") as slot:
        server.sql("INSERT INTO person VALUES (7, %s, %s, %s, 'note')", (secret("e1"), secret("e2"), long_secret("e3")))
        server.sql("INSERT INTO person_key VALUES (%s, 'note')", (secret("k1"),))
        end(server)

        def error(table, **rule):
            found = Stream(server, slot, json.dumps([{"table": f"public.{table}", **rule}])).error
            assert found is not None and found.pgcode == "WB002" and "hush" not in str(found)
            return str(found)

        # what it reads does not travel as it is: the reason is a kind of error, the row is named by its key
        text = error("person", where="email::int > 0", columns=MASKS)
        assert "22P02" in text and "(id)=(7)" in text and "email::int > 0" in text and 'table "public.person"' in text
        text = error("person", columns={"email": "email::int::text"})
        assert "22P02" in text and 'column "email"' in text
        text = error("person", columns={"id": "id + email::int"})
        assert "(id)" not in text                                   # the key is masked itself
        text = error("person_key", columns={"number": "number::int::text"})
        assert "Row" not in text
        # what travels anyway may be shown
        found = Stream(server, slot, json.dumps([{"table": "public.person", "where": "email::int > 0"}])).error
        assert secret("e1") in str(found)
        # and the operator of the source finds the reason in the log
        assert "invalid input syntax" in server.log.read_text() and "a rule failed for a row" in server.log.read_text()


IN_PROGRESS = """CREATE TYPE feeling AS ENUM ('sad', 'ok', 'happy'); CREATE TYPE place AS (x int, y text);
CREATE TABLE under_way (id int PRIMARY KEY, note text, tags text[], span int4range, feels feeling, at place, data jsonb, amount numeric); ALTER TABLE under_way REPLICA IDENTITY FULL;"""
ROWS = """INSERT INTO under_way SELECT i, 'note ' || i, ARRAY['a', (i % 3)::text], int4range(i % 5, 9), (enum_range(NULL::feeling))[1 + i % 3], ROW(i % 4, 'y'::text)::place, jsonb_build_object('k', i % 6), i % 7
    FROM generate_series(1, 2000) i"""


@pytest.mark.parametrize("where", [
    "id <= 20", "note LIKE '%7'", "tags = ARRAY['a', '1']", "tags < ARRAY['a', '1']", "'2' = ANY (tags)", "span = int4range(1, 9)", "span && int4range(0, 2)", "feels = 'ok'", "feels > 'sad'",
    "data = '{\"k\": 3}'", "amount IN (1, 2.0, 5)", "ROW(id, note) < ROW(500, 'x')", "id BETWEEN 5 AND 9 OR note IS NULL"])
def test_the_first_that_a_walsender_sees_is_in_progress(server, where):
    """Its catalogs are looked up between the rows of another lookup, which the server does not allow then by itself."""
    try:
        server.psql(IN_PROGRESS)
        with slot_of(server, "in_progress"), contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(ROWS)
            end(server)
            rules = json.dumps([{"table": "public.under_way", "where": where, "columns": {"more": "tags || 'b'::text"}}])
            stream = Stream(server, "in_progress", rules, memory="64kB", streaming="on")
            assert stream.error is None, stream.error
            assert {"stream_start", "stream_stop"} <= {line["kind"] for line in stream.lines}
            there = len([row for row in stream.rows() if "note" in row])
            cursor.execute(f"SELECT count(*) FROM under_way WHERE {where}")
            (whole,) = cursor.fetchone()
            cursor.execute(f"SELECT count(*) FROM under_way WHERE id <= 1000 AND ({where})")
            assert cursor.fetchone()[0] <= there <= whole
            assert there > 0
    finally:
        server.psql("DROP TABLE under_way; DROP TYPE feeling, place")


def test_a_transaction_that_has_rolled_back_leaves_nothing(server):
    """Its catalogs were never anybody's; what comes behind it is read under the ones that are."""
    rules = json.dumps([{"table": "public.under_way", "where": "tags = ARRAY['a', '1']"}])
    try:
        server.psql(IN_PROGRESS)
        with slot_of(server, "in_progress"):
            server.psql(f"BEGIN; {ROWS}; ALTER TABLE under_way DROP COLUMN data; ALTER TABLE under_way ADD COLUMN data int; INSERT INTO under_way (id, note, tags, data) SELECT i, 'n', ARRAY['a', '1'], i FROM generate_series(5001, 7000) i; ROLLBACK;"
                        "INSERT INTO under_way VALUES (9001, 'after', ARRAY['a', '1'], NULL, NULL, NULL, '{}', 1);")
            end(server)
            stream = Stream(server, "in_progress", rules, memory="64kB", streaming="on")
            assert stream.error is None, stream.error
            ends = [line for line in stream.lines if line["kind"] == "stream_commit"]
            assert not ends
            after = [row for row in stream.rows() if row.get("note") == "after"]
            assert [row["data"] for row in after] == ["{}"]
    finally:
        server.psql("DROP TABLE under_way; DROP TYPE feeling, place")
