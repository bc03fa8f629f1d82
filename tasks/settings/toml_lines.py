"""The line of each key and each array item in a TOML document.

`tomllib` checks the document and returns its values, but no line numbers. This reader expects a valid document, so it
only finds the keys.
"""

import re
import tomllib
from bisect import bisect_left

Path = tuple[str | int, ...]

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
STRINGS = (r'"""(?:[^\\]|\\.)*?"{3,5}', r"'''.*?'{3,5}", r'"(?:[^"\\\n]|\\.)*"', r"'[^'\n]*'")
STRING = re.compile("|".join(STRINGS), re.DOTALL)
BARE = re.compile(r"[^,\]}#\r\n]+")


class _Reader:
    """Reads a document once. `lines` is the result."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.rows: dict[Path, int] = {}
        self.ends = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> None:
        table: Path = ()
        self.skip_blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip_blank()

    def header(self) -> Path:
        """`[table]` or `[[row]]`: the path of the pairs below it."""
        start, brackets = self.at, 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        path: Path = ()
        parts = self.key()
        for number, part in enumerate(parts, start=1):
            path = (*path, part)
            if number == len(parts) and brackets == 2:
                self.rows[path] = self.rows.get(path, -1) + 1
            if path in self.rows:
                self.mark(path, start)
                path = (*path, self.rows[path])
            self.mark(path, start)
        self.at += brackets
        return path

    def pair(self, table: Path) -> None:
        """`key = value`, in a table or in an inline table."""
        start = self.at
        path = table
        for part in self.key():
            path = (*path, part)
            self.mark(path, start)
        self.at += 1
        self.skip_blank()
        self.value(path)

    def key(self) -> list[str]:
        """The parts of a dotted key."""
        parts = []
        while found := KEY.match(self.text, self.at):
            self.at = found.end()
            parts.append(_unquoted(found[1]))
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return parts

    def value(self, path: Path) -> None:
        """Skips a value, and marks the items in it."""
        opening = self.text[self.at]
        if opening in "[{":
            self.inside(path, "]" if opening == "[" else "}")
        elif found := (STRING if opening in "\"'" else BARE).match(self.text, self.at):
            self.at = found.end()

    def inside(self, path: Path, closing: str) -> None:
        """The items of an array or the pairs of an inline table."""
        self.at += 1
        number = 0
        self.skip_blank()
        while not self.text.startswith(closing, self.at):
            if closing == "]":
                self.mark((*path, number), self.at)
                self.value((*path, number))
            else:
                self.pair(path)
            number += 1
            self.skip_blank()
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip_blank()
        self.at += 1

    def skip_blank(self) -> None:
        if found := BLANK.match(self.text, self.at):
            self.at = found.end()

    def mark(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, bisect_left(self.ends, at) + 1)


def _unquoted(key: str) -> str:
    if key.startswith('"'):
        return str(tomllib.loads(f"value = {key}")["value"])
    return key.strip("'") if key.startswith("'") else key


def toml_lines(text: str) -> dict[Path, int]:
    """The line of every key, row and item of a valid document, counted from 1."""
    reader = _Reader(text)
    reader.document()
    return reader.lines
