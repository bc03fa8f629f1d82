"""Parsers of predeploy's probes, and of tools without a parser of their own."""

import re
from collections.abc import Iterator

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import (
    ADVICE,
    Parsed,
    ToolOutput,
    deduplicated,
    items,
    json_at,
    last_line,
    mapping,
    number,
    severity_of,
    shortened,
    text_of,
)
from tasks.diagnostics.tracebacks import from_tracebacks
from tasks.models import Diagnostic, TestCounts

_PLACED = re.compile(
    r"^[ \t]*(?P<path>[^\s:()\"']+):(?P<line>\d+)(?::(?P<column>\d+))?:?[ \t]+(?:- )?"
    r"(?:(?P<level>error|warning|note|info)\b:? ?)?(?P<message>\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_PLACED_LIMIT = 20


def probe(output: ToolOutput) -> Parsed:
    """Reads the JSON document of a probe. All keys are optional. Its paths are relative to the stack's root."""
    document = mapping(json_at(output.document, "{"))
    found = [_probed(mapping(item), output.mapper) for item in items(document.get("diagnostics"))]
    tests = mapping(document.get("tests"))
    counts = TestCounts(
        passed=number(tests.get("passed")) or 0,
        failed=number(tests.get("failed")) or 0,
        skipped=number(tests.get("skipped")) or 0,
    )
    if not document:
        found = list(from_tracebacks(output).diagnostics)
    return Parsed(
        diagnostics=deduplicated(found),
        summary=shortened(text_of(document.get("summary"))),
        tests=counts if tests else None,
        gaps=tuple(filter(None, (shortened(text_of(item)) for item in items(document.get("gaps"))))),
    )


def _probed(item: dict[str, object], mapper: PathMapper) -> Diagnostic:
    path = text_of(item.get("file"))
    if path:
        path = PathMapper(roots=mapper.roots, cwd=".").relative(path) or ""
    return Diagnostic(
        tool=text_of(item.get("tool")) or "probe",
        message=shortened(text_of(item.get("message")), ADVICE),
        file=path or None,
        line=number(item.get("line")),
        column=number(item.get("column")),
        severity=severity_of(text_of(item.get("severity")) or "error"),
        rule=text_of(item.get("rule")) or None,
    )


def plain(output: ToolOutput) -> Parsed:
    """Reads the lines with a place in the stack, else the traceback, else the last line that is not empty."""
    found = list(_placed(output))[:_PLACED_LIMIT] or list(from_tracebacks(output).diagnostics)
    last = last_line(output.stderr) or last_line(output.stdout)
    if not found and last:
        found = [Diagnostic(tool="output", message=shortened(last, ADVICE))]
    return Parsed(diagnostics=deduplicated(found))


def _placed(output: ToolOutput) -> Iterator[Diagnostic]:
    for match in _PLACED.finditer(output.text):
        file = output.mapper.own(match["path"])
        # A word before a number need not be a file: a file's name has a dot or a folder.
        if file and re.search(r"[./]", match["path"]) and re.search(r"[^\d./-]", match["path"]):
            yield Diagnostic(
                tool="output",
                message=shortened(match["message"]),
                file=file,
                line=number(match["line"]),
                column=number(match["column"]),
                severity=severity_of(match["level"] or "error"),
            )
