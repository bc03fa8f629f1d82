"""Texts for wrong settings: a line each with the source, the expected value and the given one."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from tasks.settings.models import Settings
from tasks.settings.tables import ComponentSettings, CustomCheck, FormSettings, ImageSettings, WorkerSettings

Path = tuple[str | int, ...]

EXPECTED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be {table}",
    "enum": "must be {expected}",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "invalid-json-value": "must be text, a number, true or false, a list or a table",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must be {table}",
    "string_type": "must be a string",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}
KINDS: Mapping[type, str] = {
    bool: "a boolean",
    dict: "a table",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
    tuple: "a list",
}
HUGE = 10**20
"""Python refuses to print a number with thousands of digits."""
SHOWN = 100
"""How many mistakes of one source are listed: each one costs time to describe."""
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

Where = Callable[[Path], str]
"""Returns the source of the setting at a path."""


def spelled(path: Path) -> str:
    """A path in the spelling of TOML: `check[0].stage`, `component."apps/web".health`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if BARE_KEY.fullmatch(part) else f'"{part}"')
    return text


def nearest(given: object, known: Iterable[str]) -> str:
    """The known name that is nearest to the given one; empty if none is near."""
    if not isinstance(given, str) or len(given) > SHOWN:
        return ""
    close = difflib.get_close_matches(given.lower(), list(known), n=1)
    return close[0] if close else ""


def _keys_at(path: Path) -> list[str]:
    """The known keys of the table that has an unknown one."""
    inner: dict[str, type[BaseModel]] = {
        "component": ComponentSettings,
        "check": CustomCheck,
        "worker": WorkerSettings,
    }
    if len(path) == 4 and path[2] == "e2e":
        return sorted(FormSettings.model_fields)
    if len(path) == 4 and path[2] == "image":
        return sorted(ImageSettings.model_fields)
    if len(path) == 3 and path[0] in inner:
        return sorted(inner[str(path[0])].model_fields)
    return sorted(Settings.model_fields)


def _unknown_key(path: Path) -> str:
    known = _keys_at(path)
    if meant := nearest(path[-1], known):
        return f"no such key; did you mean {meant!r}?"
    return f"no such key; the keys are {', '.join(known)}"


def is_hidden(path: Path) -> bool:
    """Whether the value at the path may be a secret."""
    return not {"env", "secret", "token"}.isdisjoint(path)


def _given(value: object, path: Path) -> str:
    """The given value. A value that may be a secret is not shown."""
    if is_hidden(path) or not isinstance(value, str | int | float):
        return KINDS.get(type(value), f"a {type(value).__name__}")
    if isinstance(value, int) and abs(value) >= HUGE:
        return "a huge number"
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _described(error: ErrorDetails, path: Path, table: str) -> str:
    """The expected value, the given value and, for a fixed choice, the nearest choice."""
    if error["type"] == "extra_forbidden":
        return _unknown_key(path)
    context: dict[str, Any] = error.get("ctx", {})
    text = EXPECTED.get(error["type"], error["msg"][:1].lower() + error["msg"][1:]).format(**context, table=table)
    is_own_text = error["type"] == "value_error" and isinstance(error["input"], SecretStr | str)
    if error["type"] == "missing" or (is_own_text and is_hidden(path)):
        return text
    given = _given(error["input"], path)
    choices = re.findall(r"'([^']+)'", context.get("expected", ""))
    if meant := nearest(error["input"], choices):
        given += f"; did you mean {meant!r}?"
    return f"{text} (got {given})"


def mistakes(error: ValidationError, where: Where, table: str = "a table") -> list[str]:
    """A line for each mistake in the settings of one source. `table` is the word of that source for a table."""
    lines = []
    for detail in error.errors(include_url=False)[:SHOWN]:
        # pydantic ends the path to the key of a mapping with an extra part
        path = tuple(part for part in detail["loc"] if part != "[key]")
        lines.append(f"{where(path)}: {_described(detail, path, table)}")
    return lines
