"""Completion in shells: what argcomplete answers for the beginning of a line."""

import io
import json
import os
from pathlib import Path

import argcomplete
import pytest

from flows.cli.actions.completion import SHELLS, check_names, completing_parser, shell_code
from tasks.catalogue import NAMES
from tasks.errors import UsageError
from tasks.report.document import render_document
from tests.report import factories as make


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, a stack with a report."""
    run = tmp_path / ".predeploy/runs/one"
    run.mkdir(parents=True)
    (run / "report.json").write_text(render_document(make.green_full()))
    (tmp_path / ".predeploy/latest").symlink_to("runs/one")
    (tmp_path / "stacks").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name, value in {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("_ARGCOMPLETE_IFS", "\n")
    out = io.StringIO()

    def end(code: int) -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit, match="0"):
        argcomplete.autocomplete(
            completing_parser(line), always_complete_options="long", exit_method=end, output_stream=out
        )
    return [word.strip() for word in out.getvalue().split("\n")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("predeploy --fa", ["--fail-fast"]),
        ("predeploy sta", ["status", "stacks"]),
        ("predeploy stacks --eng", ["--engine"]),
        ("predeploy --engine d", ["dagger"]),
        ("predeploy --stage b", ["build"]),
        ("predeploy --only ruff", ["ruff_check"]),
        ("predeploy --skip 'mypy[ap", ["mypy[apps/web]"]),
        ("predeploy rerun --jo", ["--jobs"]),
        ("predeploy explain lock_s", ["lock_stale"]),
        ("predeploy explain migrate", ["migrate"]),
        ("predeploy completion z", ["zsh"]),
        ("predeploy doctor sta", ["stacks"]),
        ("predeploy init --ag", ["--agents"]),
    ],
)
def test_words_are_completed(line: str, expected: list[str], stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = completed(line, monkeypatch)

    assert [word.rstrip("/") for word in found] == expected or set(expected) <= {word.rstrip("/") for word in found}


def test_names_come_from_the_newest_report_or_from_the_page(stack: Path, tmp_path: Path) -> None:
    assert check_names(stack)[:2] == ["django_container", "django_container[apps/web]"]
    assert set(check_names(tmp_path / "stacks")) >= NAMES
    (stack / ".predeploy/latest/report.json").write_text(json.dumps({"stages": []}))
    assert set(check_names(stack)) >= NAMES


@pytest.mark.parametrize("shell", SHELLS)
def test_code_of_a_shell_calls_predeploy(shell: str) -> None:
    code = shell_code(shell)

    assert "_ARGCOMPLETE" in code
    assert "predeploy" in code


def test_unknown_shell_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="there are: bash, zsh, fish"):
        shell_code("tcsh")


def test_environment_of_the_tests_asks_for_no_completion() -> None:
    assert "_ARGCOMPLETE" not in os.environ
