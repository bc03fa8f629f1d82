"""Reading of TOML, JSON with comments, YAML and dotenv files into plain tables, and typed looks into them."""

import io
import json
import re
import tomllib
from collections.abc import Mapping

import dotenv.parser
import yaml  # type: ignore[import-untyped]

Table = Mapping[str, object]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A string, or what is no JSON: comments, and commas before a closing bracket.
_JSONC = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?>(?:\s|//[^\n]*|/\*.*?\*/)*)[}\]])', re.DOTALL)


class BrokenDocumentError(ValueError):
    """The text is not of its format; the message says where."""


def parse_toml(text: str) -> Table:
    """A TOML document."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenDocumentError(str(error)) from error


def parse_json(text: str) -> Table:
    """A JSON object, with comments and trailing commas allowed as in tsconfig and wrangler files."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        if found.startswith('"'):
            return found
        return re.sub(r"[^\n]", " ", found)  # lines and columns of errors stay right

    try:
        value = json.loads(_JSONC.sub(blank, text.removeprefix("\ufeff")))
    except (ValueError, RecursionError) as error:
        raise BrokenDocumentError(str(error)) from error
    return _object(value)


def parse_yaml(text: str) -> Table:
    """A YAML mapping; an empty document is an empty one."""
    try:
        value = yaml.load(text, Loader=_LOADER)  # noqa: S506  # it is the safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BrokenDocumentError(" ".join(str(error).split())) from error
    return {} if value is None else _object(value)


def parse_dotenv(text: str) -> dict[str, str]:
    """Names and values of a dotenv file. No value is interpolated, the last of a name wins.

    A line that is no entry has no name. `dotenv_values` reports such a line in a log, so only its parser is used.
    """
    entries = dotenv.parser.parse_stream(io.StringIO(text.removeprefix("\ufeff")))
    values = {entry.key: entry.value for entry in entries if entry.key and entry.value is not None}
    return {name: value for name, value in values.items() if name.isidentifier()}


def _object(value: object) -> Table:
    if not isinstance(value, dict):
        raise BrokenDocumentError(f"it holds a {type(value).__name__}, not an object")
    return {str(key): inner for key, inner in value.items()}


def table(value: object, *keys: str) -> Table:
    """The table under `keys`, empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def string(value: object, *keys: str) -> str:
    """The string under `keys`, empty where there is none."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, str) else ""


def strings(value: object, *keys: str) -> tuple[str, ...]:
    """The strings of the list under `keys`, without whatever else it holds."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def tables(value: object, *keys: str) -> tuple[Table, ...]:
    """The tables of the list under `keys`."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def text_table(value: object, *keys: str) -> dict[str, str]:
    """The string values of the table under `keys`."""
    return {key: inner for key, inner in table(value, *keys).items() if isinstance(inner, str)}
