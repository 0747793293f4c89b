"""Schemas of both sides compared as text, and tasks that follow DDL."""
import difflib

from .schema_dump import schema_dump


def same_schema(pair):
    source, target = schema_dump(pair.source), schema_dump(pair.target)
    if source != target:
        raise AssertionError("schemas differ (source, target)\n" + "\n".join(difflib.unified_diff(source, target, lineterm="", n=2)))


def follow(pair, setup="", **options):
    """A task past its copy. The target has the extension: what statements run is confined to their roles."""
    if setup:
        pair.source.psql(setup)
    pair.target.sql("CREATE EXTENSION IF NOT EXISTS walbridge")
    return pair.run(**options)
