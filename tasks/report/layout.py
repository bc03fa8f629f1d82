"""Fits text into columns: removes control characters, measures in cells, and folds without cutting a path."""

import re
import unicodedata

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
# Control characters except newline, and marks that reorder the shown text: a tool quotes the stack's own bytes.
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# The start of a line that CI services read as a command, also after leading blanks.
_COMMAND = re.compile(r"^([^\S\n]*)(:(?=:)|#(?=#(?:\[|vso)))", re.MULTILINE)


def clean(text: str) -> str:
    """Text of a tool without anything that would move a cursor, colour a line or fail to encode."""
    if "\x1b" in text:
        text = _ESCAPE.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return encodable(_UNSAFE.sub("", text.expandtabs(4)))


def disarm(text: str) -> str:
    """The rendered text without lines that a CI service would execute: `::add-mask::x` becomes `: :add-mask::x`."""
    return _COMMAND.sub(r"\1\2 ", text)


def encodable(text: str) -> str:
    """The text with escapes for surrogates, which UTF-8 cannot encode: file names may be any bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def fold(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces. A word with a slash in it is a path and stays whole."""
    lines: list[str] = []
    line = ""
    for word in re.findall(r" *[^ ]+", text):
        if line.strip() and cells(line) + cells(word) > width:
            lines.append(line)
            line = word.lstrip()
        else:
            line += word
        while cells(line) > width and not _is_path(line):
            head = _head(line, width)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


def hang(text: str, lead: str, width: int, shown: str = "") -> list[str]:
    """The folded text behind `lead`, its other lines below its first. `shown` stands for the lead, with colours."""
    indent = cells(lead)
    first, *rest = fold(text, max(1, width - indent))
    return [(shown or lead) + first, *(" " * indent + line for line in rest)]


def shorten(text: str, width: int, mark: str) -> str:
    """The text cut at a space to `width` cells, mark included. A path is not cut: what follows it is."""
    if cells(text) <= width:
        return text
    first = fold(text, max(1, width - cells(mark) - 1))[0]
    return f"{first} {mark}"


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _is_path(line: str) -> bool:
    return "/" in line.rsplit(" ", 1)[-1]


def _head(line: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(line):
        taken += _cell(char)
        if taken > width:
            return line[: max(1, index)]
    return line
