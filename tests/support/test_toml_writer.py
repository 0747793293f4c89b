# A wrong task file would make every story test something else than it says.
import tomllib

from walbridge_testing import toml_writer
from walbridge_testing.applier import task


def test_a_task_reads_back_as_it_was_written():
    document = task("t", "postgresql://a@h/b", "postgresql://c@h/d", exclude=["public.x"], include=['pub"lic.Größe', "a\\b.*"],
                    tables=[{"name": "public.a", "columns": {"e mail": "md5(email)"}}, {"name": "public.b"}],
                    retry={"connection": "1min", "limit": 3, "on": True})
    assert tomllib.loads(toml_writer.dumps(document)) == document
