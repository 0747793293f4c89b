"""Equality of a PostgreSQL database and its copy on MySQL or MariaDB, table by table, as multisets of rows, value by value.

The source's values are read in the text form that COPY writes, the target's as text, and mysql_values.py says what each must be.
"""
import io
import re
from collections import Counter

from . import compare as compare_module
from .cluster import quote as pg_quote
from .compare import Difference, tables_of
from .mysql import quote
from .mysql_values import SourceColumn, TargetColumn, expected, found, select_expression

SOURCE_COLUMNS = """WITH RECURSIVE base AS (
  SELECT a.attnum, a.attname, t.typname, t.typtype, t.typbasetype
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
  SELECT b.attnum, b.attname, t.typname, t.typtype, t.typbasetype
  FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
SELECT attname, typname FROM base WHERE typtype <> 'd' ORDER BY attnum"""

TARGET_COLUMNS = """SELECT column_name, data_type, coalesce(numeric_scale, 0), coalesce(datetime_precision, 0)
FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"""

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
SHOWN_ROWS = 8


def unescape(field):
    """A field of COPY's text format; None for NULL."""
    if field == "\\N":
        return None
    if "\\" not in field:
        return field
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), field, flags=re.DOTALL)


def source_rows(cursor, relation, columns):
    """Rows of texts, as COPY writes them."""
    into = io.StringIO()
    cursor.copy_expert(f"COPY (SELECT {', '.join(pg_quote(c.name) for c in columns)} FROM {relation}) TO STDOUT", into)
    into.seek(0)
    for line in into:
        yield tuple(unescape(field) for field in line.removesuffix("\n").split("\t")) if columns else ()


def target_name(target, schema, name):
    """(database, table) of a table of the source, when nothing is renamed."""
    return (target.name if schema == "public" else schema), name


def compare(source, target, tables=None, ignore_tables=(), ignore_columns=(), names=None, lossy=None):
    """As compare.compare(), with a MysqlDatabase as the target. names: what (schema, name) is called there as (database, table).
    lossy: {"schema.table.column": function of the source's text} where a policy changes values: its result is what is expected."""
    wrong, counts = [], {}
    left, right = source.connect(), target.connect()
    try:
        left.set_client_encoding("UTF8")
        here, there = left.cursor(), right.cursor()
        here.execute(compare_module.SETTINGS)
        for schema, name in tables if tables is not None else without_partitioned(here, tables_of(source)):
            label = f"{schema}.{name}"
            if label in ignore_tables:
                continue
            here.execute(SOURCE_COLUMNS, (f"{pg_quote(schema)}.{pg_quote(name)}",))
            columns = [SourceColumn(*row) for row in here.fetchall() if row[0] not in ignore_columns]
            database, table = names(schema, name) if names else target_name(target, schema, name)
            there.execute(TARGET_COLUMNS, (database, table))
            present = {name: TargetColumn(name, kind, int(scale), int(fraction)) for name, kind, scale, fraction in there.fetchall()}
            if not present:
                wrong.append(f"{label}: no table {database}.{table} on the target")
                continue
            if missing := [c.name for c in columns if c.name not in present]:
                wrong.append(f"{label}: target has no column {', '.join(missing)}")
                continue
            targets = [present[c.name] for c in columns]
            changed = [(lossy or {}).get(f"{label}.{c.name}", lambda text: text) for c in columns]
            ours = Counter(tuple(expected(c, t, change(value)) for c, t, change, value in zip(columns, targets, changed, row))
                           for row in source_rows(here, f"{pg_quote(schema)}.{pg_quote(name)}", columns))
            expressions = [select_expression(t, quote(t.name)) for t in targets]
            there.execute(f"SELECT {', '.join(expressions) or '1'} FROM {quote(database)}.{quote(table)}")
            theirs = Counter(tuple(found(c, t, as_text(value)) for c, t, value in zip(columns, targets, row)) for row in there.fetchall())
            counts[label] = sum(ours.values())
            if ours != theirs:
                wrong.append(describe(label, columns, targets, ours, theirs))
    finally:
        left.rollback()
        left.close()
        right.close()
    if wrong:
        raise Difference(f"{source} and {target} differ in {len(wrong)} tables\n" + "\n".join(wrong))
    return counts


def without_partitioned(cursor, tables):
    """Partitions hold the rows; their parent shows them once more."""
    cursor.execute("SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p'")
    parents = {tuple(row) for row in cursor.fetchall()}
    return [table for table in tables if table not in parents]


def as_text(value):
    """pymysql gives text of some functions as bytes."""
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def describe(label, columns, targets, ours, theirs):
    only_ours, only_theirs = ours - theirs, theirs - ours
    types = ", ".join(f"{c.name} {c.base} as {t.type}" for c, t in zip(columns, targets))
    lines = [f"{label} ({types}): {sum(ours.values())} rows on the source, {sum(theirs.values())} on the target; {sum(only_ours.values())} only on "
             f"the source, {sum(only_theirs.values())} only on the target"]
    for sign, rows in (("-", only_ours), ("+", only_theirs)):
        for row in sorted(rows, key=repr)[:SHOWN_ROWS]:
            lines.append(f"  {sign} (" + ", ".join("NULL" if value is None else repr(value[:200]) for value in row) + ")")
    return "\n".join(lines)
