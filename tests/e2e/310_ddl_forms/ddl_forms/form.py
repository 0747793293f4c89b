"""What a case of this story is made of. A case has the id of its row in docs/ddl.md and a schema of its own, first in the search_path."""
from dataclasses import dataclass

TABLE = """CREATE TABLE t (id bigint PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 20) i;
"""
BEFORE = "INSERT INTO t (id, v) VALUES (101, 'before'); UPDATE t SET v = v || ' before' WHERE id IN (1, 2)"
AFTER = "INSERT INTO t (id, v) VALUES (102, 'after'); UPDATE t SET v = v || ' after' WHERE id IN (2, 3); DELETE FROM t WHERE id = 4"
LATER = "INSERT INTO t (id, v) VALUES (103, 'later'); UPDATE t SET v = v || ' later' WHERE id IN (3, 5); DELETE FROM t WHERE id = 6"
BUSY = ("INSERT INTO {s}.t (id, v) VALUES ({k}, 'busy')", "UPDATE {s}.t SET v = v || '.' WHERE id = {k} - 1",
        "DELETE FROM {s}.t WHERE id = {k} - 7")

REPLICATED, NOT_FOLLOWED, REFUSED = "replicated", "not followed", "refused"


@dataclass
class Form:
    id: str
    ddl: str | tuple | list         # a string or a tuple of strings runs inside the transaction; of a list each is committed alone
    setup: str = ""                 # besides the table t
    table: str = TABLE              # the table that the default changes and the busy writer touch
    before: str = BEFORE            # changes of the transaction before the DDL
    after: str = AFTER              # and after it
    later: str = LATER              # changes of a later transaction
    busy: tuple = BUSY              # what another session writes all the time; {k} counts
    expect: str = REPLICATED
    reason: str = ""                # of a refusal: a pattern
    only_source: tuple = ()         # objects that the target must not have
    differs: tuple = ()             # objects that are there on both sides and differ
    gap: bool = False               # leaves a gap record
    since: int = 13                 # first major version with the form
    until: int = 99                 # last one
    unavailable: str = ""           # why the form cannot be run here; the row has a case nevertheless
    prepared: str = ""              # PREPARE TRANSACTION name instead of COMMIT
    role: str = ""                  # SET ROLE before the transaction
    fails: str = ""                 # a pattern of the source's error: the last statement of `ddl` is refused there
    quiet: bool = False             # nobody else may write to the case's table

    def __post_init__(self):
        self.schema = "f_" + self.id.replace("-", "_")
        if self.quiet or (self.table is not TABLE and self.busy is BUSY):
            self.busy = ()

    def text(self, script):
        return script.replace("{s}", self.schema)
