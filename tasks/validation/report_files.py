"""The files of a run's report: one for each kind of reader, next to its logs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from tasks.models import Report
from tasks.redaction.gate import redact, redact_document
from tasks.redaction.redactor import Redactor
from tasks.report.directory import RunDirectory
from tasks.report.document import render_document, render_summary
from tasks.report.style import Style
from tasks.report.text import render_text
from tasks.source.git import ask_git
from tasks.validation.job import Job


def report_files(report: Report, job: Job, directory: RunDirectory) -> dict[str, str]:
    """Returns the text of each file by its name. No text has the value of a secret, in whatever form it was written.

    A format that cannot be written is a warning in the report: it changes no verdict.
    """
    report = replace(report, place="")  # readers of the files have another directory
    files: dict[str, str] = {}
    for name, render in _renderers(report, job, directory):
        try:
            files[name] = render()
        except Exception as error:
            warning = f"{name} was not written: {type(error).__name__}: {error}. Please report this error of predeploy."
            report = replace(report, warnings=(*report.warnings, warning))
    files = {
        "report.json": render_document(report),
        "report.txt": render_text(report, Style(unicode=True)),
        "summary.json": json.dumps(render_summary(report), indent=2) + "\n",
        **files,
    }
    return {name: masked(name, text, job.secrets.redactor) for name, text in files.items()}


def masked(name: str, text: str, redactor: Redactor) -> str:
    """Returns the text of a file without a value. JSON is masked in its strings, so that it stays JSON."""
    if not redactor:
        return text
    if not name.endswith((".json", ".sarif")):
        return redact(text, redactor)
    document = json.loads(text)
    hidden = redact_document(document, redactor)
    return text if hidden == document else json.dumps(hidden, indent=2) + "\n"


def _renderers(report: Report, job: Job, directory: RunDirectory) -> Iterator[tuple[str, Callable[[], str]]]:
    """The formats of other programs. They are imported late: the one of HTML takes longer than the others together."""
    from tasks.report.formats.artifacts import report_markdown
    from tasks.report.formats.gitlab import render_code_quality
    from tasks.report.formats.junit import render_junit
    from tasks.report.formats.sarif import render_sarif
    from tasks.report.formats.trace import render_trace
    from tasks.report.parts import current_parts

    below = ask_git(job.scope.home, "rev-parse", "--show-prefix").removesuffix("/") or "."
    yield "report.md", partial(report_markdown, report)
    yield "junit.xml", partial(render_junit, report, below)
    yield "report.sarif", partial(render_sarif, report, below)
    yield "gl-code-quality-report.json", partial(render_code_quality, report, below)
    yield "trace.json", partial(render_trace, report, current_parts())
    yield "report.html", partial(_page, report, job, directory)


def _page(report: Report, job: Job, directory: RunDirectory) -> str:
    from tasks.report.formats.page import render_page
    from tasks.report.formats.sources import read_sources

    tree = job.scope.tree
    return render_page(report, read_sources(report, tree.root, tree.files, directory.working, directory.final.parent))
