"""Converts values between JSON and Postgres's text format, as Neon's SQL-over-HTTP proxy does. Pure, standard library.

Cells become JSON text instead of Python values: numbers and JSON documents keep every digit that Postgres wrote.
"""

import json
from collections.abc import Mapping

BOOL, INT2, INT4, JSON, FLOAT4, FLOAT8, JSONB = 16, 21, 23, 114, 700, 701, 3802
NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def quote(text: str) -> str:
    """Returns a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def dump(value: object) -> str:
    """Returns JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_param(value: object) -> str | None:
    """Returns a parameter as text: strings unchanged, arrays as Postgres literals, other values as JSON."""
    if value is None or isinstance(value, str):
        return value
    return array_literal(value) if isinstance(value, list) else dump(value)


def array_literal(value: object) -> str:
    """Returns an array of any depth as a literal. Postgres accepts quoted items for every type."""
    if isinstance(value, list):
        return "{" + ",".join(map(array_literal, value)) + "}"
    if value is None:
        return "NULL"
    return quote(dump(value)) if isinstance(value, dict) else dump(value)


def write_cell(text: str | None, oid: int, *, raw: bool, elements: Mapping[int, int]) -> str:
    """Returns a cell of type `oid` as JSON. `raw` cells stay text. `elements` maps array types to their item types."""
    if text is None:
        return "null"
    if raw:
        return quote(text)
    if oid in elements:
        return write_array(text, elements[oid])
    return write_scalar(text, oid)


def write_scalar(text: str, oid: int) -> str:
    """Returns booleans, JSON, and numbers that JSON can hold as they are, and all other types as strings."""
    if oid == BOOL:
        return "true" if text == "t" else "false"
    if oid in {INT2, INT4, JSON, JSONB} or (oid in {FLOAT4, FLOAT8} and text not in NOT_FINITE):
        return text
    return quote(text)


def write_array(text: str, oid: int) -> str:
    """Returns an array as JSON, without explicit bounds. Raises ValueError if the text is no array."""
    body = text.partition("=")[2] if text.startswith("[") else text
    written, end = write_items(body, 0, oid)
    if end != len(body):
        raise ValueError("the text goes on after the end of the array")
    return written


def write_items(text: str, at: int, oid: int) -> tuple[str, int]:
    """Returns the array that begins at `at`, and the position after it."""
    if text[at : at + 1] != "{":
        raise ValueError("an array begins with a brace")
    if text[at + 1 : at + 2] == "}":
        return "[]", at + 2
    items = []
    while True:
        item, at = write_item(text, at + 1, oid)
        items.append(item)
        if text[at : at + 1] == "}":
            return "[" + ",".join(items) + "]", at + 1
        if text[at : at + 1] != ",":
            raise ValueError("an array ends with a brace")


def write_item(text: str, at: int, oid: int) -> tuple[str, int]:
    """Returns the item that begins at `at` (an array, quoted or bare), and the position after it."""
    if text[at : at + 1] == "{":
        return write_items(text, at, oid)
    if text[at : at + 1] == '"':
        content, end = read_quoted(text, at + 1)
        return write_scalar(content, oid), end
    end = at
    while text[end : end + 1] not in {",", "}", ""}:
        end += 1
    bare = text[at:end]
    return ("null" if bare == "NULL" else write_scalar(bare, oid)), end


def read_quoted(text: str, at: int) -> tuple[str, int]:
    """Returns the text up to the closing quotation mark, and the position after it."""
    content = []
    while (letter := text[at : at + 1]) != '"':
        if not letter:
            raise ValueError("a quoted item does not end")
        at += letter == "\\"
        content.append(text[at : at + 1])
        at += 1
    return "".join(content), at + 1
