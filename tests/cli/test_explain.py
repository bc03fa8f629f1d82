"""`predeploy explain`: the meaning of codes, checks and findings, with what the newest report has of them."""

from pathlib import Path
from typing import Any

import pytest

from flows.cli.actions.explain import checks_of, finding_lines, render_explanation
from tasks.catalogue import NAMES
from tasks.errors import UsageError
from tasks.files import page
from tasks.report.document import render_document, to_document
from tasks.user_dirs import UserDirs
from tests.cli.caller import Caller
from tests.report import factories as make


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A stack whose newest report has a broken settings module."""
    run = tmp_path / ".predeploy/runs/one"
    run.mkdir(parents=True)
    (run / "report.json").write_text(render_document(make.broken_settings()))
    (tmp_path / ".predeploy/latest").symlink_to("runs/one")
    return tmp_path


def explain(what: str, stack: Path) -> str:
    return render_explanation(what, stack, UserDirs.of_user())


def test_code_is_explained_without_a_report(tmp_path: Path) -> None:
    first, second, last = explain("lock_stale", tmp_path).splitlines()

    assert first == "lock_stale: the lock does not fit the manifest."
    assert second == "What usually fixes it: make the lock again with its package manager, and commit it."
    assert last.endswith("docs/checks.md")


def test_check_is_explained_with_its_newest_result(stack: Path) -> None:
    text = explain("pytest", stack)

    assert "pytest: a pass proves that the tests pass" in text
    assert "In the newest run: pytest[apps/web] failed [usage]: pytest ended with 4" in text
    assert "run it again: predeploy --only pytest" in text
    assert explain("pytest[apps/web]", stack).splitlines()[1:] == text.splitlines()[1:]


def test_finding_is_explained_with_its_cause(stack: Path) -> None:
    document: Any = to_document(make.broken_settings())
    mypy = next(each for each in document["stages"]["quality"]["checks"] if each["name"] == "mypy")

    lines = explain(mypy["diagnostics"][0]["fingerprint"], stack).splitlines()

    assert lines[0] == "apps/web/config/settings.py:41:18: error of mypy [no rule]"
    assert lines[2].startswith("Its cause has 3 errors in django_container[apps/web], ruff_check[apps/web], mypy[")
    assert lines[3] == "Run it again: predeploy --only mypy"


@pytest.mark.parametrize(
    ("what", "message"),
    [("lock_stail", "did you mean lock_stale"), ("0123456789abcdef", "no finding with this fingerprint")],
)
def test_unknown_words_are_usage_errors(what: str, message: str, stack: Path) -> None:
    with pytest.raises(UsageError, match=message):
        explain(what, stack)


def test_every_check_is_in_the_table_of_the_page() -> None:
    assert {*checks_of(page("checks.md").read_text())} >= NAMES


def test_finding_without_a_place_is_shown() -> None:
    finding = {"fingerprint": "f" * 16, "file": None, "line": None, "column": None, "severity": "error", "tool": "uv"}
    finding |= {"rule": None, "message": "stale", "fix": "uv lock", "cause": None, "rerun": None}
    check = {"id": "a", "rerun": "predeploy --only a", "diagnostics": [finding]}

    assert [*finding_lines("f" * 16, {"stages": {"build": {"checks": [check]}}})] == [
        "no file: error of uv [no rule]",
        "stale",
        "Fix: uv lock",
        "Run it again: predeploy --only a",
    ]


def test_explain_is_a_subcommand_with_an_operand(caller: Caller) -> None:
    explained, without = caller.run("explain", "registry"), caller.run("explain")

    assert (explained.code, explained.stderr) == (0, "")
    assert explained.stdout.startswith("registry: the package registry does not answer.")
    without.assert_ended(2, "USAGE")
    assert "WHAT" in without.stderr
