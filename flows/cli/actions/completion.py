"""Completion of the command line in bash, zsh and fish, by argcomplete: flags, subcommands, stages and checks.

The names of checks come from the newest report of the stack, so that the answer takes no discovery.
"""

import argparse
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.cli.actions.explain import checks_of
from flows.cli.arguments import make_parsers
from flows.cli.declarations import PROGRAMS, SUBCOMMANDS
from tasks.catalogue.explanations import explanations
from tasks.errors import UsageError
from tasks.files import page
from tasks.models import Stage
from tasks.user_dirs import REPORTS

VARIABLE = "_ARGCOMPLETE"
"""The variable that the functions of a shell set when they ask for a completion."""
SHELLS = ("bash", "zsh", "fish")
CHOICES: Mapping[str, Iterable[str]] = {
    "stages": [stage.value for stage in Stage],
    "engine": ("auto", "dagger", "local"),
    "output": ("auto", "human", "agent"),
}
LARGEST = 5_000_000
"""Bytes of a report that is read for its names."""


def shell_code(shell: str) -> str:
    """Returns the code that a shell reads at its start. Raises UsageError for an unknown shell."""
    from argcomplete.shell_integration import shellcode

    if shell not in SHELLS:
        raise UsageError(f"{shell}: no such shell; there are: {', '.join(SHELLS)}")
    return str(shellcode(["predeploy"], shell=shell)).strip()


def complete(environ: Mapping[str, str]) -> None:
    """Answers the question of a shell, and ends the process."""
    import argcomplete

    argcomplete.autocomplete(completing_parser(environ.get("COMP_LINE", "")), always_complete_options="long")


def completing_parser(line: str) -> argparse.ArgumentParser:
    """Returns the parser for a line that is not complete, with the words that each argument may have."""
    words = _words(line)
    checks = check_names(_stack_in(words))
    known = {**CHOICES, "only": checks, "skip": checks}

    def take(subcommand: str, action: argparse.Action) -> None:
        if action.dest in known:
            action.completer = _Words(known[action.dest])  # type: ignore[attr-defined]
        elif action.dest == "operand":
            named = SHELLS if subcommand == "completion" else (*checks, *explanations())
            action.completer = _Words(named)  # type: ignore[attr-defined]
        elif action.dest == "stack":
            action.completer = _Directory(() if subcommand else (*SUBCOMMANDS, *PROGRAMS))  # type: ignore[attr-defined]

    root, parsers = make_parsers("predeploy", take)
    return root if len(words) > 1 and words[1] in SUBCOMMANDS else parsers[""]


class _Words:
    """Completes a word from a list."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def __call__(self, **_: Any) -> tuple[str, ...]:
        return self.words


class _Directory:
    """Completes a directory, or one of some other words."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def __call__(self, prefix: str, **_: Any) -> list[str]:
        from argcomplete.completers import DirectoriesCompleter

        found: Iterable[str] = DirectoriesCompleter()(prefix=prefix)
        return [*(word for word in self.words if word.startswith(prefix)), *found]


def check_names(stack: Path) -> list[str]:
    """Returns names and ids of the checks in the newest report of a stack; without one, the names of all checks."""
    report = stack / REPORTS / "latest/report.json"
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if report.stat().st_size <= LARGEST:
            stages = json.loads(report.read_text(encoding="utf-8"))["stages"].values()
            found = [(check["name"], check["id"]) for stage in stages for check in stage["checks"]]
            return list(dict.fromkeys(str(name) for pair in found for name in pair))
    return [*checks_of(page("checks.md").read_text(encoding="utf-8"))]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote is open
        return line.split()


def _stack_in(words: list[str]) -> Path:
    """Returns the first word that is a directory, else the current directory."""
    named = (Path(word) for word in words[1:] if not word.startswith("-") and word not in SUBCOMMANDS)
    return next((path for path in named if path.is_dir()), Path(os.curdir))
