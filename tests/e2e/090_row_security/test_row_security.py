# Under a row-level policy COPY returns fewer rows without a word: the copy would look complete.
import pytest
from walbridge_testing.applier import Exit

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, secret boolean);
INSERT INTO t SELECT i, i % 2 = 0 FROM generate_series(1, 100) i;
CREATE POLICY visible ON t FOR SELECT USING (NOT secret);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON t TO {role};
"""


@pytest.fixture
def reader(pair):
    role = f"{pair.name[:40]}_reader"
    pair.source.sql(f"CREATE ROLE {role} LOGIN REPLICATION")
    yield role
    pair.source.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_reader_under_a_policy_is_refused(pair, reader):
    pair.source.psql(TABLE.format(role=reader))
    applier = pair.applier(source_url=pair.source.url(user=reader))
    result = applier.cli("precheck")
    assert result.code == Exit.precheck, result
    assert "BYPASSRLS" in result.text or "row" in result.text
    applier.start()
    assert applier.wait_exit() in (Exit.precheck, Exit.permission)
    assert not pair.target.exists("public.t") or pair.target.scalar("SELECT count(*) FROM t") == 0


def test_a_reader_who_may_bypass_policies_copies_every_row(pair, reader):
    pair.source.psql(TABLE.format(role=reader) + f"ALTER ROLE {reader} BYPASSRLS; GRANT walbridge_capture TO {reader};")
    applier = pair.run(source_url=pair.source.url(user=reader), schema={"grants": "none"})
    pair.source.psql("INSERT INTO t VALUES (1000, true); UPDATE t SET secret = NOT secret WHERE id < 5")
    applier.wait_caught_up()
    assert pair.compare() == {"public.t": 101}
