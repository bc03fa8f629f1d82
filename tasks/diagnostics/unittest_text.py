"""Reader of the text of Django's test runner: failures, errors and counts."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, first_line, shortened
from tasks.diagnostics.tracebacks import from_trace, from_tracebacks, place, traces
from tasks.models import Diagnostic, TestCounts

_BLOCK = re.compile(
    r"^={70}\n(?P<kind>FAIL|ERROR|UNEXPECTED SUCCESS): (?P<title>.+)\n(?:(?!-{70}).*\n)*?-{70}\n", re.MULTILINE
)
_RAN = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.MULTILINE)
_FOUND = re.compile(r"^Found (\d+) test\(s\)\.$", re.MULTILINE)
_RESULT = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((?P<counts>[^)\n]*)\))?$", re.MULTILINE)
_COUNT = re.compile(r"([a-z ]+)=(\d+)")
_END = re.compile(r"^(?:={70}|-{70})$", re.MULTILINE)
_NOT_IMPORTED = "unittest.loader._FailedTest."
_ISSUE = re.compile(r"^(?P<subject>\S.*?): \((?P<id>\w+\.[EC]\d+)\) (?P<message>.+)$", re.MULTILINE)


def django_test(output: ToolOutput) -> Parsed:
    """Reads `manage.py test`."""
    text = output.text
    found = list(_findings(text, output.mapper))
    if not found:
        found = [*_issues(text), *(replace(each, tool="django") for each in from_tracebacks(output).diagnostics)]
    ran = [int(match[1]) for match in _RAN.finditer(text)]
    if not ran:
        return Parsed(diagnostics=deduplicated(found))
    results = [match["counts"] or "" for match in _RESULT.finditer(text)]
    # Some releases of Python do not count skipped tests as run.
    whole = max(ran[-1], *(int(match) for match in _FOUND.findall(text)[-1:]), 0)
    tests = _counted(whole, results[-1] if results else "")
    return Parsed(diagnostics=deduplicated(found), summary=_summary(tests), tests=tests)


def _findings(text: str, mapper: PathMapper) -> Iterator[Diagnostic]:
    for block in _BLOCK.finditer(text):
        ending = _END.search(text, block.end())
        body = text[block.end() : ending.start() if ending else len(text)]
        found = traces(body)
        trace = from_trace(found, mapper, "django")
        rule, title = _named(block["title"])
        message = f"{found[-1].type}: {trace.message}" if trace else first_line(body)
        message = found[-1].type if trace and trace.message == trace.rule else message
        file, line = place(found, mapper)
        yield Diagnostic(
            tool="django",
            message=shortened(message or f"{block['kind']}: {title}"),
            file=file,
            line=line,
            rule=rule,
        )


def _named(title: str) -> tuple[str, str]:
    """Returns the id of a test, and its name. A module that cannot be imported counts as a test of the loader."""
    name, _, rest = title.partition(" (")
    dotted = rest.partition(")")[0]
    if dotted.startswith(_NOT_IMPORTED):
        return "collection", name
    full = dotted if dotted.endswith(f".{name}") else f"{dotted}.{name}" if dotted else name
    return full, name


def _issues(text: str) -> Iterator[Diagnostic]:
    """Yields the errors of Django's system checks, which end the run before any test."""
    for match in _ISSUE.finditer(text):
        message = f"{match['subject']}: {match['message']}"
        yield Diagnostic(tool="django", message=shortened(message), rule=match["id"])


def _counted(ran: int, counts: str) -> TestCounts:
    """Returns the counts. An expected failure is neither a pass nor a failure."""
    named = {name.strip(): int(number) for name, number in _COUNT.findall(counts)}
    failed = named.get("failures", 0) + named.get("errors", 0) + named.get("unexpected successes", 0)
    skipped = named.get("skipped", 0) + named.get("expected failures", 0)
    return TestCounts(passed=max(ran - failed - skipped, 0), failed=failed, skipped=skipped)


def _summary(tests: TestCounts) -> str:
    named = ((tests.failed, "failed"), (tests.passed, "passed"), (tests.skipped, "skipped"))
    return ", ".join(f"{count} {word}" for count, word in named if count) or "no tests collected"
