"""The report as one page of HTML that needs no network: `report.html`. Pure."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tasks.models import CheckReport, Diagnostic, Outcome, Report, Severity, Stage, Status
from tasks.report.compared import comparison_lines, weaker_title
from tasks.report.facts import counted, duration_of, engine_line, gap_texts, run_line, seconds, secrets_line
from tasks.report.findings.rerun import rerun_of
from tasks.report.folding import describe, findings, headline, repetition, says
from tasks.report.formats.artifacts import report_title
from tasks.report.formats.sources import NO_SOURCES, Excerpt, PastRun, Sources
from tasks.report.formats.timeline import timeline
from tasks.report.inspection import origin
from tasks.report.layout import clean, clean_line
from tasks.report.ranking import affected, numbers, rank_fixes

_FINDINGS = 20
"""The findings of a check that the page shows. `report.json` has all of them."""
_LINE = 300
"""The characters of a line of code that are shown."""
_SIGNS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.ERRORED: "!", Status.SKIPPED: "○"}
_WORDS = {Status.PASSED: "passed", Status.FAILED: "failed", Status.ERRORED: "no verdict", Status.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An earlier run in the chart: its left edge, and the height of its duration, in percent."""

    run: PastRun
    left: float
    width: float
    height: float


def render_page(report: Report, sources: Sources = NO_SOURCES) -> str:
    """The page. Text of tools is escaped, and the policy of the page allows no script but its own."""
    style, script = _part("page.css"), _part("page.js")
    fixes, more = rank_fixes(report)
    return _template().render(
        report=report,
        sources=sources,
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        style_hash=_hash(style),
        script_hash=_hash(script),
        title=report_title(report),
        stages=[(stage, report.of(stage)) for stage in Stage if report.of(stage)],
        bars=timeline(report),
        columns=columns(sources.runs),
        fixes=fixes,
        more_fixes=more,
        gaps=gap_texts(report) if report.verdict.gaps else [],
        result=report.verdict.outcome,
        facts=[(name, fact) for name, fact in _facts(report) if fact],
        numbers=numbers(report) or f"{counted(len(report.checks), 'check')} passed",
        compared=[*comparison_lines(report)],
        weaker_title=weaker_title(report).removesuffix(":"),
        past=_past(sources.runs),
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    return [
        ("Stack", clean_line(report.stack)),
        ("Started", report.started_at),
        ("Duration", seconds(report.duration)),
        ("Exit code", str(report.verdict.exit_code)),
        ("Engine", engine_line(report)),
        ("Commit", report.commit),
        ("Tree", report.tree),
        ("Run", run_line(report)),
        ("Secrets", secrets_line(report)),
    ]


def columns(runs: Sequence[PastRun]) -> list[Column]:
    """The chart: a column for each run, as high as its part of the longest run."""
    longest = max((run.duration for run in runs), default=0.0) or 1.0
    width = 100 / max(len(runs), 10)
    return [
        Column(
            run=run,
            left=round(number * width, 2),
            width=round(width * 0.8, 2),
            height=round(max(4, 100 * run.duration / longest), 2),
        )
        for number, run in enumerate(runs)
    ]


def _past(runs: Sequence[PastRun]) -> str:
    """`3 earlier runs: 2 passed, 1 failed`."""
    outcomes = [run.outcome for run in runs]
    parts = [f"{outcomes.count(each)} {each}" for each in Outcome if each in outcomes]
    return f"{counted(len(runs), 'earlier run')}: {', '.join(parts)}" if runs else ""


def _shown(check: CheckReport) -> list[Any]:
    return [*findings(check.result.diagnostics)[:_FINDINGS]]


def _hidden(check: CheckReport) -> int:
    return max(0, len(findings(check.result.diagnostics)) - _FINDINGS)


def _excerpt(sources: Sources, diagnostic: Diagnostic) -> Excerpt:
    found = sources.excerpts.get((diagnostic.file or "", diagnostic.line or 0), ())
    return tuple((number, clean(text)[:_LINE]) for number, text in found)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tasks.report.formats", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clean": clean, "line": clean_line, "seconds": seconds, "origin": origin}
    environment.globals |= {
        "affected": affected,
        "describe": describe,
        "duration_of": duration_of,
        "excerpt": _excerpt,
        "headline": headline,
        "hidden": _hidden,
        "repetition": repetition,
        "rerun_of": rerun_of,
        "says": says,
        "shown": _shown,
        "signs": _SIGNS,
        "words": _WORDS,
        "ERROR": Severity.ERROR,
    }
    return environment.get_template("page.html")


@cache
def _part(name: str) -> str:
    loader = PackageLoader("tasks.report.formats", "templates")
    return loader.get_source(Environment(autoescape=True), name)[0].strip()


def _hash(text: str) -> str:
    """The digest by which the policy of the page admits an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
