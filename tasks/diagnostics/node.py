"""Parsers of tsc, eslint, astro check and svelte-check."""

import re
from dataclasses import replace

from tasks.diagnostics.javascript import raised
from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import (
    Parsed,
    ToolOutput,
    deduplicated,
    first_line,
    items,
    json_at,
    json_parts,
    mapping,
    number,
    severity_of,
    shortened,
    text_of,
)
from tasks.models import Diagnostic, Severity

_TSC = re.compile(
    r"^(?:(?P<path>[^\s(][^(\n]*?)\((?P<line>\d+),(?P<column>\d+)\): "
    r"|(?P<path2>\S+?):(?P<line2>\d+):(?P<column2>\d+) - )?"
    r"(?P<level>error|warning|message) (?P<rule>TS\d+): (?P<message>.+)$",
    re.MULTILINE,
)
_TSC_CONFIG = re.compile(r"config file '(?P<path>[^']+)'|specified path does not exist: '(?P<path2>[^']+)'")
_ESLINT_VERSION = re.compile(r"^ESLint: \d.*$", re.MULTILINE)
_ASTRO = re.compile(
    r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+) - (?P<level>error|warning|hint) "
    r"(?P<rule>\w+(?:\([\w-]+\))?): (?P<message>.+)$",
    re.MULTILINE,
)
_SVELTE = re.compile(
    r'^\d+ (?P<level>ERROR|WARNING) "(?P<path>(?:[^"\\\n]|\\.)*)" (?P<line>\d+):(?P<column>\d+) "(?P<message>.*)"$',
    re.MULTILINE,
)
_SVELTE_FAILURE = re.compile(r'^\d+ FAILURE "(?P<message>.*)"$', re.MULTILINE)
_SVELTE_DONE = re.compile(r"COMPLETED (\d+) FILES")
_ASTRO_RESULT = re.compile(r"^Result \((\d+ files?)\)", re.MULTILINE)
_ASTRO_REFUSED = re.compile(
    r"^(?:[\d:]+ )?\[ERROR\] (?:\[check\] )?(?P<message>.+)$|^(?P<asks>To continue, Astro .+)$", re.MULTILINE
)


def tsc(output: ToolOutput) -> Parsed:
    """Reads `tsc --noEmit --pretty false`."""
    return Parsed(diagnostics=deduplicated(_tsc_finding(match, output.mapper) for match in _TSC.finditer(output.text)))


def _tsc_finding(match: re.Match[str], mapper: PathMapper) -> Diagnostic:
    path = match["path"] or match["path2"]
    named = None if path else _TSC_CONFIG.search(match["message"])
    return Diagnostic(
        tool="tsc",
        message=shortened(match["message"]),
        file=mapper.relative(path or (named["path"] or named["path2"] if named else "")),
        line=number(match["line"] or match["line2"]),
        column=number(match["column"] or match["column2"]),
        severity=severity_of(match["level"]),
        rule=match["rule"],
    )


def eslint(output: ToolOutput) -> Parsed:
    """Reads `eslint --format json`. Errors in its configuration are on stderr."""
    results = items(json_at(output.document, "[")) or json_parts(output.document, '{"filePath"')
    files = [mapping(item) for item in results]
    found = [
        _eslint_finding(mapping(message), output.mapper.relative(text_of(file.get("filePath"))))
        for file in files
        for message in items(file.get("messages"))
    ]
    refused = None if found else _eslint_refused(output)
    if refused:
        found.append(refused)
    return Parsed(diagnostics=deduplicated(found), summary=f"checked {_count(len(files), 'file')}" if files else "")


def _eslint_finding(message: dict[str, object], file: str | None) -> Diagnostic:
    return Diagnostic(
        tool="eslint",
        message=shortened(text_of(message.get("message"))),
        file=file,
        line=number(message.get("line")),
        column=number(message.get("column")),
        severity=Severity.WARNING if message.get("severity") == 1 else Severity.ERROR,
        rule=text_of(message.get("ruleId")) or ("parse_error" if message.get("fatal") else None),
        fix=_eslint_fix(message),
    )


def _eslint_fix(message: dict[str, object]) -> str:
    """Returns the command for a fix that eslint makes itself, else its first suggestion."""
    if message.get("fix"):
        return "eslint --fix"
    suggested = next(iter(items(message.get("suggestions"))), None)
    return shortened(text_of(mapping(suggested).get("desc")))


def _eslint_refused(output: ToolOutput) -> Diagnostic | None:
    """Returns why eslint did not start: the error that it raised, else the text below its version."""
    error = raised(output.stderr, output.mapper, "eslint")
    version = _ESLINT_VERSION.search(output.stderr)
    text = output.stderr[version.end() :].strip() if version else ""
    if not text or (error and error.message in first_line(text)):
        return error if error is None or error.file else replace(error, message=f"cannot start: {error.message}")
    message = shortened(text.split("\n\nSee ")[0].split("\n    at ")[0])
    return Diagnostic(tool="eslint", message=message, file=error.file if error else None, rule="config")


def astro_check(output: ToolOutput) -> Parsed:
    """Reads the text of `astro check`, which has no output for programs."""
    found = [
        Diagnostic(
            tool="astro check",
            message=shortened(match["message"]),
            file=output.mapper.relative(match["path"]),
            line=int(match["line"]),
            column=int(match["column"]),
            severity=severity_of(match["level"]),
            rule=match["rule"],
        )
        for match in _ASTRO.finditer(output.text)
    ]
    checked = _ASTRO_RESULT.search(output.stdout)
    if not found and not checked:
        found = [
            Diagnostic(tool="astro check", message=shortened(match["message"] or match["asks"]))
            for match in _ASTRO_REFUSED.finditer(output.text)
        ]
        error = None if found else raised(output.text, output.mapper, "astro check")
        found += [error] if error else []
    return Parsed(diagnostics=deduplicated(found), summary=f"checked {checked[1]}" if checked else "")


def svelte_check(output: ToolOutput) -> Parsed:
    """Reads `svelte-check --output machine`: a line for each finding, after the time in milliseconds."""
    found = [
        Diagnostic(
            tool="svelte-check",
            message=shortened(match["message"].replace("\\n", " ").replace('\\"', '"')),
            file=output.mapper.relative(match["path"].replace('\\"', '"')),
            line=int(match["line"]),
            column=int(match["column"]),
            severity=severity_of(match["level"].lower()),
        )
        for match in _SVELTE.finditer(output.stdout)
    ]
    failure = _SVELTE_FAILURE.search(output.stdout)
    if not found and failure:
        found = [Diagnostic(tool="svelte-check", message=shortened(failure["message"]))]
    done = _SVELTE_DONE.search(output.stdout)
    return Parsed(diagnostics=deduplicated(found), summary=f"checked {_count(int(done[1]), 'file')}" if done else "")


def _count(many: int, noun: str) -> str:
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"
