"""Reads a wrangler file, and finds the line of each of its values. Standard library only."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Keys = tuple[str | int, ...]
"""The keys and the places in lists that lead to a value."""

# A string, a comment, or a comma before a closing bracket. The last two are no JSON.
JSONC = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?>(?:\s|//[^\n]*|/\*.*?\*/)*)[}\]])', re.DOTALL)
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]\[]+?)\s*\]\]?\s*(?:#.*)?$")
ENTRY = re.compile(r"""^\s*((?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*'))*)\s*=""")


@dataclass(frozen=True, kw_only=True)
class WranglerFile:
    """A wrangler file. `name` is its path in the stack, `lines` has the line of each path of keys and places."""

    name: str
    text: str
    document: Mapping[str, object]
    lines: Mapping[Keys, int] = field(default_factory=dict)

    def line(self, path: Keys, value: object = None) -> int | None:
        """Returns the line of a value: that of its path, else the first line that has it, else that of a parent."""
        exact = self.lines.get(path)
        if exact is not None and (value is None or self._shows(exact, value)):
            return exact
        above = next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)
        numbers = range(1, len(self.text.splitlines()) + 1)
        shown = [number for number in numbers if isinstance(value, str) and self._shows(number, value)]
        return next((number for number in shown if number >= (above or 0)), next(iter(shown), above))

    def _shows(self, number: int, value: object) -> bool:
        line = self.text.splitlines()[number - 1]
        return not isinstance(value, str) or json.dumps(value, ensure_ascii=False) in line or f"'{value}'" in line


def read_wrangler_file(path: Path, name: str) -> WranglerFile | None:
    """Returns a wrangler file; None if it is not there or broken, because wrangler itself then says so."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".toml":
            return WranglerFile(name=name, text=text, document=tomllib.loads(text), lines=dict(toml_lines(text)))
        plain = without_comments(text)
        document = json.loads(plain)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    return WranglerFile(name=name, text=text, document=document, lines=dict(json_lines(plain)))


def without_comments(text: str) -> str:
    """Returns the JSON of a text with comments and trailing commas, with the same lines."""
    return JSONC.sub(lambda found: found[0] if found[0][0] == '"' else re.sub(r"[^\n]", " ", found[0]), text)


def json_lines(text: str) -> Iterator[tuple[Keys, int]]:
    """Yields each path of a JSON document with the line where its key, or its element of a list, begins."""
    stack: list[str | int] = []
    kinds: list[str] = []
    awaits_key = False
    for match in TOKEN.finditer(text):
        word, line = match[0], text.count("\n", 0, match.start()) + 1
        if word in {"}", "]"}:
            kinds.pop()
            stack.pop()
            awaits_key = False
        elif word == ",":
            awaits_key = bool(kinds) and kinds[-1] == "{"
            if kinds and kinds[-1] == "[" and isinstance(stack[-1], int):
                stack[-1] += 1
        elif word == ":":
            awaits_key = False
        elif awaits_key:
            stack[-1] = json.loads(word)
            yield tuple(stack), line
        else:
            if kinds and kinds[-1] == "[":
                yield tuple(stack), line
            if word in {"{", "["}:
                kinds.append(word)
                stack.append("" if word == "{" else 0)
                awaits_key = word == "{"


def toml_lines(text: str) -> Iterator[tuple[Keys, int]]:
    """Yields the paths of headers and keys of a TOML document with their lines. Inline tables have none."""
    counts: dict[Keys, int] = {}
    above: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            above = ()
            parts = keys_of(header[2])
            for place, part in enumerate(parts):
                above = (*above, part)
                if header[1] == "[[" and place == len(parts) - 1:
                    counts[above] = counts.get(above, -1) + 1
                    yield above, number
                if above in counts:
                    above = (*above, counts[above])
            yield above, number
        elif entry := ENTRY.match(line):
            yield (*above, *keys_of(entry[1])), number


def keys_of(dotted: str) -> Keys:
    """Returns the parts of a dotted key."""
    return tuple(part.strip("\"'") for part in re.findall(r"""[\w-]+|"[^"\n]*"|'[^'\n]*'""", dotted))
