# A key or an exit code that the documents do not know is one that nobody finds; one that only they know is a lie.
import re

from walbridge_testing.applier import ROOT, Applier, Exit, task

URL = "postgresql://nobody@127.0.0.1:1/x"
DOCUMENT = (ROOT / "docs/configuration.md")


def test_every_key_is_documented_with_its_default(tmp_path, walbridge):
    applier = Applier(task("t", URL, URL), tmp_path)
    reference = applier.cli("--help-config", file=False).out
    known = dict(re.findall(r"^([a-z_.]+)\n(?:    .*\n)*?    .*?(?:; default (.*))?$\n(?=\S|\Z)", reference, re.M))
    known = {key: default for key, default in known.items()}
    assert len(known) > 20
    rows = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    documented = {}
    for row in rows:
        for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", row[0]):
            documented[key] = row[1].strip().strip("`")
    assert set(known) == {k for k in documented if "." in k or k in ("labels", "roles")}
    for key, default in known.items():
        if default:
            assert documented[key].strip('"') == default.strip('"'), key


def test_every_exit_code_is_documented():
    kinds = dict(re.findall(r"^    (\w+) = (\d+),", (ROOT / "applier/base/error.hpp").read_text(), re.M))
    assert {int(v) for v in kinds.values()} == {v for k, v in vars(Exit).items() if isinstance(v, int) and v}
    assert all(getattr(Exit, name) == int(code) for name, code in kinds.items())
    cells = re.findall(r"\| ([\d, ]+) \|", DOCUMENT.read_text())
    documented = {int(n) for cell in cells for n in cell.split(",")}
    assert {int(v) for v in kinds.values()} <= documented
