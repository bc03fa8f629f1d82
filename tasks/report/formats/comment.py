"""The report as one comment on a pull request: Markdown that mentions no user and links to no foreign page. Pure."""

from tasks.models import Outcome, Report, Severity, Status
from tasks.report.compared import comparison_lines, weaker_lines, weaker_title
from tasks.report.facts import counted, seconds
from tasks.report.findings.fingerprints import fingerprints
from tasks.report.folding import describe
from tasks.report.formats.artifacts import block, inline, report_title
from tasks.report.layout import clean_line, encodable, shorten
from tasks.report.ranking import numbers

FINDINGS = 20
_LINE = 300
LONGEST = 60_000
"""The characters of a comment. GitHub accepts 65,536."""


def comment_marker(context: str) -> str:
    """The first line of a comment, which GitHub does not show: it is found again by it."""
    return f"<!-- predeploy: {context.replace('--', '-')} -->"


def render_comment(report: Report, context: str, links: dict[str, str]) -> str:
    """The comment: the verdict, findings that the base lacks, what is not theirs, the weaker gate, and links."""
    blocks = [comment_marker(context), f"### {_safe(report_title(report))}", _facts(report)]
    new, known = _findings(report)
    if new:
        title = "New findings" if report.compared.base else "Findings"
        more = [f"and {len(new) - FINDINGS} more"] if len(new) > FINDINGS else []
        blocks += [f"**{title}**", block("\n".join([*new[:FINDINGS], *more]))]
    if known:
        base = _safe(report.compared.base)
        blocks.append(f"Not of this pull request: {counted(known, 'finding')} that {base} has too.")
    if said := [*comparison_lines(report)]:
        blocks.append("\n".join(f"- {_safe(line)}" for line in said))
    if title := weaker_title(report):
        blocks += [f"**{_safe(title)}**", block("\n".join(weaker_lines(report)))]
    if report.rerun and report.verdict.outcome is not Outcome.PASSED:
        blocks += ["Run the red checks again:", block(clean_line(report.rerun))]
    blocks += [" · ".join(f"[{name}]({url})" for name, url in links.items())] if links else []
    text = encodable("\n\n".join(blocks))
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(chr(10))[0]}\n```\nand more in the report"


def _facts(report: Report) -> str:
    said = numbers(report) or f"{counted(len(report.checks), 'check')} passed."
    commit = f" Commit `{report.commit[:10]}`." if report.commit else ""
    return f"{_safe(said)} {seconds(report.duration)}, exit code {report.verdict.exit_code}.{commit}"


def _findings(report: Report) -> tuple[list[str], int]:
    """The errors that the base lacks, with the reasons of checks without a verdict; and the number of other errors."""
    new: list[str] = []
    known = 0
    for check in report.checks:
        result = check.result
        if result.status is Status.ERRORED:
            new.append(_line(f"{check.id}: no verdict: {result.reason or result.reason_code}"))
        if result.status is Status.FAILED:
            for each, mark in zip(result.diagnostics, fingerprints(result.diagnostics), strict=True):
                if (check.id, mark) in report.compared.on_base:
                    known += 1
                elif each.severity is Severity.ERROR:
                    new.append(_line(f"{each.location}  {describe(each)}" if each.location else describe(each)))
    return new, known


def _line(text: str) -> str:
    return shorten(clean_line(text), _LINE, "…")


def _safe(text: str) -> str:
    """Text of a tool, without markup, mentions and links."""
    return inline(clean_line(text)).replace("@", "&#64;").replace("://", ":&#47;/")
