"""The output for GitHub Actions: well-formed commands, and no commands from the output of tools."""

import re
from pathlib import Path

import pytest

from tasks.models import Outcome, Severity, Status
from tasks.report.formats.github import (
    SHOWN,
    SUMMARY_BYTES,
    append_summary,
    below_workspace,
    render_annotations,
    render_summary,
)
from tests.report import factories as make

COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:\n\r]*,?)*)::(.*)")


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Parses commands like the runner: one per line, with unescaped properties and data."""

    def plain(escaped: str) -> str:
        for code, letter in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
            escaped = escaped.replace(code, letter)
        return escaped

    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match[2].split(","))
        found.append((match[1], {name: plain(value) for name, _, value in pairs}, plain(match[3])))
    return found


def failed(*diagnostics: object, status: Status = Status.FAILED, **over: object) -> str:
    mypy = make.result("mypy", status, diagnostics=diagnostics, **over)
    return render_annotations(make.report(Outcome.FAILED, checks=make.checks(mypy=mypy)), "examples/cafe")


def test_a_finding_is_shown_at_its_line() -> None:
    text = failed(make.diagnostic("it is 100% wrong,\nreally: so", "apps/web/a,b:c.py", 3, column=7, rule="arg-type"))

    ((command, properties, message),) = read(text)
    assert (command, message) == ("error", "it is 100% wrong,\nreally: so [arg-type]")
    assert properties == {"file": "examples/cafe/apps/web/a,b:c.py", "line": "3", "col": "7", "title": "mypy"}


def test_output_of_a_tool_begins_no_command() -> None:
    hostile = make.diagnostic("x\n::stop-commands::now\r\n::add-mask::a\u2028::error::b", "a\n::error::b.py", 1)

    for case in (*make.CASES.values(),):
        read(render_annotations(case()))
    assert len(failed(hostile).splitlines()) == 1


@pytest.mark.parametrize("case", ["green_full", "green_partial", "green_selected"])
def test_a_pass_has_no_annotations(case: str) -> None:
    assert render_annotations(make.CASES[case]()) == ""


def test_red_check_without_a_finding_is_shown_with_its_reason() -> None:
    text = failed(status=Status.ERRORED, reason="the registry does not answer", reason_code="registry_unreachable")

    assert read(text) == [("error", {"title": "mypy"}, "the registry does not answer")]


def test_number_of_annotations_is_limited_and_errors_come_first() -> None:
    errors = [make.diagnostic(f"error {number}", "a.py", number) for number in range(1, 30)]
    warnings = [
        make.diagnostic(f"warning {number}", "a.py", number, severity=Severity.WARNING) for number in range(1, 30)
    ]

    kinds = [command for command, _, _ in read(failed(*warnings, *errors))]

    assert kinds == ["error"] * SHOWN + ["warning"] * SHOWN


def test_gate_without_full_proof_names_its_gaps() -> None:
    ((_, properties, message),) = read(render_annotations(make.gate_short()))

    assert properties == {"title": "predeploy"}
    assert make.NO_IMAGE in message


def test_run_that_did_not_begin_has_its_reason() -> None:
    ((_, _, message),) = read(render_annotations(make.usage()))

    assert message.startswith("Nothing to do: --only mipy")


def test_a_summary_is_never_too_long_to_be_shown(tmp_path: Path) -> None:
    long = make.diagnostic("wörter " * 30_000, "a.py", 1)
    checks = make.checks(**{name: make.result(name, Status.FAILED, diagnostics=(long,)) for name in make.TIMES})
    text = render_summary(make.report(Outcome.FAILED, checks=checks))

    assert SUMMARY_BYTES - 300_000 < len(text.encode()) <= SUMMARY_BYTES
    assert text.endswith("it is in the report.\n")
    assert render_summary(make.one_failed()).startswith("# Failed")


def test_summary_is_appended_to_the_page(tmp_path: Path) -> None:
    place = tmp_path / "summary.md"
    place.write_text("before\n")

    append_summary(make.green_full(), {"GITHUB_STEP_SUMMARY": str(place)})
    append_summary(make.green_full(), {"GITHUB_STEP_SUMMARY": str(tmp_path / "nowhere/summary.md")})
    append_summary(make.green_full(), {})

    assert place.read_text().startswith("before\n# Ready to deploy\n")


def test_stack_is_named_relative_to_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "examples/cafe").mkdir(parents=True)
    environ = {"GITHUB_WORKSPACE": str(tmp_path)}

    assert below_workspace(tmp_path / "examples/cafe", environ) == "examples/cafe"
    assert below_workspace(tmp_path, environ) == "."
    assert below_workspace(tmp_path.parent, environ) == "."
    assert below_workspace(tmp_path, {}) == "."


def test_page_is_masked_after_it_is_rendered(tmp_path: Path) -> None:
    place = tmp_path / "summary.md"

    append_summary(make.green_full(), {"GITHUB_STEP_SUMMARY": str(place)}, lambda text: text.replace("# Ready", "***"))

    assert place.read_text().startswith("*** to deploy")
