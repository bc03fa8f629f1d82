"""Reads what a build of Next reports: errors at their place, and pages that cannot be rendered."""

import re
from collections.abc import Iterator

from tasks.diagnostics.javascript import raised
from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import number, shortened
from tasks.models import Diagnostic

_NEXT = re.compile(
    r"^\./(?P<path>[^\s:]+)(?::(?P<line>\d+):(?P<column>\d+))?\n(?P<message>(?:Module not found|.*[Ee]rror)\b.*)$",
    re.MULTILINE,
)
_NEXT_SHOWN = re.compile(r"^[ \t]*(?P<line>\d+) [|│] .*\n[ \t]*[:·] .*\^", re.MULTILINE)
# Next 15 and older print the error below, newer ones with its frames above.
_PRERENDER = re.compile(
    r"(?:^ \u2a2f (?P<above>.+)\n(?:[ \t].*\n)*)?"
    r'^Error occurred prerendering page "(?P<page>[^"]+)".*\n(?P<message>.+)$',
    re.MULTILINE,
)
_MORE = re.compile(r"\s*Read more: https?://\S+$")


def next_errors(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors with a place."""
    matches = list(_NEXT.finditer(text))
    for index, match in enumerate(matches):
        end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        shown = None if match["line"] else _NEXT_SHOWN.search(text, match.end(), end)
        message = re.sub(r"^(?:Type error|Error):\s+(?:[x\u00d7\u2a2f] )?", "", match["message"])
        yield Diagnostic(
            tool="build",
            message=shortened(message),
            file=mapper.own(match["path"]),
            line=number(match["line"] or (shown["line"] if shown else None)),
            column=number(match["column"]),
        )


def prerendered(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields the errors of pages that cannot be rendered, each with its page."""
    for match in _PRERENDER.finditer(text):
        said = _MORE.sub("", match["above"] or match["message"])
        error = raised(said, mapper, "build")
        message = error.message if error else said
        yield Diagnostic(tool="build", message=shortened(f"{message} (page {match['page']})"), rule="prerender")
