"""Parses TOML, JSON with comments, YAML and dotenv files into plain tables, and looks up typed values in them."""

import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache

import dotenv.parser
import yaml  # type: ignore[import-untyped]

Table = Mapping[str, object]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A string, a comment, or a comma before a closing bracket. The last two are no JSON.
_JSONC = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?>(?:\s|//[^\n]*|/\*.*?\*/)*)[}\]])', re.DOTALL)

_DEPTH, _SHOWN = 200, 300
_BRACKET = re.compile(r"[\[\]{}]")
_INDENTED = re.compile(rf"^[ \t?-]{{{_DEPTH}}}", re.MULTILINE)
"""A line that may open many collections: without brackets, each one takes at least a character of its beginning."""

_COMMENTED = re.compile(r"=[ \t]*#")


class BrokenDocumentError(ValueError):
    """The text does not follow its format. The message has the place."""


def parse_toml(text: str) -> Table:
    """Returns a TOML document."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number with thousands of digits
        raise BrokenDocumentError(str(error)[:_SHOWN]) from error


def parse_json(text: str) -> Table:
    """Returns a JSON object. Comments and trailing commas are allowed, as in tsconfig and wrangler files."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        if found.startswith('"'):
            return found
        return re.sub(r"[^\n]", " ", found)  # keeps the lines and columns in errors correct

    try:
        value = json.loads(_JSONC.sub(blank, text.removeprefix("\ufeff")))
    except (ValueError, RecursionError) as error:
        raise BrokenDocumentError(str(error)) from error
    return _object(value)


def parse_yaml(text: str) -> Table:
    """Returns a YAML mapping. An empty document is an empty mapping."""
    try:
        _refuse_depth(text)
        value = yaml.load(text, Loader=_LOADER)  # noqa: S506  # the safe loader, in C if available
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BrokenDocumentError(" ".join(str(error).split())) from error
    return {} if value is None else _object(value)


def _refuse_depth(text: str) -> None:
    """Raises RecursionError for a document that nests too deep: the loader in C would end the whole process."""
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth = max(0, depth + (1 if bracket[0] in "[{" else -1))
        if depth > _DEPTH:
            break
    else:
        if _INDENTED.search(text) is None:
            return
    depth = 0  # brackets may stand in texts: only the events of the parser show the depth
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise RecursionError(f"it nests more than {_DEPTH} lists and mappings")


def parse_dotenv(text: str) -> dict[str, str]:
    """Returns the names and values of a dotenv file. Values are not interpolated, and the last value of a name wins.

    Lines without an entry are ignored. `dotenv_values` would log them, so only its parser is used.
    """
    return dict(_dotenv(text))


@lru_cache(maxsize=256)  # each row of a component asks for its examples
def _dotenv(text: str) -> tuple[tuple[str, str], ...]:
    entries = dotenv.parser.parse_stream(io.StringIO(text.removeprefix("\ufeff")))
    values = {
        # the parser takes a comment right after `=` for the value
        entry.key: "" if entry.value.startswith("#") and _COMMENTED.search(entry.original.string) else entry.value
        for entry in entries
        if entry.key and entry.value is not None
    }
    return tuple((name, value) for name, value in values.items() if name.isidentifier())


def yaml_line(text: str, *keys: str) -> int:
    """Returns the line of a key in YAML, below other keys, or 0. In a list, `NAME=value` has the key `NAME`."""
    node, line = _node(text), 0
    for key in keys:
        found = next((each for each in _entries(node) if each[0] == key), None)
        if found is None:
            return 0
        _, line, node = found
    return line


@lru_cache(maxsize=32)
def _node(text: str) -> object:
    """Returns the root of a YAML document, with the lines of its parts; None if it is broken."""
    try:
        _refuse_depth(text)
        return yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _entries(node: object) -> Iterator[tuple[str, int, object]]:
    """Yields the keys of a node of YAML, with their lines and values."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            name = str(item.value).partition("=")[0] if isinstance(item, yaml.ScalarNode) else str(place)
            yield name, item.start_mark.line + 1, item


def _object(value: object) -> Table:
    if not isinstance(value, dict):
        raise BrokenDocumentError(f"its top level is a {type(value).__name__}, not an object")
    return {str(key): inner for key, inner in value.items()}


def table(value: object, *keys: str) -> Table:
    """Returns the table under `keys`, or an empty one."""
    for key in keys:
        value = value.get(key) if isinstance(value, (dict, Mapping)) else None  # the check for a dict is quicker
    return value if isinstance(value, (dict, Mapping)) else {}


def string(value: object, *keys: str) -> str:
    """Returns the string under `keys`, or an empty one."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, str) else ""


def strings(value: object, *keys: str) -> tuple[str, ...]:
    """Returns the strings of the list under `keys`, without its other items."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def tables(value: object, *keys: str) -> tuple[Table, ...]:
    """Returns the tables of the list under `keys`, without its other items."""
    found = table(value, *keys[:-1]).get(keys[-1])
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def text_table(value: object, *keys: str) -> dict[str, str]:
    """Returns the entries of the table under `keys` whose values are strings."""
    return {key: inner for key, inner in table(value, *keys).items() if isinstance(inner, str)}
