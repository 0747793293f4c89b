"""Writes the small part of TOML that task files use: tables, arrays of tables, strings, numbers, booleans, lists."""
import json
import re

BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def _key(name):
    return name if BARE.match(name) else json.dumps(name, ensure_ascii=False)


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"no TOML form for {value!r}")


def _is_table_array(value):
    return isinstance(value, list) and value and all(isinstance(item, dict) for item in value)


def dumps(document):
    """document: {section: {key: value | [dict, ...]}}; a list of dicts becomes [[section.key]]."""
    lines = []

    def section(path, body, header):
        lines.append(header.format(".".join(_key(part) for part in path)))
        nested = []
        for key, value in body.items():
            if value is None:
                continue
            if _is_table_array(value):
                nested.append((key, value))
            else:
                lines.append(f"{_key(key)} = {_value(value)}")
        lines.append("")
        for key, items in nested:
            for item in items:
                section(path + [key], item, "[[{}]]")

    for name, body in document.items():
        section([name], body, "[{}]")
    return "\n".join(lines)
