"""Parsers of ruff, ruff format and mypy."""

import re
from dataclasses import replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import (
    Parsed,
    ToolOutput,
    items,
    json_at,
    json_parts,
    mapping,
    number,
    severity_of,
    shortened,
    text_of,
    toml_place,
)
from tasks.diagnostics.tracebacks import from_tracebacks
from tasks.models import Diagnostic, Severity

_RUFF_CONFIG = re.compile(r"^ruff failed$(?P<causes>(?:\n(?!\S*error:).*)*)", re.MULTILINE)
_CAUSE = re.compile(r"^[ \t]*Cause: (.+)$", re.MULTILINE)
_TOML_FILE = re.compile(r"[`\s](?P<path>/?[^\s`]*\.toml)`?")
_RUFF_ERROR = re.compile(
    r"^error: (?:Failed to parse (?P<path>.+?):(?P<line>\d+):(?P<column>\d+): )?(?P<message>.+)$", re.MULTILINE
)
_FORMAT_COUNT = re.compile(r"^\d+ files? (?:already formatted|left unchanged)", re.MULTILINE)
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
_WOULD = re.compile(r"^Would reformat: (.+)$", re.MULTILINE)

_MYPY = re.compile(
    r"^(?P<path>(?!mypy:)[^:\n]+?):(?:(?P<line>\d+):(?:(?P<column>\d+):)?(?:\d+:\d+:)?)? "
    r"(?P<severity>error|note|warning): (?P<message>.*?)(?:  \[(?P<rule>[\w-]+)\])?$"
)
_RUFF_FIXES = {"safe": "ruff check --fix", "unsafe": "ruff check --fix --unsafe-fixes"}
_NOTE = "; note: "
_LISTED = re.compile(r":\s*$|^\s*[a-z]\) ")
_MYPY_CONFIG = re.compile(r"^(?P<path>[^\s:]+\.(?:ini|cfg|toml)): (?P<message>.+)$")
_MYPY_CONFIG_LINE = re.compile(r"\[line\s+(\d+)\]|\(at line (\d+)")
_MYPY_USAGE = re.compile(r"^(?:mypy: error: |mypy: )(.+)$|^(There are no .+ in .+)$", re.MULTILINE)
_MYPY_CHECKED = re.compile(r"no issues found in (\d+ source files?)|\(checked (\d+ source files?)\)")


def ruff(output: ToolOutput) -> Parsed:
    """Reads `ruff check --output-format json`."""
    results = items(json_at(output.document, "[")) or json_parts(output.document, "{\n    ")
    found = [_ruff_finding(mapping(item), output.mapper) for item in results]
    # Old releases report a file that they cannot parse twice.
    known = {(finding.file, finding.line) for finding in found if finding.file}
    errors = [each for each in _ruff_errors(output, "ruff") if (each.file, each.line) not in known]
    return Parsed(diagnostics=(*found, *errors))


def _ruff_finding(item: dict[str, object], mapper: PathMapper) -> Diagnostic:
    place = mapping(item.get("location"))
    return Diagnostic(
        tool="ruff",
        message=shortened(text_of(item.get("message")).removeprefix("SyntaxError: ")),
        file=mapper.relative(text_of(item.get("filename"))),
        line=number(place.get("row")),
        column=number(place.get("column")),
        severity=severity_of(text_of(item.get("severity")) or "error"),
        # Releases before 0.5 have no code for syntax errors.
        rule=text_of(item.get("code")) or "invalid-syntax",
        fix=_ruff_fix(mapping(item.get("fix"))),
    )


def _ruff_fix(fix: dict[str, object]) -> str:
    """Returns ruff's description of its fix, with the command that applies it. An unsafe fix needs a flag more."""
    command = _RUFF_FIXES.get(text_of(fix.get("applicability")).lower(), "")
    description = shortened(text_of(fix.get("message")))
    return f"{description} ({command})" if description and command else description or command


def _ruff_errors(output: ToolOutput, tool: str) -> list[Diagnostic]:
    """Returns ruff's errors on stderr: a broken configuration, and files that it cannot parse."""
    found = [_ruff_config(match["causes"], output.mapper, tool) for match in _RUFF_CONFIG.finditer(output.stderr)]
    found.extend(
        Diagnostic(
            tool=tool,
            message=shortened(match["message"]),
            file=output.mapper.relative(match["path"] or ""),
            line=number(match["line"]),
            column=number(match["column"]),
            rule="invalid-syntax" if match["path"] else None,
        )
        for match in _RUFF_ERROR.finditer(output.stderr)
    )
    return found


