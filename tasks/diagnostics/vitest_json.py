"""Parser of vitest: its JSON for failures, and its text for errors that the JSON lacks."""

import re
from collections import Counter
from dataclasses import replace

from tasks.diagnostics.javascript import drawn, raised, stack_place
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
    plain_text,
    shortened,
    text_of,
)
from tasks.models import Diagnostic, TestCounts

_UNHANDLED = re.compile(r"^⎯+ (?:Unhandled (?:Rejection|Error)|Uncaught Exception) ⎯+$", re.MULTILINE)
_RULE_LINE = re.compile(r"^⎯{10,}.*$", re.MULTILINE)
_HEADING = re.compile(r"^ FAIL  (?:\|[^|\n]+\| )?(?P<path>\S+?)(?: \[ .+ \])?(?: > (?P<names>.+))?$", re.MULTILINE)
# The error behind an error, such as that of a pool of workers.
_CAUSE = re.compile(r"^Caused by: (?:[A-Z]\w*: )?(?P<message>.+)$", re.MULTILINE)
# The text that the JSON has instead of a message if a test exceeds its time limit.
_PLACEHOLDER = "Error: STACK_TRACE_ERROR"
_NONE = re.compile(r"^No test (?:suite )?files found.*$", re.MULTILINE)
_TYPE = re.compile(r"^([A-Z]\w*Error|Error): ")
_FRAMES = re.compile(r"\n\s+at .*", re.DOTALL)


def vitest(output: ToolOutput) -> Parsed:
    """Reads `vitest run --reporter=default --reporter=json`. The JSON is one line of stdout."""
    document = mapping(json_at(output.document, '{"numTotalTestSuites"'))
    suites = items(document.get("testResults")) or json_parts(output.document, '{"assertionResults"')
    found = [finding for suite in suites for finding in _suite(mapping(suite), output)]
    found.extend(_unhandled(output))
    if not document and not found:
        found.extend(_not_started(output))
    return Parsed(diagnostics=deduplicated(found), summary=_summary(document, output), tests=_tests(document))


def _suite(suite: dict[str, object], output: ToolOutput) -> list[Diagnostic]:
    path = text_of(suite.get("name"))
    found = [
        _failure(mapping(test), path, output)
        for test in items(suite.get("assertionResults"))
        if mapping(test).get("status") == "failed"
    ]
    if suite.get("status") != "failed" or found:
        return found
    message = plain_text(text_of(suite.get("message")))
    shown = drawn(message, output.mapper, "vitest")
    if shown:
        return shown
    file = output.mapper.relative(path)
    # Only the text has the line of the error.
    at_file, line, column = stack_place(_shown_below(file, "", output), output.mapper)
    return [
        Diagnostic(
            tool="vitest",
            message=shortened(first_line(message) or "the suite failed"),
            file=at_file or file,
            line=line,
            column=column,
            rule="suite",
        )
    ]


def _failure(test: dict[str, object], path: str, output: ToolOutput) -> Diagnostic:
    mapper = output.mapper
    text = plain_text("\n".join(text_of(each) for each in items(test.get("failureMessages"))[:1]))
    if _PLACEHOLDER in text:
        names = (text_of(each) for each in [*items(test.get("ancestorTitles")), test.get("title")])
        shown = _shown_below(mapper.relative(path), " > ".join(names), output)
        text = text.replace(_PLACEHOLDER, first_line(shown) or "Error: timed out")
    file, line, column = stack_place(text, mapper)
    if file is None:
        place = mapping(test.get("location"))
        file, line, column = mapper.relative(path), number(place.get("line")), number(place.get("column"))
    message = _TYPE.sub("", first_line(_FRAMES.sub("", text)))
    name = text_of(test.get("fullName")) or text_of(test.get("title"))
    message = shortened(message) or "failed"
    return Diagnostic(tool="vitest", message=message, file=file, line=line, column=column, rule=name.strip() or None)


def _shown_below(file: str | None, names: str, output: ToolOutput) -> str:
    """Returns the default reporter's text below the heading of a failed test, or of a suite if `names` is empty."""
    for match in _HEADING.finditer(output.stderr):
        if file and output.mapper.relative(match["path"]) == file and (match["names"] or "") == names:
            return _RULE_LINE.split(output.stderr[match.end() :])[0]
    return ""


def _unhandled(output: ToolOutput) -> list[Diagnostic]:
    """Returns errors outside of tests. They fail the run, although the JSON reports success."""
    found = []
    for match in _UNHANDLED.finditer(output.stderr):
        text = _RULE_LINE.split(output.stderr[match.end() :])[0]
        error = raised(text, output.mapper, "vitest")
        cause = _CAUSE.search(text)
        if error:
            found.append(replace(error, message=shortened(f"{error.message} {cause['message']}")) if cause else error)
    return found


def _not_started(output: ToolOutput) -> list[Diagnostic]:
    """Returns the error of a configuration that cannot be loaded."""
    shown = drawn(output.stderr, output.mapper, "vitest")
    if "Startup Error" in output.stderr and not _starts_with_frame(output.stderr):
        shown = []
    error = raised(output.stderr, output.mapper, "vitest")
    return shown or ([error] if error else [])


def _starts_with_frame(stderr: str) -> bool:
    """Whether the startup error itself has a drawn frame, not only a warning before it."""
    return bool(drawn(stderr.partition("Startup Error")[2], PathMapper(roots=("/",), cwd="."), ""))


def _tests(document: dict[str, object]) -> TestCounts | None:
    if not document:
        return None
    # the totals of vitest 1 count a skipped test as passed
    suites = [mapping(suite) for suite in items(document.get("testResults"))]
    found = Counter(
        text_of(mapping(test).get("status")) for suite in suites for test in items(suite.get("assertionResults"))
    )
    if found:
        passed, failed = found.pop("passed", 0), found.pop("failed", 0)
        return TestCounts(passed=passed, failed=failed, skipped=found.total())
    return TestCounts(
        passed=number(document.get("numPassedTests")) or 0,
        failed=number(document.get("numFailedTests")) or 0,
        skipped=(number(document.get("numPendingTests")) or 0) + (number(document.get("numTodoTests")) or 0),
    )


def _summary(document: dict[str, object], output: ToolOutput) -> str:
    tests = _tests(document)
    if tests is None or not (tests.passed or tests.failed or tests.skipped):
        return "no tests found" if tests is not None or _NONE.search(output.text) else ""
    named = (("failed", tests.failed), ("passed", tests.passed), ("skipped", tests.skipped))
    return ", ".join(f"{many} {name}" for name, many in named if many)
