"""What a MySQL column must hold for a value of PostgreSQL, told from the value's text alone.

expected() and found() bring both sides to one form, a string or None, so that equal values have equal forms and no two values that a
user could tell apart on the source have the same. The rules are docs/types-mysql.md once more, written without the product's code.
"""
import json
import re
import struct
from collections import namedtuple
from decimal import Context, Decimal

# base: name of the type, of a domain that of its base type (int4, numeric, _text).
SourceColumn = namedtuple("SourceColumn", "name base")
# type: information_schema.columns.data_type; scale: of decimals; fraction: digits of seconds.
TargetColumn = namedtuple("TargetColumn", "name type scale fraction")

INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}
TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json", "uuid", "inet4", "inet6"}
WIDE = Context(prec=200)
BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}


class NoRule(AssertionError):
    """A pair of types that no rule is written for: the table of types and these rules have parted."""


def double(text):
    """The nearest double; the target may forget the sign of a zero."""
    return repr(float(text) + 0.0)


def single(text):
    """The nearest single: a single and the same value as a double have one form."""
    return repr(struct.unpack(">f", struct.pack(">f", float(text)))[0] + 0.0)


def plain(text, scale):
    """A decimal with exactly `scale` digits; one that has no room stands out."""
    value = Decimal(text)
    if not value.is_finite():
        return text
    if value.adjusted() + scale > 100:
        return f"{text} does not fit"
    rounded = value.quantize(Decimal(1).scaleb(-scale), context=WIDE)
    if rounded != value:
        return f"{text} does not fit"
    return format(abs(rounded) if rounded == 0 else rounded, "f")


def seconds(text, digits):
    """Seconds with exactly `digits` digits behind the point."""
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > digits:
        return f"{text} does not fit"
    return f"{whole}.{fraction.ljust(digits, '0')[:digits]}" if digits else whole


def utc(text):
    """timestamptz of a session in UTC, without its offset."""
    return re.sub(r"\+00$", "", text)


def canonical_json(text):
    """Equal for equal documents: order of keys and spelling of numbers aside."""
    return json.dumps(json.loads(text, parse_float=Decimal, parse_int=Decimal), sort_keys=True, ensure_ascii=False,
                      default=lambda number: f"number {number.normalize()}")


def printed_json(text):
    """Equal for documents whose values are printed alike: 1.10 is not 1.1."""
    return json.dumps(json.loads(text, parse_float=lambda number: {"number": number}, parse_int=lambda number: {"number": number}), sort_keys=True, ensure_ascii=False)


NUMBERS = {"int2", "int4", "int8", "float4", "float8", "numeric", "oid"}


def array_element(text, element):
    if element in NUMBERS and text.lstrip("-") not in ("NaN", "Infinity"):
        return {"number": text}
    return {"t": True, "f": False}[text] if element == "bool" else text


def array(text, element, delimiter=","):
    """An array's text as nested lists. element: its type's name. Indexes that do not begin at 1 are no list."""
    if not text.startswith("{"):
        raise NoRule(f"{text}: an array whose indexes do not begin at 1")
    position = 0

    def items():
        nonlocal position
        found, position = [], position + 1
        while text[position] != "}":
            if text[position] == delimiter:
                position += 1
            if text[position] == "{":
                found.append(items())
            elif text[position] == '"':
                end = position + 1
                while text[end] != '"':
                    end += 2 if text[end] == "\\" else 1
                found.append(array_element(re.sub(r"\\(.)", r"\1", text[position + 1:end], flags=re.DOTALL), element))
                position = end + 1
            else:
                word = re.compile(rf"[^{delimiter}}}]*").match(text, position)[0]
                found.append(None if word == "NULL" else array_element(word, element))
                position += len(word)
        position += 1
        return found

    return json.dumps(items(), sort_keys=True, ensure_ascii=False)


HSTORE_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")', re.DOTALL)


def hstore(text):
    plain = lambda word: word if word is None else re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL)
    return json.dumps({plain(key): plain(value) for key, value in (match.groups() for match in HSTORE_PAIR.finditer(text))}, sort_keys=True, ensure_ascii=False)


def expected(source, target, text):
    """source: SourceColumn, target: TargetColumn, text: the value as PostgreSQL writes it, or None."""
    if text is None:
        return None
    base, there = source.base, target.type
    if base == "bool" and there in INTEGERS:
        return {"t": "1", "f": "0"}[text]
    if there in INTEGERS:
        if base in ("int2", "int4", "int8", "oid", "xid", "cid", "xid8"):
            return text
    elif there == "decimal":
        if base in ("numeric", "int8", "oid", "xid8"):
            return plain(text, target.scale)
        if base == "money":
            return plain(re.sub(r"[$,]", "", text), target.scale)
    elif there in ("double", "float"):
        if base == "float4":
            return single(text)
        if base == "float8" and there == "double":
            return double(text)
    elif there == "bit" and base in ("bit", "varbit", "bool"):
        return {"t": "1", "f": "0"}.get(text, text).lstrip("0")
    elif there in BYTES:
        if base == "bytea":
            return text.removeprefix("\\x").upper()
        if base == "uuid":
            return text.replace("-", "").upper()
        return text.encode().hex().upper()
    elif there in ("datetime", "timestamp"):
        if base in ("timestamp", "timestamptz"):
            return seconds(utc(text), target.fraction)
    elif there == "date" and base == "date":
        return text
    elif there == "time" and base == "time":
        return seconds(text, target.fraction)
    elif there in TEXTS:
        if base == "bpchar":
            return text.rstrip(" ")             # padding is no part of a char(n)
        if there == "json":
            return canonical_json(text)
        if base.startswith("_"):
            return array(text, base[1:])
        return hstore(text) if base == "hstore" else text
    raise NoRule(f"column {source.name}: no rule for {base} as {there}")


def found(source, target, text):
    """The form of what the target holds; text: as select_expression() gives it, or None."""
    if text is None:
        return None
    there = target.type
    if there in ("double", "float"):
        return single(text) if source.base == "float4" else double(text)
    if there == "decimal":
        return plain(text, target.scale)
    if there == "bit":
        return text.lstrip("0")
    if there == "json":
        return canonical_json(text)
    if source.base == "bpchar":
        return text.rstrip(" ")
    if source.base.startswith("_") or source.base == "hstore":
        return printed_json(text)
    return text


def select_expression(target, name):
    """SQL that gives a column's value as text without loss. name: quoted."""
    if target.type in BYTES:
        return f"HEX({name})"
    if target.type == "bit":
        return f"CONV(HEX({name}), 16, 2)"
    if target.type == "float":              # printed as it is, a single keeps six digits
        return f"CAST(CAST({name} AS DOUBLE) AS CHAR)"
    return f"CAST({name} AS CHAR CHARACTER SET utf8mb4)"
