"""The input and the result of every parser, and the functions that parsers share."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.diagnostics.paths import PathMapper
from tasks.models import Diagnostic, Severity, TestCounts

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
LONGEST_LINE = 1000
_LONG = re.compile(rf"^(.{{{LONGEST_LINE}}}).+$", re.MULTILINE)
_BLANK = re.compile(r"\n{3,}|\n(?:[ \t]*\n){8,}")
_TOML = re.compile(r"TOML parse error at line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a parser read. `summary` describes a pass, such as `24 passed`. `gaps` are the gaps in its proof."""

    diagnostics: tuple[Diagnostic, ...] = ()
    summary: str = ""
    tests: TestCounts | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """A tool's output without colours, and the mapper of its paths.

    `stdout` and `stderr` have shortened lines, which limits the cost of patterns. `document` is all of stdout, for
    JSON. `errors` is all of stderr, with the paths as printed.
    """

    stdout: str
    stderr: str
    document: str
    errors: str
    mapper: PathMapper

    @property
    def text(self) -> str:
        """Both streams as one text."""
        return f"{self.stdout}\n{self.stderr}"


Parser = Callable[[ToolOutput], Parsed]


def plain_text(text: str) -> str:
    """Returns the text without ANSI sequences, with `\\n` as the only line end."""
    return _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def readable(text: str) -> str:
    """Returns the text with long lines cut, and with one blank line instead of many."""
    return _BLANK.sub("\n\n", _LONG.sub(r"\1", text) if len(text) > LONGEST_LINE else text)


def deduplicated(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Returns each diagnostic once, in the tool's order."""
    return tuple(dict.fromkeys(diagnostics))


def first_line(text: str) -> str:
    """Returns the first line that is not empty."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def last_line(text: str) -> str:
    """Returns the last line that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def number(value: object) -> int | None:
    """Returns a number above 0, such as a line or a column; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        found = int(value)
    except ValueError:
        return None
    return found if found > 0 else None


def text_of(value: object) -> str:
    """Returns a string of a JSON document, or an empty one for any other value."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> dict[str, object]:
    """Returns an object of a JSON document, or an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """Returns a list of a JSON document, or an empty one for any other value."""
    return value if isinstance(value, list) else []


def json_at(text: str, opening: str) -> object:
    """Returns the first complete JSON document that begins a line with `opening`, or None."""
    for match in re.finditer(rf"^[ \t]*(?={re.escape(opening)})", text, re.MULTILINE):
        try:
            return json.JSONDecoder().raw_decode(text, match.end())[0]
        except (ValueError, RecursionError):
            continue
    return None


def json_parts(text: str, opening: str) -> list[object]:
    """Returns the complete objects that begin with `opening`, for a document without its beginning or end."""
    found: list[object] = []
    position = text.find(opening)
    while position >= 0:
        try:
            part, end = json.JSONDecoder().raw_decode(text, position)
            found.append(part)
        except (ValueError, RecursionError):
            end = position + 1
        position = text.find(opening, end)
    return found


def toml_place(text: str) -> tuple[int | None, int | None, str]:
    """Returns line, column and message of a TOML error of ruff or uv. Without an error the message is empty.

    The message is below the frame that shows the line.
    """
    found = _TOML.search(text)
    if not found:
        return None, None, ""
    below = text[found.end() :].split("\n\n", maxsplit=1)[0].splitlines()
    shown = [line.strip() for line in below if line.strip() and not re.match(r"\s*\d*\s*\|", line)]
    return int(found[1]), int(found[2]), shown[0] if shown else "TOML parse error"


def severity_of(word: str) -> Severity:
    """Returns the severity for a tool's own word. Unknown words are errors."""
    lowered = word.lower()
    if lowered in {"note", "info", "information", "debug"}:
        return Severity.NOTE
    return Severity.WARNING if lowered in {"warning", "warn", "hint", "suggestion"} else Severity.ERROR


ADVICE = 1000
"""The width of a line that ends with an advice, such as predeploy's own probes print."""


LONG_WORD = 40
"""Characters. A longer word, such as a digest or a path, is cut."""


def shortened(text: str, width: int = 300) -> str:
    """Returns the text on one line, with at most `width` characters. It is cut behind a word."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    head = line[: width - 1]
    whole, _, part = head.rpartition(" ")
    word = part + line[len(head) :].partition(" ")[0]
    return f"{whole.rstrip(' ,;:([{')} …" if whole and len(word) <= LONG_WORD else f"{head.rstrip()}…"