def _ruff_config(causes: str, mapper: PathMapper, tool: str) -> Diagnostic:
    line, column, message = toml_place(causes)
    messages = [
        cause for cause in _CAUSE.findall(causes) if not cause.startswith(("TOML parse error", "Failed to load"))
    ]
    file = _TOML_FILE.search(causes)
    return Diagnostic(
        tool=tool,
        message=shortened(message or (messages[-1] if messages else "its configuration cannot be read")),
        file=mapper.relative(file["path"]) if file else None,
        line=line,
        column=column,
        rule="config",
    )


def ruff_format(output: ToolOutput) -> Parsed:
    """Reads `ruff format --check --diff`: a diagnostic per file, at the first line that differs."""
    mapper = output.mapper
    differing = [_unformatted(path, line, mapper) for path, line in first_differences(output.stdout)]
    named = {finding.file for finding in differing}
    others = (path for path in _WOULD.findall(output.stdout) if mapper.relative(path) not in named)
    differing.extend(_unformatted(path, None, mapper) for path in others)
    counted = _FORMAT_COUNT.search(output.stderr) or _FORMAT_COUNT.search(output.stdout)
    return Parsed(
        diagnostics=(*_ruff_errors(output, "ruff format"), *differing),
        summary=counted[0] if counted and not differing else "",
    )


def _unformatted(path: str, line: int | None, mapper: PathMapper) -> Diagnostic:
    return Diagnostic(
        tool="ruff format",
        message="would be reformatted",
        file=mapper.relative(path),
        line=line,
        rule="unformatted",
        fix="run ruff format",
    )


def first_differences(diff: str) -> list[tuple[str, int]]:
    """Returns each file of a unified diff with its first differing line."""
    found: dict[str, int] = {}
    path, line = "", 0
    lines = diff.splitlines()
    for index, text in enumerate(lines):
        hunk = _HUNK.match(text)
        if hunk:
            line = int(hunk[1])
        elif text.startswith("--- ") and index + 1 < len(lines) and lines[index + 1].startswith("+++ "):
            path, line = text.removeprefix("--- "), 0
        elif line and path not in found and text.startswith(("+", "-")):
            found[path] = line
        elif line:
            line += 1
    return list(found.items())


def mypy(output: ToolOutput) -> Parsed:
    """Reads `mypy` with columns and error codes, one line each. Errors in its configuration come first."""
    found: list[Diagnostic] = []
    configs: list[Diagnostic] = []
    for text in output.text.splitlines():
        match = _MYPY.match(text)
        config = _MYPY_CONFIG.match(text)
        if match:
            _add_mypy(found, match, output.mapper)
        elif config and not config["message"].startswith("note:"):
            configs.append(_mypy_config(config, output))
    found.extend(
        Diagnostic(tool="mypy", message=shortened(usage[1] or usage[2]), rule="config")
        for usage in _MYPY_USAGE.finditer(output.text)
    )
    checked = _MYPY_CHECKED.search(output.stdout)
    # A plugin that raises ends mypy with a traceback.
    found.extend(replace(item, tool="mypy") for item in from_tracebacks(output).diagnostics)
    return Parsed(diagnostics=(*configs, *found), summary=f"checked {checked[1] or checked[2]}" if checked else "")


def _add_mypy(found: list[Diagnostic], match: re.Match[str], mapper: PathMapper) -> None:
    """Adds a finding. A note at the place of the finding before it explains that one, so their messages are joined."""
    file, line = mapper.relative(match["path"]), number(match["line"])
    message, severity = match["message"], severity_of(match["severity"])
    if message.startswith("INTERNAL ERROR"):
        message = "mypy crashed (INTERNAL ERROR); --show-traceback shows where"
    if severity is Severity.NOTE and message.startswith(("please use --show-traceback", "See https://", "(")):
        return
    last = found[-1] if found else None
    explains = last and last.severity is not Severity.NOTE and (last.file, last.line) == (file, line)
    if severity is Severity.NOTE and last and explains and not message.startswith("Revealed"):
        # The first note has the reason; the others list possible fixes, also below a note that ends with a colon.
        if _NOTE not in last.message and not _LISTED.search(message):
            found[-1] = replace(last, message=shortened(f"{last.message}{_NOTE}{message.strip()}"))
        return
    found.append(
        Diagnostic(
            tool="mypy",
            message=shortened(message),
            file=file,
            line=line,
            column=number(match["column"]),
            severity=severity,
            rule=match["rule"] or ("internal_error" if message.startswith("mypy crashed") else None),
        )
    )


def _mypy_config(match: re.Match[str], output: ToolOutput) -> Diagnostic:
    """Returns an error in mypy's configuration. mypy continues without a broken file and without unknown options."""
    place = _MYPY_CONFIG_LINE.search(output.stderr)
    return Diagnostic(
        tool="mypy",
        message=shortened(match["message"]),
        file=output.mapper.relative(match["path"]),
        line=number((place[1] or place[2]) if place else None),
        severity=Severity.ERROR if place else Severity.WARNING,
        rule="config",
    )
