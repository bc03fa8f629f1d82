"""Parsers of black, isort, flake8 and pyright."""

import re

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.python import first_differences
from tasks.diagnostics.reading import (
    Parsed,
    ToolOutput,
    deduplicated,
    items,
    json_at,
    mapping,
    number,
    severity_of,
    shortened,
    text_of,
)
from tasks.models import Diagnostic

_BLACK_ERROR = re.compile(
    r"^error: cannot format (?P<path>.+?): (?P<message>.*?)(?:: (?P<line>\d+):(?P<column>\d+): (?P<source>.+))?$",
    re.MULTILINE,
)
_BLACK_WOULD = re.compile(r"^would reformat (.+)$", re.MULTILINE)
_BLACK_COUNT = re.compile(r"^\d+ files? would be left unchanged|^No Python files are present", re.MULTILINE)
_USAGE = re.compile(r"^(?:Error: |\w+: error: )(?P<message>.+)$", re.MULTILINE)
_TOML = re.compile(r"Could not open file '(?P<path>[^']+)'|Error reading configuration file: (?P<message>.+)")
_ISORT_ERROR = re.compile(r"^ERROR: (?P<path>.+?) (?P<message>Imports are incorrectly sorted.*)$", re.MULTILINE)
_ISORT_BANNER = re.compile(r"^\s*VERSION \d", re.MULTILINE)
_ISORT_PASSED = re.compile(r"^SUCCESS: .+ Everything Looks Good!$", re.MULTILINE)
_FLAKE8 = re.compile(
    r"^(?P<path>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?P<rule>[A-Z]{1,4}\d+) (?P<message>.+)$", re.MULTILINE
)
_FLAKE8_CRASH = re.compile(
    r"^(?:There was a critical error during execution of Flake8:|flake8: error:)\s*(?P<message>.+)", re.MULTILINE
)


def _unformatted(tool: str, path: str, line: int | None, message: str, mapper: PathMapper) -> Diagnostic:
    file = mapper.relative(path)
    return Diagnostic(tool=tool, message=message, file=file, line=line, rule="unformatted", fix=f"run {tool}")


def black(output: ToolOutput) -> Parsed:
    """Reads `black --check --diff`: a diagnostic per file, at the first line that differs."""
    mapper = output.mapper
    found = [
        Diagnostic(
            tool="black",
            message=shortened(f"{match['message']}: {match['source']}" if match["source"] else match["message"]),
            file=mapper.relative(match["path"]),
            line=number(match["line"]),
            column=number(match["column"]),
            rule="invalid-syntax",
        )
        for match in _BLACK_ERROR.finditer(output.stderr)
    ]
    differing = first_differences(re.sub(r"^((?:---|\+\+\+) .+?)\t.*$", r"\1", output.stdout, flags=re.MULTILINE))
    found += [_unformatted("black", path, line, "would be reformatted", mapper) for path, line in differing]
    named = {each.file for each in found}
    rest = (path for path in _BLACK_WOULD.findall(output.stderr) if mapper.relative(path) not in named)
    found += [_unformatted("black", path, None, "would be reformatted", mapper) for path in rest]
    found += [] if found else _usage("black", output)
    counted = _BLACK_COUNT.search(output.stderr)
    return Parsed(
        diagnostics=tuple(found), summary=counted[0].replace("would be ", "") if counted and not found else ""
    )


def _usage(tool: str, output: ToolOutput) -> list[Diagnostic]:
    return [
        Diagnostic(tool=tool, message=shortened(match["message"]), rule="config")
        for match in _USAGE.finditer(output.stderr)
    ]


def isort(output: ToolOutput) -> Parsed:
    """Reads `isort --check-only --diff --verbose`: a diagnostic per file, at the first line that differs."""
    mapper = output.mapper
    diff = re.sub(r"^((?:---|\+\+\+) .+?)(?::before|:after)\t.*$", r"\1", output.stdout, flags=re.MULTILINE)
    lines = {mapper.relative(path): line for path, line in first_differences(diff)}
    found = [
        _unformatted(
            "isort", match["path"], lines.get(mapper.relative(match["path"])), shortened(match["message"]), mapper
        )
        for match in _ISORT_ERROR.finditer(output.text)
    ]
    found += [] if found else _usage("isort", output)
    count = len(_ISORT_PASSED.findall(output.text))
    files = f"{count} file{'s' if count != 1 else ''} sorted" if count else "no files"
    return Parsed(
        diagnostics=deduplicated(found), summary="" if found or not _ISORT_BANNER.search(output.stdout) else files
    )


def flake8(output: ToolOutput) -> Parsed:
    """Reads `flake8 --format=default`."""
    found = [
        Diagnostic(
            tool="flake8",
            message=shortened(match["message"]),
            file=output.mapper.relative(match["path"]),
            line=number(match["line"]),
            column=number(match["column"]),
            rule=match["rule"],
        )
        for match in _FLAKE8.finditer(output.stdout)
    ]
    found += [
        Diagnostic(tool="flake8", message=shortened(match["message"]), rule="config")
        for match in _FLAKE8_CRASH.finditer(output.text)
    ]
    return Parsed(diagnostics=tuple(found))


def pyright(output: ToolOutput) -> Parsed:
    """Reads `pyright --outputjson`."""
    document = mapping(json_at(output.document, "{"))
    found = [_pyright_finding(mapping(item), output.mapper) for item in items(document.get("generalDiagnostics"))]
    checked = number(mapping(document.get("summary")).get("filesAnalyzed"))
    summary = f"checked {checked} source file{'s' if checked != 1 else ''}" if checked else ""
    return Parsed(diagnostics=tuple(found), summary=summary)


def _pyright_finding(item: dict[str, object], mapper: PathMapper) -> Diagnostic:
    start = mapping(mapping(item.get("range")).get("start"))
    line, column = start.get("line"), start.get("character")
    return Diagnostic(
        tool="pyright",
        message=shortened(text_of(item.get("message"))),
        file=mapper.relative(text_of(item.get("file"))),
        line=line + 1 if isinstance(line, int) else None,
        column=column + 1 if isinstance(column, int) else None,
        severity=severity_of(text_of(item.get("severity")) or "error"),
        rule=text_of(item.get("rule")) or None,
    )
