"""Row by row equality of two databases: every table as a multiset of rows, judged by text that both servers write alike.

A first pass adds up 128 bits of md5 per row on each side (no sort, any size). Only a table that differs is read again,
to show which rows. Rows are converted to UTF-8 before hashing, so a LATIN1 source compares with a UTF-8 target.
"""
from collections import Counter

from .cluster import quote

SETTINGS = """SET extra_float_digits = 3; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC';
SET bytea_output = 'hex'; SET search_path = pg_catalog; SET row_security = off; SET statement_timeout = 0"""

TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT IN ('information_schema', 'walbridge')
  AND n.nspname NOT LIKE 'pg\\_%%'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2"""

COLUMNS = """SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


class Difference(AssertionError):
    pass


class _Side:
    def __init__(self, database):
        self.connection = database.connect()
        self.connection.set_client_encoding("UTF8")
        self.cursor = self.connection.cursor()
        self.cursor.execute(SETTINGS)
        self.cursor.execute("SHOW server_encoding")
        self.utf8 = self.cursor.fetchone()[0] == "UTF8"

    def rows(self, statement, parameters=None):
        self.cursor.execute(statement, parameters)
        return self.cursor.fetchall()

    def row_text(self, columns):
        return "ROW(" + ", ".join(f"t.{quote(c)}" for c in columns) + ")::text" if columns else "'()'::text"

    def hash_of(self, columns):
        text = self.row_text(columns)
        return f"md5({text})" if self.utf8 else f"md5(convert_to({text}, 'UTF8'))"

    def summary(self, relation, columns):
        half = "('x' || substr(h, {}, 16))::bit(64)::bigint"
        return self.rows(f"SELECT count(*), coalesce(sum({half.format(1)}), 0), coalesce(sum({half.format(17)}), 0) "
                         f"FROM (SELECT {self.hash_of(columns)} AS h FROM {relation} t OFFSET 0) x")[0]

    def hashes(self, relation, columns):
        return Counter(h for (h,) in self.rows(f"SELECT {self.hash_of(columns)} FROM {relation} t"))

    def rows_with(self, relation, columns, hashes, limit=8):
        return [text for (text,) in self.rows(
            f"SELECT left({self.row_text(columns)}, 400) FROM {relation} t WHERE {self.hash_of(columns)} = ANY(%s) "
            f"ORDER BY 1 LIMIT {limit}", (list(hashes)[:200],))]

    def close(self):
        self.connection.rollback()
        self.connection.close()


def tables_of(database):
    """Every permanent table and partitioned table as (schema, name), without walbridge's own."""
    return [tuple(row) for row in database.sql(TABLES)]


def compare(source, target, tables=None, ignore_tables=(), ignore_columns=(), names=None):
    """Raises Difference with the rows that differ. Returns {table: row count}. tables: [(schema, name)] or None for all
    of the source. Columns are matched by name. names: what (schema, name) is called on the target, for tasks that rename."""
    found, counts = [], {}
    a, b = _Side(source), _Side(target)
    try:
        for schema, name in tables if tables is not None else tables_of(source):
            label = f"{schema}.{name}"
            if label in ignore_tables:
                continue
            relation = f"{quote(schema)}.{quote(name)}"
            other_schema, other_name = names(schema, name) if names else (schema, name)
            other = f"{quote(other_schema)}.{quote(other_name)}"
            columns = [c for (c,) in a.rows(COLUMNS, (schema, name)) if c not in ignore_columns]
            there = {c for (c,) in b.rows(COLUMNS, (other_schema, other_name))}
            if not there and b.rows("SELECT to_regclass(%s)", (other,))[0][0] is None:
                found.append(f"{label}: not on the target")
                continue
            missing = [c for c in columns if c not in there]
            if missing:
                found.append(f"{label}: target has no column {', '.join(missing)}")
                continue
            left, right = a.summary(relation, columns), b.summary(other, columns)
            counts[label] = left[0]
            if left != right:
                found.append(_describe(a, b, label, (relation, other), columns, left[0], right[0]))
    finally:
        a.close()
        b.close()
    if found:
        raise Difference(f"{source} and {target} differ in {len(found)} tables\n" + "\n".join(found))
    return counts


def _describe(a, b, label, relations, columns, source_count, target_count):
    left, right = a.hashes(relations[0], columns), b.hashes(relations[1], columns)
    only_left, only_right = left - right, right - left
    lines = [f"{label}: {source_count} rows on the source, {target_count} on the target; "
             f"{sum(only_left.values())} only on the source, {sum(only_right.values())} only on the target"]
    for sign, side, relation, hashes in (("-", a, relations[0], only_left), ("+", b, relations[1], only_right)):
        lines += [f"  {sign} {text}" for text in side.rows_with(relation, columns, hashes)]
    return "\n".join(lines)
