"""Reader of pytest's text: failures, errors, collection, usage and counts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, first_line, number, shortened
from tasks.diagnostics.tracebacks import from_trace, from_tracebacks, traces
from tasks.models import Diagnostic, TestCounts

_SECTION = re.compile(r"^=+ (ERRORS|FAILURES|[a-zA-Z].*) =+$")
_TITLE = re.compile(r"^_+ (?!_ )(.+) _+$")
_CAPTURED = re.compile(r"^-+ (?:Captured .*|live log .*) -+$")
_FRAME = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+): (?:in .+|[A-Z]\w+)$")
_FILE_LINE = re.compile(r"^file (?P<path>.+), line (?P<line>\d+)$|^E\s+File \"(?P<path2>.+)\", line (?P<line2>\d+)")
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Warning|Failed|Interrupt)): ?(?P<text>.*)$")
_SUMMARY = re.compile(r"^(?P<kind>FAILED|ERROR) (?P<node>.+?)(?: - (?P<message>.*))?$", re.MULTILINE)
_WHEN = re.compile(r"^ERROR (?:at (?P<phase>setup|teardown|call) of|collecting) (?P<what>.+)$")
_LAST = re.compile(
    r"^=* ?(?P<counts>(?:\d+ [a-z]+(?:, )?)+|no tests (?:ran|collected)(?:, .+)?) in [\d.]+s.*$", re.MULTILINE
)
_COUNT = re.compile(r"(\d+) ([a-z]+)")
_USAGE = re.compile(r"^(?:ERROR: (?!usage:)|.*: error: )(?P<message>.+)$", re.MULTILINE)
_USAGE_PLACE = re.compile(
    r"^(?P<path>/[^:\n]+?)(?::(?P<line>\d+))?: (?P<message>.+?)(?: \(at line (?P<at>\d+), column \d+\))?$"
)
_INIFILE = re.compile(r"^[ \t]+inifile: (/.+)$", re.MULTILINE)
_CONFTEST = re.compile(r"^ImportError while loading conftest '(.+)'\.$", re.MULTILINE)
_MISMATCH = re.compile(
    r"imported module '(?P<module>[^'\n]+)' has this __file__ attribute:\n(?:E )?\s*(?P<imported>\S.*)\n"
    r".*not the same as the test file we want to collect:\n(?:E )?\s*(?P<wanted>\S.*)"
)
_STOPPED = re.compile(r"^!+ (?:_pytest\.outcomes\.Exit: )?(?!Interrupted|stopping|xdist)(.+?) !+$", re.MULTILINE)
_COVERAGE = re.compile(r"^FAIL (Required test coverage.+)$", re.MULTILINE)
_WORKER = "[gw"
_CHAIN = ("The above exception was the direct cause", "During handling of the above exception")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """What pytest shows of one failure or error, without what the test printed."""

    title: str
    lines: tuple[str, ...]


def pytest(output: ToolOutput) -> Parsed:
    """`pytest --verbosity=0 --tb=short -rfE --color=no`."""
    nodes = [(match["kind"], match["node"], match["message"] or "") for match in _SUMMARY.finditer(output.stdout)]
    found: list[Diagnostic] = []
    for block in _blocks(output.stdout):
        node = _take_node(nodes, block.title)
        found.append(_finding(block, node, output.mapper))
    found.extend(_unshown(nodes, found, output.mapper))
    found.extend(_outside_tests(output))
    if not found:
        found.extend(_usage(output) or [replace(each, tool="pytest") for each in from_tracebacks(output).diagnostics])
    last = [match["counts"] for match in _LAST.finditer(output.stdout)]
    tests, summary = _counted(last[-1]) if last else (None, "")
    return Parsed(diagnostics=deduplicated(found), summary=summary, tests=tests)


def _blocks(text: str) -> Iterator[_Block]:
    """The blocks below the headings ERRORS and FAILURES."""
    reading, title, muted = False, "", False
    lines: list[str] = []
    for line in text.splitlines():
        section, heading = _SECTION.match(line), _TITLE.match(line)
        if section or (reading and heading):
            if title:
                yield _Block(title=title, lines=tuple(lines))
            title, lines, muted = "", [], False
            reading = section[1] in {"ERRORS", "FAILURES"} if section else True
            title = heading[1] if heading and not section else ""
        elif _CAPTURED.match(line):
            muted = True
        elif title and not muted:
            lines.append(line)
    if title:
        yield _Block(title=title, lines=tuple(lines))


def _take_node(nodes: list[tuple[str, str, str]], title: str) -> str:
    """The id that the short summary gives to what a heading names; each is used once."""
    when = _WHEN.match(title)
    kind, wanted = ("ERROR", when["what"]) if when else ("FAILED", title)
    for index, (word, node, _) in enumerate(nodes):
        file, _, name = node.partition("::")
        if word == kind and (name.replace("::", ".") == wanted or node == wanted or (file == wanted and not when)):
            return nodes.pop(index)[1]
    return ""


def _finding(block: _Block, node: str, mapper: PathMapper) -> Diagnostic:
    frames: list[tuple[str, str]] = []
    said: list[str] = []
    for line in block.lines:
        frame, at = _FRAME.match(line), _FILE_LINE.match(line)
        if line.startswith(_CHAIN):
            # What follows was raised in place of this, and is what counts.
            said.clear()
        if frame:
            frames.append((frame["path"], frame["line"]))
        elif at:
            frames.append((at["path"] or at["path2"], at["line"] or at["line2"]))
            said.extend((line[1:].strip(),) if at["path2"] else ())
        elif line.startswith("E "):
            said.append(line[1:].strip())
    when = _WHEN.match(block.title)
    own = [(mapper.own(path), number(line)) for path, line in frames]
    file, line_number = next(((file, line) for file, line in reversed(own) if file), (None, None))
    if file is None:
        collected = when["what"] if when and not when["phase"] else ""
        file = mapper.own((node or collected).partition("::")[0]) if node or collected else None
    shown = "\n".join(line for line in block.lines if not line.startswith(_WORKER))
    message = _mismatch(shown, mapper) or _message(said) or first_line(shown) or "failed"
    phase = when["phase"] if when else None
    return Diagnostic(
        tool="pytest",
        message=shortened(f"error at {phase}: {message}" if phase else message),
        file=file,
        line=line_number,
        rule=node if "::" in node else block.title if not when else "collection",
    )


def _mismatch(text: str, mapper: PathMapper) -> str:
    """Returns the message for two test files with one module name: pytest shows both paths on later lines."""
    found = _MISMATCH.search(text)
    if found is None:
        return ""
    first, second = (mapper.relative(path) or path for path in (found["imported"], found["wanted"]))
    advice = "rename one, or put an __init__.py into their directories"
    return f"import file mismatch: {second} has the module name {found['module']} of {first}; {advice}"


def _message(said: list[str]) -> str:
    """The first line of the assertion; for a syntax error the last one, as its source stands first."""
    if said and said[0].startswith('File "'):
        source = next((line for line in said[1:] if line), "")
        return f"{said[-1]}: {source}" if len(said) > 1 else said[0]
    return next((line for line in said if line), "")


def _unshown(nodes: list[tuple[str, str, str]], found: list[Diagnostic], mapper: PathMapper) -> Iterator[Diagnostic]:
    """Failures that stand in the short summary alone."""
    known = {(finding.file, finding.rule) for finding in found}
    for _, node, message in nodes:
        path, _, name = node.partition("::")
        file = mapper.own(path) if path.endswith((".py", ".txt", ".md", ".rst")) else None
        rule = node if name else "collection"
        if file and (file, rule) not in known:
            yield Diagnostic(tool="pytest", message=shortened(message or "failed"), file=file, rule=rule)


def _outside_tests(output: ToolOutput) -> Iterator[Diagnostic]:
    """What ended the run itself: an internal error, a conftest, an exit, too little coverage."""
    inner = "\n".join(line for line in output.text.splitlines() if line.startswith("INTERNALERROR>"))
    crashed = from_trace(traces(inner), output.mapper, "pytest") if inner else None
    if crashed:
        message = f"INTERNALERROR: {crashed.rule}: {crashed.message}"
        yield Diagnostic(tool="pytest", message=message, file=crashed.file, line=crashed.line, rule="internal_error")
    conftest = _CONFTEST.search(output.stderr)
    if conftest:
        block = _Block(
            title="ERROR collecting " + conftest[1], lines=tuple(output.stderr[conftest.end() :].splitlines())
        )
        yield _finding(block, "", output.mapper)
    for pattern, rule in ((_STOPPED, "exit"), (_COVERAGE, "coverage")):
        for match in pattern.finditer(output.stdout):
            yield Diagnostic(tool="pytest", message=shortened(match[1]), rule=rule)


def _usage(output: ToolOutput) -> list[Diagnostic]:
    """Options, paths and configuration that pytest does not take."""
    found = []
    inifile = _INIFILE.search(output.stderr)
    for match in _USAGE.finditer(output.stderr):
        placed = _USAGE_PLACE.match(match["message"])
        found.append(
            Diagnostic(
                tool="pytest",
                message=shortened(placed["message"] if placed else match["message"]),
                file=output.mapper.relative(placed["path"] if placed else inifile[1] if inifile else ""),
                line=number(placed["line"] or placed["at"]) if placed else None,
                rule="usage",
            )
        )
    return found


def _counted(summary: str) -> tuple[TestCounts, str]:
    """The counts, and pytest's own words without its warnings. An expected failure is no pass and no failure."""
    counts = {word.rstrip("s") if word.startswith("error") else word: int(n) for n, word in _COUNT.findall(summary)}
    tests = TestCounts(
        passed=counts.get("passed", 0) + counts.get("xpassed", 0),
        failed=counts.get("failed", 0) + counts.get("error", 0),
        skipped=counts.get("skipped", 0) + counts.get("xfailed", 0),
    )
    if not tests.passed and not tests.failed and not tests.skipped:
        return tests, "no tests collected"
    return tests, ", ".join(part for part in summary.split(", ") if "warning" not in part)
