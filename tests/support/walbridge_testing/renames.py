"""What a task with renames has to make of a source: the names of its tables on the target, and its definition there.

The expected definition is made from the source's own dump by replacing text, which is good enough for the names that
stories choose and has nothing in common with how walbridge does it."""
import re

from . import compare as compare_module
from .compare import Difference
from .schema_dump import schema_dump

PLAIN = re.compile(r"^[a-z_][a-z0-9_]*$")


def quoted(name):
    return name if PLAIN.match(name) else '"' + name.replace('"', '""') + '"'


def written(schema, name):
    return f"{quoted(schema)}.{quoted(name)}"


class Renames:
    """schemas: {source: target}; tables: {(schema, name): (schema, name)}; moved: indexes and sequences of tables that
    change their schema otherwise than by their schema's rename, in the same form."""

    def __init__(self, schemas=None, tables=None, moved=None):
        self.schemas, self.tables, self.moved = schemas or {}, tables or {}, moved or {}

    def options(self):
        """For Pair.run and Pair.applier."""
        return {"schemas": [{"name": quoted(s), "rename": quoted(t)} for s, t in self.schemas.items()],
                "tables": [{"name": written(*s), "rename": written(*t)} for s, t in self.tables.items()]}

    def target_name(self, schema, name):
        return self.tables.get((schema, name), (self.schemas.get(schema, schema), name))

    def compare_rows(self, pair, **options):
        return compare_module.compare(pair.source, pair.target, names=self.target_name, **options)

    def on_target(self, text):
        """SQL of the source as it should stand on the target."""
        for schema, target in self.schemas.items():
            text = text.replace(f"SET search_path TO '{schema}'", f"SET search_path TO '{target}'")
        kept = []

        def keep(match):    # texts and bodies are not names
            kept.append(match.group(0))
            return f"\0{len(kept) - 1}\0"
        text = re.sub(r"(\$\w*\$).*?\1", keep, text, flags=re.S)
        text = re.sub(r"'(?:[^']|'')*'(?:::regclass)?", lambda m: m.group(0) if m.group(0).endswith("::regclass") else keep(m), text)
        for (schema, name), (_, other) in self.tables.items():
            if name != other:   # in FROM a table without an alias keeps its name as one
                text = re.sub(r"^(CREATE STATISTICS .*)|\b((?:DELETE )?)((?:FROM|JOIN) \(*" + re.escape(written(schema, name)) + r')(?![\w"])(?! [a-z"_])',
                              lambda m, old=quoted(name): m.group(1) or f"{m.group(2)}{m.group(3)}{' AS' if m.group(2) else ''} {old}",
                              text, flags=re.M)
        for source, target in {**self.moved, **self.tables}.items():
            text = re.sub(r'(?<![\w".])' + re.escape(written(*source)) + r'(?![\w"])', lambda _, t=target: written(*t).replace(".", "\1", 1), text)
        marks = {schema: f"\2{i}\2" for i, schema in enumerate(self.schemas)}   # so that names can be swapped
        for schema, mark in marks.items():
            text = re.sub(r'(?<![\w".])' + re.escape(quoted(schema)) + r"\.", f"{mark}.", text)
            text = re.sub(r"\bSCHEMA " + re.escape(quoted(schema)) + r'(?![\w"])', f"SCHEMA {mark}", text)
        for schema, mark in marks.items():
            text = text.replace(mark, quoted(self.schemas[schema]))
        text = text.replace("\1", ".")
        return re.sub("\0(\\d+)\0", lambda m: kept[int(m.group(1))], text)

    def compare_definitions(self, pair, extra=()):
        """extra: statements that only the target has, such as the creation of schemas that single tables move to."""
        wanted = statements(self.on_target("\n".join(schema_dump(pair.source)))) + list(extra)
        made = statements("\n".join(schema_dump(pair.target)))
        missing, surplus = [s for s in wanted if s not in made], [s for s in made if s not in wanted]
        if missing or surplus:
            raise Difference("\n".join(["definitions differ", *(f"- {s}" for s in missing), *(f"+ {s}" for s in surplus)]))


def statements(dump):
    """Statements without their layout: their order follows the names and differs."""
    bodies = []

    def keep(match):
        bodies.append(match.group(0))
        return f"\0{len(bodies) - 1}\0"
    dump = re.sub(r"(\$\w*\$).*?\1", keep, dump, flags=re.S)
    dump = re.sub(r"BEGIN ATOMIC.*?\nEND", keep, dump, flags=re.S)
    found = [" ".join(part.split()) for part in dump.split(";")]
    return sorted(re.sub("\0(\\d+)\0", lambda m: " ".join(bodies[int(m.group(1))].split()), part) for part in found if part)
