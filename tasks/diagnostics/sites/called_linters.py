"""Reads the text of linters that a build script calls: eslint, biome and prettier."""

import re
from collections.abc import Iterator

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import shortened
from tasks.models import Diagnostic

_ESLINT = re.compile(r"^(?P<path>/\S.*)\n(?P<rows>(?:[ \t]+\d+:\d+[ \t]+(?:error|warning)[ \t].*\n)+)", re.MULTILINE)
_ROW = re.compile(
    r"^[ \t]+(?P<line>\d+):(?P<column>\d+)[ \t]+error[ \t]+(?P<message>.+?)(?:[ \t]{2,}(?P<rule>\S+))?$", re.MULTILINE
)
_BIOME = re.compile(
    r"^(?P<path>[^\s:]+)(?::(?P<line>\d+):(?P<column>\d+))? (?P<rule>(?:lint|assist)/\S+|format|parse|organizeImports)"
    r"\b.*\u2501\n\s*\n[ \t]+[\u2716\u00d7] (?P<message>.+)$",
    re.MULTILINE,
)
_PRETTIER = re.compile(r"^\[warn\] (?P<path>\S+\.\w+)$(?=(?:\n\[warn\] .+)*\n\[warn\] Code style issues)", re.MULTILINE)


def linted(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    """Yields each error of a linter at its place."""
    for block in _ESLINT.finditer(text):
        for row in _ROW.finditer(block["rows"]):
            yield _finding(mapper, block["path"], row)
    for match in _BIOME.finditer(text):
        yield _finding(mapper, match["path"], match)
    for match in _PRETTIER.finditer(text):
        message = "prettier would format this file"
        yield Diagnostic(tool="build", message=message, file=mapper.own(match["path"]), rule="unformatted")


def _finding(mapper: PathMapper, path: str, match: re.Match[str]) -> Diagnostic:
    return Diagnostic(
        tool="build",
        message=shortened(match["message"]),
        file=mapper.own(path),
        line=int(match["line"]) if match["line"] else None,
        column=int(match["column"]) if match["column"] else None,
        rule=match["rule"],
    )
