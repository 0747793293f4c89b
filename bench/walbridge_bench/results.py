"""Raw results: one dictionary per run, written after each section so that a run that is cut short leaves what it has."""
import json
import statistics
from collections import defaultdict


class Results:
    def __init__(self, path):
        self.path = path
        self.data = {"meta": {}, "workloads": {}, "apply": [], "decode": [], "bytes": [], "latency": [], "copy": [], "mariadb": [],
                     "not_available": {}, "failed": {}, "minutes": {}}

    def add(self, section, **row):
        self.data[section].append(row)

    def save(self):
        if self.path:
            self.path.write_text(json.dumps(self.data, indent=1))

    @classmethod
    def load(cls, path):
        results = cls(None)
        results.data |= json.loads(path.read_text())       # an older file lacks sections that came later
        return results

    def grouped(self, section, *keys):
        """{(values of keys): [rows]} in order of appearance."""
        groups = defaultdict(list)
        for row in self.data[section]:
            groups[tuple(row[key] for key in keys)].append(row)
        return dict(groups)


def median(rows, key):
    values = [row[key] for row in rows if row.get(key) is not None]
    return statistics.median(values) if values else None


def spread(rows, key):
    values = [row[key] for row in rows if row.get(key) is not None]
    return (min(values), max(values)) if values else None
