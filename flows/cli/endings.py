"""The streams of the command line, and the ends of a run: the report on stdout, and the last line."""

import contextlib
import errno
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from flows.cli.signals import Interrupted
from flows.cli.start_time import seconds_waited
from tasks.errors import PredeployError
from tasks.models import EngineFacts, Outcome, Report, RunFacts, Verdict
from tasks.redaction.gate import redact, redact_document
from tasks.redaction.redactor import NOTHING, Redactor
from tasks.redaction.streams import mask_process, unmasked
from tasks.report.document import render_document
from tasks.report.formats import github
from tasks.report.formats.trace import render_trace
from tasks.report.inspection import Json
from tasks.report.last_line import last_line_of
from tasks.report.parts import current_parts
from tasks.validation.job import Job
from tasks.validation.report_files import masked


@dataclass(slots=True, kw_only=True)
class Streams:
    """The streams of the process. With `json_output`, stdout gets the JSON document only, and stderr the text."""

    json_output: bool
    redactor: Redactor = NOTHING

    def mask(self, redactor: Redactor) -> None:
        """From now on, no text of this process shows the value of a secret."""
        self.redactor = redactor
        mask_process(redactor)

    def mask_document(self, document: Json) -> Json:
        """Masks the JSON document. The mask of the streams could break its syntax."""
        return redact_document(document, self.redactor)

    @property
    def people(self) -> TextIO:
        """The stream for text for people."""
        return sys.stderr if self.json_output else sys.stdout


def verdict_of(error: BaseException, *, debug: bool) -> Verdict:
    """Returns the verdict of a run that ended with an error and without a report."""
    match error:
        case Interrupted():
            reason = f"{error.word} before it began"
            return Verdict(outcome=Outcome.INTERRUPTED, exit_code=error.exit_code, reason=reason)
        case PredeployError():
            outcome = Outcome.USAGE if error.exit_code == 2 else Outcome.ERRORED
            return Verdict(outcome=outcome, exit_code=error.exit_code, reason=str(error))
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        reason = "no file descriptor is left for this process. Raise its limit (ulimit -n 1024), and run again."
        return Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=reason)
    text = f"an internal error of predeploy: {type(error).__name__}: {error}. It is no verdict on the stack."
    return Verdict(outcome=Outcome.ERRORED, exit_code=3, reason=text + ("" if debug else " Details: --debug"))


def deliver(report: Report, text: str, streams: Streams) -> None:
    """Writes the report: the JSON document if `json_output` is set, the text, and the last line."""
    if streams.json_output:
        say(render_document(report, streams.mask_document).rstrip(), unmasked(sys.stdout))
    say(f"{text}\n{last_line_of(report)}", streams.people)


def tell_github(report: Report, home: Path, environ: Mapping[str, str], streams: Streams) -> None:
    """Writes annotations and the summary if GitHub Actions runs this process. The verdict stays the last line."""
    if github.is_there(environ):
        say(github.render_annotations(report, github.below_workspace(home, environ)), streams.people)
        github.append_summary(report, environ, streams.redactor.text)


def comment_on_github(report: Report, environ: Mapping[str, str]) -> None:
    """Keeps the comment on the pull request, if GitHub Actions runs this process and the settings ask for it."""
    if github.is_there(environ) and environ.get("PREDEPLOY_GITHUB_COMMENT"):
        import asyncio

        from flows.commits.pull_comment import comment_of_actions

        if warning := asyncio.run(comment_of_actions(report, environ)):
            say(f"predeploy: {warning}", sys.stderr)


def write_trace(report: Report, job: Job, path: Path) -> None:
    """Writes the trace of the run to a file. It changes no verdict: a file that cannot be written is a warning."""
    text = masked("trace.json", render_trace(report, current_parts()), job.secrets.redactor)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        say(f"predeploy: the trace was not written to {path}: {error.strerror}", sys.stderr)


def say(text: str, stream: TextIO | None) -> None:
    """Writes a line to a stream. A closed pipe or a missing stream is no error."""
    if stream is None:
        return
    with contextlib.suppress(BrokenPipeError):
        print(text, file=stream, flush=True)


def end_without_report(streams: Streams, verdict: Verdict, environ: Mapping[str, str]) -> int:
    """Reports why nothing ran: a paragraph on stderr, the document if it is wanted, and the last line."""
    verdict = replace(verdict, reason=redact(verdict.reason, streams.redactor))
    report = Report(
        verdict=verdict,
        checks=(),
        engine=EngineFacts(name="", version="", reason=""),
        run=RunFacts(id=""),
        stack="",
        tree="",
        directory="",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        duration=seconds_waited(),
    )
    say(f"predeploy: {verdict.reason}", sys.stderr)
    tell_github(report, Path(), environ, streams)
    if streams.json_output:
        say(render_document(report, streams.mask_document).rstrip(), unmasked(sys.stdout))
    say(last_line_of(report), streams.people)
    return verdict.exit_code
