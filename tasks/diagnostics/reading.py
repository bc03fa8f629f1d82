"""What every parser takes and gives, and the small readings that they share."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tasks.diagnostics.paths import PathMapper
from tasks.models import Diagnostic, Severity, TestCounts

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LONG = re.compile(r"^(.{1000}).+$", re.MULTILINE)
_BLANK = re.compile(r"\n{3,}|\n(?:[ \t]*\n){8,}")
_TOML = re.compile(r"TOML parse error at line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What an output says. `summary` is what a pass has to say, `24 passed`; empty if nothing. `gaps` are what it left
    undone."""

    diagnostics: tuple[Diagnostic, ...] = ()
    summary: str = ""
    tests: TestCounts | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """What a tool printed, without colours, and how to place the paths in it.

    Lines are cut where no person reads on, so that one without end costs little; `document` is all of stdout, for JSON,
    and `errors` all of stderr with the paths as they were printed.
    """

    stdout: str
    stderr: str
    document: str
    errors: str
    mapper: PathMapper

    @property
    def text(self) -> str:
        """Both streams, as one text."""
        return f"{self.stdout}\n{self.stderr}"


Parser = Callable[[ToolOutput], Parsed]


def plain_text(text: str) -> str:
    """Without ANSI sequences, and with one kind of line end."""
    return _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def readable(text: str) -> str:
    """Without the ends of very long lines, and with one blank line for many."""
    return _BLANK.sub("\n\n", _LONG.sub(r"\1", text))


def deduplicated(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each diagnostic once, in the order of the tool."""
    return tuple(dict.fromkeys(diagnostics))


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def number(value: object) -> int | None:
    """A line or a column as tools give them; None for what counts from 1 and is not there."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        found = int(value)
    except ValueError:
        return None
    return found if found > 0 else None


def text_of(value: object) -> str:
    """A string of a JSON document; empty for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> dict[str, object]:
    """An object of a JSON document; empty for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """A list of a JSON document; empty for anything else."""
    return value if isinstance(value, list) else []


def json_at(text: str, opening: str) -> object:
    """The JSON document that a line beginning with `opening` starts; None where none is whole."""
    for match in re.finditer(rf"^[ \t]*(?={re.escape(opening)})", text, re.MULTILINE):
        try:
            return json.JSONDecoder().raw_decode(text, match.end())[0]
        except (ValueError, RecursionError):
            continue
    return None


def json_parts(text: str, opening: str) -> list[object]:
    """The whole objects that begin so: what is left of a document that lost its beginning or its end."""
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
    """Line, column and message of the TOML error that ruff and uv print; no message where there is none.

    The message stands below the frame that shows the line.
    """
    found = _TOML.search(text)
    if not found:
        return None, None, ""
    below = text[found.end() :].split("\n\n", maxsplit=1)[0].splitlines()
    shown = [line.strip() for line in below if line.strip() and not re.match(r"\s*\d*\s*\|", line)]
    return int(found[1]), int(found[2]), shown[0] if shown else "TOML parse error"


def severity_of(word: str) -> Severity:
    """The severity that a tool's own word stands for."""
    lowered = word.lower()
    if lowered in {"note", "info", "information", "debug"}:
        return Severity.NOTE
    return Severity.WARNING if lowered in {"warning", "warn", "hint", "suggestion"} else Severity.ERROR


def shortened(text: str, width: int = 300) -> str:
    """One line that a report can show."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
