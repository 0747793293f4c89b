# Copy and stream evaluate the same text by two ways, in a SELECT and in a walsender, and the target must not show by which way a row
# came: random expressions over columns of every built-in type, as values and as filters, against a query of the source.
import contextlib
import json
import os

import psycopg2
import pytest
from walbridge_testing.expressions import ROWS, TABLE, Generator
from walbridge_testing.fixtures import SOAK

SEEDS = [int(os.environ.get("WALBRIDGE_SEED", "1")) + n for n in range(10 if SOAK else 2)]
COLUMNS = 120 if SOAK else 60
SETTINGS = "-c search_path=pg_catalog -c datestyle=ISO,YMD -c intervalstyle=postgres -c bytea_output=hex -c lc_monetary=C -c timezone=UTC"


def accepted(pair, expressions):
    rules = json.dumps([{"table": TABLE, "columns": {f"e{n}": e.text for n, e in enumerate(expressions)}}])
    found = []
    for name, type_name, problem in pair.source.sql("SELECT column_name, type, problem FROM walbridge.examine_rules(%s) WHERE item = 'column'", (rules,)):
        if not problem:
            expressions[int(name[1:])].type = type_name
            found.append(expressions[int(name[1:])])
    return found


@contextlib.contextmanager
def session(database):
    connection = psycopg2.connect(database.url(), options=SETTINGS)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def works(cursor, expression):
    """For every row, and its value has a text that is read back: some of the server's functions make texts that hold a zero byte."""
    try:
        cursor.execute(f"SELECT count(({expression.text}\n)::text::{expression.type}), bool_and(coalesce(position('\\x00'::bytea IN "
                       f"textsend(({expression.text}\n)::text)) = 0, true)) FROM {TABLE}")
        return cursor.fetchone()[1]
    except psycopg2.Error:
        return False


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_that_came_by_copy_and_by_stream_hold_what_the_source_computes(pair, seed):
    generator = Generator(pair.source, seed)
    others = ", ".join(f"{column} = o.{column}" for column in generator.columns.values())
    pair.source.psql(generator.setup() + generator.rows() + f"ALTER TABLE {TABLE} REPLICA IDENTITY FULL;")
    candidates = [e for e in (generator.any_of_all(0) for _ in range(12 * COLUMNS)) if e]
    with session(pair.source) as cursor:
        usable = [e for e in accepted(pair, candidates) if works(cursor, e)]
    filters = [e for e in usable if e.type == "boolean"]
    chosen = generator.random.sample(usable, min(COLUMNS, len(usable)))
    assert len(chosen) >= COLUMNS // 2 and len(filters) >= 2, (len(usable), len(filters))
    first, second = generator.random.sample(filters, 2)
    where = f"id % 7 <> 3 AND ((({first.text}\n) IS NOT FALSE) OR (({second.text}\n)))"
    columns = {f"e{n}": e.text for n, e in enumerate(chosen)}
    applier = pair.run(tables=[{"name": TABLE, "where": where, "include_columns": ["id"], "columns": columns}])
    every = ", ".join(generator.columns.values())
    again = f"INSERT INTO {TABLE} (id, {every}) SELECT id + 100, {every} FROM {TABLE} WHERE id < {ROWS}"
    pair.source.psql(f"""{again}; UPDATE {TABLE} t SET {others} FROM {TABLE} o WHERE o.id = (t.id + 1) % {ROWS} AND t.id < {ROWS};
        UPDATE {TABLE} SET id = id + 1 WHERE id > 100 AND id % 2 = 0 AND id < 0; DELETE FROM {TABLE} WHERE id = 2; UPDATE {TABLE} SET id = id + 1000 WHERE id IN (4, 105);""")
    applier.wait_caught_up(90)

    def rows(database, query):
        with session(database) as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    there = rows(pair.target, "SELECT id, " + ", ".join(f"{name}::text" for name in columns) + f" FROM {TABLE} ORDER BY 1")
    here = rows(pair.source, "SELECT id, " + ", ".join(f"({e.text}\n)::text" for e in chosen) + f" FROM {TABLE} WHERE {where} ORDER BY 1")
    assert [row[0] for row in there] == [row[0] for row in here]
    for expression, place in zip(chosen, range(1, len(chosen) + 1)):
        assert [row[place] for row in there] == [row[place] for row in here], f"{expression.text} :: {expression.type}"
