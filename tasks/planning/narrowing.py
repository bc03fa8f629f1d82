"""Narrows the one chosen check to some of its tests, by the words after `--` of the command line. Pure."""

import posixpath
import re
from collections.abc import Collection
from dataclasses import replace

from tasks.errors import UsageError
from tasks.planning.plan import Plan, matching
from tasks.reason_codes import ReasonCode
from tasks.steps import Check, Command

_TEST_FILE = re.compile(r"(?P<path>[\w./-]+\.(?:py|[cm]?[jt]sx?))(?:::.*)?", re.DOTALL)
GAP = ("a whole test run", "only the tests after -- ran")
"""A capability that no engine has, so that a pass is partial."""


def reject_words(words: tuple[str, ...], *, is_whole: bool) -> None:
    """Raises UsageError if a run of whole checks is given words for one of them."""
    if words and is_whole:
        raise UsageError("words after -- do not go with --gate or --distribute: those run whole checks")


def narrow(plan: Plan, only: Collection[str], words: tuple[str, ...], files: Collection[str]) -> Plan:
    """Returns the plan in which the chosen check runs with these words. `files` are those of the tree.

    Raises UsageError unless exactly one test runner is chosen, and for a file that the tree does not have.
    """
    ids = set[str]().union(*(matching(name, plan.checks) for name in only))
    if len(ids) != 1:
        found = f" ({', '.join(sorted(ids))})" if ids else ""
        raise UsageError(f"words after -- need one check{found}: --only 'CHECK[COMPONENT]' -- {' '.join(words)}")
    (chosen,) = ids
    checks = tuple(_narrowed(check, words, files) if check.id == chosen else check for check in plan.checks)
    return replace(plan, checks=checks, whole=False)


def _narrowed(check: Check, words: tuple[str, ...], files: Collection[str]) -> Check:
    runners = [command for command in check.commands if command.selection is not None]
    if not runners and check.skip_reason is None:
        raise UsageError(f"{check.id} takes no words after --: only test runners do (pytest, django_test, vitest)")
    paths = [match["path"] for word in words if (match := _TEST_FILE.fullmatch(word))]
    fitting = [
        each for each in runners if all(posixpath.normpath(posixpath.join(each.cwd, path)) in files for path in paths)
    ]
    if paths and runners and not fitting:
        raise UsageError(f"{', '.join(paths)}: no such file in {runners[0].cwd}, where {check.id} runs")
    kept = (each for each in check.commands if each.selection is None or each in fitting)
    commands = tuple(_run_with(each, words) if each.selection else each for each in kept)
    return replace(check, commands=commands, requires=(*check.requires, GAP))


def _inside(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))


def _run_with(command: Command, words: tuple[str, ...]) -> Command:
    selection = command.selection
    assert selection is not None
    argv = command.argv[: len(command.argv) - len(selection.targets)]
    codes = set(selection.unmatched)
    return replace(
        command,
        argv=(*argv, *words),
        label=" ".join([command.label.removesuffix(f" {' '.join(selection.targets)}"), *words]),
        evidence=selection.evidence,
        empty=tuple(code for code in command.empty if code not in codes),
        verdicts=tuple(each for each in command.verdicts if each[0] not in codes),
        unfit=(*command.unfit, *((code, ReasonCode.NOTHING_SELECTED) for code in selection.unmatched)),
        explained=(*command.explained, ReasonCode.NOTHING_SELECTED),
    )
