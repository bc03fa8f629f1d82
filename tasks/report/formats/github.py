"""The report where GitHub Actions shows it: annotations at file and line, and a summary of the step."""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tasks.comparison import Weakening
from tasks.models import Report, Severity, Status
from tasks.report.formats.artifacts import report_markdown
from tasks.report.formats.places import FoundPlace, red_places
from tasks.report.layout import clean, clean_line, encodable, shorten

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
SHOWN = 10
"""The number of annotations of a kind that GitHub shows for a step. The report has all of them."""
LONGEST = 600
SUMMARY_BYTES = 1_000_000
"""A summary of more than 1 MiB is not shown at all."""
CUT = "\n\nThis page is too short for the rest: it is in the report.\n"


def is_there(environ: Mapping[str, str]) -> bool:
    """Whether GitHub Actions reads the output."""
    return environ.get("GITHUB_ACTIONS", "").lower() == "true"


def below_workspace(stack: Path, environ: Mapping[str, str]) -> str:
    """The stack's directory relative to the checkout, as GitHub names files."""
    with suppress(KeyError, ValueError, OSError):
        return stack.resolve().relative_to(Path(environ["GITHUB_WORKSPACE"]).resolve()).as_posix()
    return "."


def append_summary(report: Report, environ: Mapping[str, str], mask: Callable[[str], str] = str) -> None:
    """Adds the summary to the step's page, if there is one. A page that cannot be written changes no verdict."""
    place = environ.get("GITHUB_STEP_SUMMARY", "")
    with suppress(OSError):
        if place:
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(mask(render_summary(report)))


def render_annotations(report: Report, below: str = ".") -> str:
    """Workflow commands, a line each: findings of red checks at their places, or the reason why there is no pass.

    `below` is the stack's directory in the repository.
    """
    lines = [*_of_checks(report, below)]
    weaker = [_weaker(each, below) for each in report.compared.gate.found[:SHOWN]]
    if report.verdict.exit_code and not lines:
        reasons = [clean_line(report.verdict.reason) or report.verdict.outcome.value, *report.verdict.gaps]
        lines = [_command("error", "; ".join(reasons), title="predeploy")]
    return "\n".join([*lines, *weaker])


def render_summary(report: Report) -> str:
    """Markdown for the step's page, no longer than is shown."""
    text = encodable(report_markdown(report))
    data = text.encode()
    if len(data) <= SUMMARY_BYTES:
        return text
    return data[: SUMMARY_BYTES - len(CUT)].decode(errors="ignore").rpartition("\n")[0] + CUT


def _of_checks(report: Report, below: str) -> Iterator[str]:
    found = red_places(report)
    for severity, command in COMMANDS.items():
        some = [each for each in found if each.diagnostic.severity is severity]
        for each in some[:SHOWN]:
            yield _annotation(command, each, below)
    for check in report.checks:
        result = check.result
        is_red = result.status in {Status.FAILED, Status.ERRORED}
        if is_red and not any(each.severity is Severity.ERROR for each in result.diagnostics):
            yield _command("error", result.reason or result.reason_code or result.status.value, title=check.title)


def _weaker(found: Weakening, below: str) -> str:
    """A warning where the gate got weaker."""
    path = posixpath.normpath(posixpath.join(below, found.file)) if found.file else None
    return _command("warning", found.text, title="The gate got weaker", file=path, line=found.line or None)


def _annotation(command: str, found: FoundPlace, below: str) -> str:
    diagnostic = found.diagnostic
    place: dict[str, str | int | None] = {}
    if diagnostic.file:
        place["file"] = posixpath.normpath(posixpath.join(below, diagnostic.file))
        place |= {"line": diagnostic.line, "col": diagnostic.column if diagnostic.line else None}
    return _command(command, found.message, title=found.title, **place)


def _command(command: str, message: str, **properties: str | int | None) -> str:
    """One workflow command, escaped: no text in it can end it early or begin another command."""
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    return f"::{command} {given}::{_data(shorten(clean(message), LONGEST, '…'))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
