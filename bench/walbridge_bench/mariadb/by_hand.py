"""What walbridge is measured against: COPY piped into LOAD DATA, and single-row prepared statements on one connection."""
import json
import subprocess

from walbridge_testing.applier import ROOT
from walbridge_testing.mysql import quote

from ..copy import command

PROGRAM = ROOT / "build/bench/mysql_rows"
SOURCE = ROOT / "bench/mysql_rows/rows.cpp"
KINDS = {"int2": "i", "int4": "i", "int8": "i", "text": "s", "varchar": "s", "bpchar": "s", "timestamptz": "s", "timestamp": "s"}


# -- the copy -------------------------------------------------------------------------------------------------------
def pipe(source, target, table, settings=""):
    """settings: statements before LOAD DATA."""
    psql = source.cluster.bin / "psql"
    out = subprocess.Popen([psql, "-XqAt", "-d", source.url(), "-c", f"COPY {table} TO STDOUT"], stdout=subprocess.PIPE)
    command(["mariadb", "--no-defaults", f"--socket={target.server.socket}", "-uroot", "--local-infile=1", "--default-character-set=utf8mb4", target.name,
             "-e", f"{settings}LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {quote(table)} CHARACTER SET utf8mb4"], stdin=out.stdout)
    out.stdout.close()
    if out.wait() != 0:
        raise RuntimeError("COPY TO failed")


# -- the backlog ----------------------------------------------------------------------------------------------------
def compile_program():
    if PROGRAM.exists() and PROGRAM.stat().st_mtime > SOURCE.stat().st_mtime:
        return
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["g++", "-std=c++20", "-O2", str(SOURCE), "-o", str(PROGRAM), *flags], check=True)


class Relation:
    def __init__(self, record):
        self.table = record["relation"].split(".", 1)[1]
        self.kinds = {column["name"]: KINDS[column["type"]] for column in record["columns"]}
        self.types = {column["name"]: column["type"] for column in record["columns"]}
        self.key = [column["name"] for column in record["columns"] if column.get("key")] or list(self.kinds)

    def statement(self, kind):
        """(text, the columns of its parameters in order)"""
        columns = list(self.kinds)
        if kind == "insert":
            return f"INSERT INTO {quote(self.table)} ({', '.join(map(quote, columns))}) VALUES ({', '.join('?' * len(columns))})", columns
        where = " AND ".join(f"{quote(c)} = ?" for c in self.key)
        if kind == "delete":
            return f"DELETE FROM {quote(self.table)} WHERE {where}", self.key
        assert kind == "update", kind
        return f"UPDATE {quote(self.table)} SET {', '.join(f'{quote(c)} = ?' for c in columns)} WHERE {where}", columns + self.key

    def field(self, column, value):
        if value is None:
            return "\\N"
        text = str(value)
        if self.types[column] == "timestamptz":
            assert text.endswith("+00"), text
            text = text[:-3]
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def write_work(source, slot, path):
    """The backlog behind a slot as work for the program; the slot stays where it is. Returns (transactions, changes)."""
    relations, statements, transactions, changes = {}, {}, 0, 0
    connection = source.connect()
    try:
        with open(path, "w") as file, connection.cursor("backlog") as cursor:
            cursor.itersize = 20_000
            cursor.execute("SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'format', 'json')", (slot,))
            pending = []
            for (line,) in cursor:
                record = json.loads(line, parse_float=str)
                kind = record["kind"]
                if kind == "begin":
                    pending = []
                elif kind == "relation":
                    relations[record["relation"]] = Relation(record)
                elif kind == "commit" and pending:
                    file.writelines(pending)
                    file.write("C\n")
                    transactions, changes = transactions + 1, changes + len(pending)
                elif kind in ("insert", "update", "delete"):
                    relation = relations[record["relation"]]
                    identity = (record["relation"], kind)
                    if identity not in statements:
                        text, columns = relation.statement(kind)
                        statements[identity] = len(statements), columns
                        file.write(f"S\t{''.join(relation.kinds[c] for c in columns)}\t{text}\n")
                    number, columns = statements[identity]
                    new, old = record.get("new"), record.get("key") or record.get("old") or record.get("new")
                    count = len(relation.kinds) if kind == "update" else len(columns)
                    values = [(new if kind != "delete" else old)[c] if i < count else old[c] for i, c in enumerate(columns)]
                    pending.append(f"X\t{number}\t" + "\t".join(relation.field(c, v) for c, v in zip(columns, values)) + "\n")
    finally:
        connection.close()
    return transactions, changes


def run_rows(target, work):
    """Seconds of applying alone: reading the work, connecting and preparing are not counted."""
    done = subprocess.run([str(PROGRAM), str(target.server.socket), target.name, str(work)], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)
