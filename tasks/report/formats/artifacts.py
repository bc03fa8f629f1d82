"""The report as Prefect's artifacts: one page of Markdown and one table."""

from tasks.models import CheckReport, Outcome, Report, Result, Stage, Status
from tasks.report.compared import comparison_lines, weaker_lines, weaker_title
from tasks.report.facts import counted, engine_line, place_of, secrets_line
from tasks.report.folding import findings, headline, repetition
from tasks.report.layout import clean, clean_line

_MARKS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.ERRORED: "!", Status.SKIPPED: "○"}
_DIAGNOSTICS = 20


def report_markdown(report: Report) -> str:
    """Render the whole report as one page."""
    blocks = [f"# {inline(report_title(report))}", _facts(report)]
    blocks += [_stage(stage, report.of(stage)) for stage in Stage if report.of(stage)]
    blocks += [_trouble(check) for check in report.checks if check.result.status in (Status.FAILED, Status.ERRORED)]
    if report.verdict.outcome is Outcome.ERRORED and report.verdict.gaps:
        blocks.append("\n".join(["## Not proven", "", *(f"- {inline(gap)}" for gap in report.verdict.gaps)]))
    if said := [*comparison_lines(report)]:
        blocks.append("\n".join(["## Compared with before", "", *(f"- {inline(text)}" for text in said)]))
    if title := weaker_title(report):
        blocks.append(
            "\n".join([f"## {inline(title[:-1])}", "", *(f"- {inline(each)}" for each in weaker_lines(report))])
        )
    if report.warnings:
        blocks.append("\n".join(["## Warnings", "", *(f"- {inline(warning)}" for warning in report.warnings)]))
    if report.rerun:
        blocks.append(f"Run the red checks again: {_code(report.rerun)}")
    return clean("\n\n".join(blocks)) + "\n"


def report_table(report: Report) -> list[dict[str, str]]:
    """Render one row per check."""
    return [{name: clean_line(value) for name, value in row.items()} for row in _rows(report)]


def _rows(report: Report) -> list[dict[str, str]]:
    return [
        {
            "stage": check.stage.value,
            "check": check.name,
            "component": check.component,
            "status": "cached" if check.result.cached else check.result.status.value,
            "seconds": f"{check.result.duration:.1f}",
            "summary": _summary(check.result),
            "log": check.result.log or "",
        }
        for check in report.checks
    ]


def report_title(report: Report) -> str:
    """The verdict in a line, as plain text."""
    verdict = report.verdict
    if verdict.ready:
        return "Ready to deploy"
    if verdict.outcome is Outcome.PASSED:
        return f"Passed (partial: {'; '.join(verdict.gaps)})" if verdict.gaps else "Passed"
    word = "No verdict" if verdict.outcome is Outcome.ERRORED else verdict.outcome.capitalize()
    return f"{word}: {verdict.reason}" if verdict.reason else word


def _facts(report: Report) -> str:
    secrets = secrets_line(report)
    return "\n".join(
        [
            f"- stack: {_code(report.stack)}",
            f"- tree: {_code(report.tree)}",
            *([f"- gate: commit {_code(report.commit)}, from a clean clone"] if report.gate else []),
            f"- engine: {inline(engine_line(report))}",
            f"- {counted(len(report.checks), 'check')} in {report.duration:.1f} s, exit {report.verdict.exit_code}",
            f"- report and logs: {_code(place_of(report))}",
            *([f"- secrets: {inline(secrets)}"] if secrets else []),
        ]
    )


def _stage(stage: Stage, checks: tuple[CheckReport, ...]) -> str:
    return "\n".join([f"## {stage.capitalize()}", "", *(_line(check) for check in checks)])


def _line(check: CheckReport) -> str:
    result = check.result
    cached = ", cached" if result.cached else ""
    summary = f": {inline(_summary(result))}" if _summary(result) else ""
    return f"- {_MARKS[result.status]} {inline(check.title)} ({result.duration:.1f} s{cached}){summary}"


def _trouble(check: CheckReport) -> str:
    result = check.result
    lines = [f"### {_MARKS[result.status]} {inline(check.title)}", "", inline(result.reason or result.reason_code)]
    found = [
        " ".join(filter(None, [finding.diagnostic.location, headline(finding), repetition(finding)]))
        for finding in findings(result.diagnostics)
    ]
    if found:
        shown = found[:_DIAGNOSTICS] + ([f"and {len(found) - _DIAGNOSTICS} more"] if len(found) > _DIAGNOSTICS else [])
        lines += ["", block("\n".join(shown))]
    if check.rerun:
        lines += ["", f"Run it again: {_code(check.rerun)}"]
    return "\n".join(lines)


def _summary(result: Result) -> str:
    return result.summary if result.passed else (result.reason or result.reason_code)


def inline(text: str) -> str:
    """Text of a tool as plain text: none of it becomes markup."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in clean_line(text))


def _code(text: str) -> str:
    text = clean_line(text)
    fence = _fence(text, 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def block(text: str) -> str:
    """Text of a tool as a code block: the fence is longer than any in it."""
    fence = _fence(text, 3)
    return f"{fence}\n{text}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return "`" * max(least, longest + 1)
