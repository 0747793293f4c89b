"""Whether a PostgreSQL and a MariaDB table hold the same rows: both servers add up a digest over the same text of each row."""
from walbridge_testing.cluster import quote as pg_quote
from walbridge_testing.mysql import quote

# What both sides can be brought to write alike; the workloads have no other types.
SOURCE_TEXT = {"int4": "{}::text", "int8": "{}::text", "text": "{}", "bpchar": "rtrim({})", "timestamp": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
               "timestamptz": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"}
TARGET_TEXT = {"int4": "CAST({} AS CHAR)", "int8": "CAST({} AS CHAR)", "text": "{}", "bpchar": "RTRIM({})", "timestamp": "DATE_FORMAT({}, '%%Y-%%m-%%d %%H:%%i:%%s.%%f')"}
TARGET_TEXT["timestamptz"] = TARGET_TEXT["timestamp"]
COLUMNS = """SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


def _row_text(columns, texts, quoted):
    return ", '|', ".join(f"coalesce({texts[kind].format(quoted(name))}, '\\N')" for name, kind in columns)


def sums(source, target, table):
    """((rows, sum) of the source, the same of the target)."""
    columns = source.sql(COLUMNS, (pg_quote(table),))
    ours = source.sql(f"SELECT count(*), coalesce(sum(('x' || left(md5(concat({_row_text(columns, SOURCE_TEXT, pg_quote)})), 15))::bit(60)::bigint), 0) FROM {pg_quote(table)}")[0]
    # In MySQL's text a backslash is written twice.
    text = _row_text(columns, TARGET_TEXT, quote).replace("'\\N'", "'\\\\N'").replace("%%", "%")
    theirs = target.sql(f"SELECT count(*), coalesce(sum(CAST(CONV(LEFT(MD5(CONCAT({text})), 15), 16, 10) AS UNSIGNED)), 0) FROM {quote(table)}")[0]
    return tuple(map(int, ours)), tuple(map(int, theirs))


def wrong_tables(source, target, tables):
    wrong = []
    for table in tables:
        try:
            ours, theirs = sums(source, target, table)
        except Exception as error:      # a table that is not there
            ours, theirs = None, str(error).splitlines()[0]
        if ours != theirs:
            wrong.append(f"{table} ({ours} / {theirs})")
    return wrong
