"""Completion in shells: what argcomplete answers for the beginning of a line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.actions.completion import SHELLS, check_names, shell_code
from tasks.catalogue import NAMES
from tasks.errors import UsageError
from tasks.report.document import render_document
from tests.report import factories as make
from tests.support.validate import ROOT

LINES = {
    "predeploy --fa": ["--fail-fast"],
    "predeploy sta": ["status", "stacks"],
    "predeploy stacks --eng": ["--engine"],
    "predeploy --engine d": ["dagger"],
    "predeploy --stage b": ["build"],
    "predeploy --only ruff": ["ruff_check", r"ruff_check\[apps/web\]"],
    "predeploy rerun --jo": ["--jobs"],
    "predeploy explain lock_s": ["lock_stale"],
    "predeploy completion z": ["zsh"],
    "predeploy doctor sta": ["stacks"],
    "predeploy init --ag": ["--agents"],
}
# argcomplete takes the file descriptors 8 and 9 of its process, and closes them
ANSWER = """
import contextlib, io, json, os, sys
import argcomplete
from flows.cli.actions.completion import completing_parser

def end(code):
    raise SystemExit(code)

answers = {}
for line in json.load(sys.stdin):
    os.environ |= {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\\n", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        parser = completing_parser(line)
        argcomplete.autocomplete(parser, always_complete_options="long", exit_method=end, output_stream=out)
    answers[line] = out.getvalue().split("\\n")
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack with a report."""
    place = tmp_path_factory.mktemp("completion")
    run = place / ".predeploy/runs/one"
    run.mkdir(parents=True)
    (run / "report.json").write_text(render_document(make.green_full()))
    (place / ".predeploy/latest").symlink_to("runs/one")
    (place / "stacks").mkdir()
    return place


@pytest.fixture(scope="module")
def answers(stack: Path) -> dict[str, list[str]]:
    """What a shell in the stack gets for each line."""
    command, environ = [sys.executable, "-c", ANSWER], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=stack, env=environ, input=json.dumps([*LINES]), capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("line", LINES)
def test_words_are_completed(line: str, answers: dict[str, list[str]]) -> None:
    assert [word.strip().rstrip("/") for word in answers[line]] == LINES[line]


def test_names_come_from_the_newest_report_or_from_the_page(stack: Path, tmp_path: Path) -> None:
    assert check_names(stack)[:2] == ["django_container", "django_container[apps/web]"]
    assert set(check_names(tmp_path)) >= NAMES
    (tmp_path / ".predeploy/latest").mkdir(parents=True)
    (tmp_path / ".predeploy/latest/report.json").write_text(json.dumps({"stages": []}))
    assert set(check_names(tmp_path)) >= NAMES


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


IN_SHELLS = {
    "bash": """source <(predeploy completion bash)
        COMP_LINE='predeploy --only ruff'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=2; COMP_TYPE=9
        _python_argcomplete predeploy ruff --only
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "fish": "predeploy completion fish | source; complete -C 'predeploy --only ruff'",
}


@pytest.mark.parametrize("shell", IN_SHELLS)
def test_shell_that_has_the_code_completes_names_of_checks(shell: str, stack: Path, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    command = tmp_path / "predeploy"
    # the program removes the first directory of its path: it is the one of the script
    path = f"sys.path[:0] = ['', {str(ROOT)!r}]"
    command.write_text(f"#!{sys.executable}\nimport sys\n{path}\nfrom predeploy_command import main\nmain()\n")
    command.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    done = subprocess.run(
        [shell, "-c", IN_SHELLS[shell]], cwd=stack, env=environ, capture_output=True, text=True, check=True
    )

    assert [line.replace("\\", "").strip() for line in done.stdout.splitlines()] == [
        "ruff_check",
        "ruff_check[apps/web]",
    ], done.stderr
