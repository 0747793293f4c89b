# A misspelt key that is passed over in silence is a setting that somebody believes to be in force.
import pytest
from walbridge_testing.applier import Applier, Exit, task

URL = "postgresql://nobody@127.0.0.1:1/x"


@pytest.fixture
def applier(tmp_path, walbridge):
    return Applier(task("t", URL, URL), tmp_path)


def line_of(applier, text):
    return next(i for i, line in enumerate(applier.task_file.read_text().splitlines(), 1) if text in line)


@pytest.mark.parametrize("section,key,value,nearest", [
    ("retry", "conection", "720min", "connection"), ("objects", "includes", ["a.*"], "include"), ("tsk", "name", "x", "task"), ("apply", "bulck", True, "bulk")])
def test_an_unknown_key_is_named_with_line_and_nearest_key(applier, section, key, value, nearest):
    applier.document.setdefault(section, {})[key] = value
    applier.write_task()
    result = applier.cli("run")
    assert result.code == Exit.configuration
    assert key in result.text or section in result.text
    assert nearest in result.text
    wrong = f"[{section}]" if section == "tsk" else key
    assert f":{line_of(applier, wrong)}" in result.text, result.text


@pytest.mark.parametrize("section,key,value", [
    ("task", "name", "Upper"), ("task", "name", "x" * 41), ("task", "stages", ["sch"]), ("target", "kind", "oracle"), ("retry", "connection", "soon"),
    ("retry", "connection", "1s"), ("source", "url", 5), ("conflict", "policy", "hope"), ("copy", "workers", 0), ("task", "stages", [])])
def test_a_bad_value_is_refused_with_its_line(applier, section, key, value):
    applier.document.setdefault(section, {})[key] = value
    applier.write_task()
    result = applier.cli("run")
    assert result.code == Exit.configuration, result
    assert f"{section}.{key}" in result.text or key in result.text
    assert f":{line_of(applier, key + ' =')}" in result.text, result.text


def test_broken_toml_and_missing_files(applier, tmp_path):
    applier.task_file.write_text("[task\nname = 1")
    assert applier.cli("run").code == Exit.configuration
    applier.task_file.unlink()
    result = applier.cli("run")
    assert result.code == Exit.configuration and applier.task_file.name in result.text


def test_usage_errors_help_and_version(applier):
    assert applier.cli("rnu").code == Exit.usage
    assert "run" in applier.cli("rnu").text
    assert applier.cli("run", "--jsn").code == Exit.usage
    version = applier.cli("--version", file=False)
    assert version.code == Exit.ok and "walbridge" in version.out and any(c.isdigit() for c in version.out)
    helped = applier.cli("--help", file=False)
    assert helped.code == Exit.ok
    for command in ("run", "precheck", "status", "pause", "resume", "stop", "reset", "release", "wait"):
        assert command in helped.out
