"""Answers a command from its receipt, before the imports that a run needs."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.user_dirs import UserDirs

FRESH = "--fresh"
WORDS_OF_A_RUN = frozenset({FRESH, "--gate", "--list", "--plan", "--detach", "--distribute", "--watch", "--help", "-h"})
"""Arguments of commands that no receipt answers."""
RED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the command prints, and its exit code. `people` goes to stderr if there is a document for stdout."""

    people: str
    document: str = ""
    code: int = 0


@dataclass(slots=True)
class AskedCommand:
    """The command of this process, as it was before a run changed its variables; empty if it answers no other one."""

    command: bytes = b""


ASKED = AskedCommand()


def answer(arguments: Sequence[str], environ: Mapping[str, str], *, has_token: bool) -> Answer | None:
    """Returns the answer of a receipt, or None if the command has to run. Never raises for a bad receipt."""
    if arguments and arguments[0] == "status" and not has_token:
        return _status_of(arguments[1:], environ)
    if has_token or WORDS_OF_A_RUN.intersection(arguments) - {FRESH} or "GITHUB_ACTIONS" in environ:
        return None
    if arguments and arguments[0].isalpha() and not Path(arguments[0]).is_dir():
        return None  # a subcommand
    from flows.cli.receipt.facts import command_of, request_file, request_of
    from tasks.execution.reuse.sealed import read_sealed, read_secret
    from tasks.user_dirs import UserDirs

    ASKED.command = command_of(arguments, environ)
    if FRESH in arguments:  # it has no receipt, but two of them at once join
        return None
    user_dirs = UserDirs.of_user()
    if not (secret := read_secret(user_dirs.data)):
        return None
    content = read_sealed(request_file(user_dirs.cache, request_of(ASKED.command, secret)), secret)
    return _answer_of(json.loads(content), user_dirs.cache, environ, secret) if content else None


def _answer_of(receipt: Any, cache: Path, environ: Mapping[str, str], secret: bytes) -> Answer | None:
    from flows.cli.receipt.facts import current_facts, usable

    now, root = time.time(), Path(os.fsdecode(receipt["root"].encode("utf-8", "surrogateescape")))
    if not now <= receipt["until"] or not (report := Path(receipt["report"])).is_file():
        return None
    if not usable(receipt, current_facts(root, cache, environ, secret), now):
        return None
    return Answer(
        people=f"{receipt['text']}\n{head_of(receipt, now)}\n{last_line_of(receipt)}",
        document=report.read_text(encoding="utf-8") if receipt["json"] else "",
    )


def _status_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Answer | None:
    """Returns the answer to `status` with an optional stack; None for other flags and for mistakes."""
    from flows.cli.status import render_status
    from tasks.errors import PredeployError
    from tasks.report.stream_style import detect_style
    from tasks.user_dirs import UserDirs

    flags = {each for each in arguments if each.startswith("-")}
    stacks = [each for each in arguments if not each.startswith("-")] or [environ.get("PREDEPLOY_STACK") or "."]
    if flags - {"--json-output", "--require-receipt"} or len(stacks) != 1:
        return None
    stack, user_dirs = Path(stacks[0]).absolute(), UserDirs.of_user()
    try:
        if "--require-receipt" in flags:
            text, code = require_receipt(stack, user_dirs, environ)
        else:
            text, code = render_status(stack, user_dirs, as_json="--json-output" in flags)
    except PredeployError:  # the command line reports it
        return None
    return Answer(people=detect_style(sys.stdout, environ).spell(text), code=code)


def require_receipt(stack: Path, user_dirs: "UserDirs", environ: Mapping[str, str]) -> tuple[str, int]:
    """Returns the receipt of the newest whole run of a stack as text, and 0; or what is wrong, and 3.

    A hook of git has git's own programs on PATH, which no check uses.
    """
    from flows.cli.receipt.facts import current_facts, stack_file, usable
    from tasks.execution.reuse.sealed import read_sealed, read_secret
    from tasks.source.places import existing

    root, secret, now = existing(stack), read_secret(user_dirs.data), time.time()
    content = read_sealed(stack_file(user_dirs.cache, root), secret) if secret else b""
    receipt = json.loads(content) if content else None
    places = environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(each for each in places if each != environ.get("GIT_EXEC_PATH"))
    if receipt is None:
        return "No receipt: no run of all checks has passed on these files. Run predeploy.", RED
    if not usable(receipt, current_facts(root, user_dirs.cache, {**environ, "PATH": path}, secret), now):
        return f"The receipt of the run {receipt['run']} is out of date: something has changed. Run predeploy.", RED
    return f"{head_of(receipt, now)}\n{last_line_of({**receipt, 'shown': receipt['report']})}", 0


def head_of(receipt: Any, now: float) -> str:
    """Returns the sentence that says whose report this is."""
    from tasks.report.facts import span

    age = span(max(now - receipt["at"], 0.0))
    return f"Nothing has changed since the run {receipt['run']}, {age} ago: this is its report. To run all: --fresh"


def last_line_of(receipt: Any) -> str:
    """Returns the last line of the run, with all checks cached and the seconds of this command."""
    from flows.cli.start_time import seconds_waited
    from tasks.models import Outcome
    from tasks.report.last_line import last_line

    counts = {name: int(receipt["counts"][name]) for name in ("checks", "skipped")}
    return last_line(
        Outcome.PASSED,
        0,
        **counts,
        cached=counts["checks"] - counts["skipped"],
        seconds=seconds_waited(),
        engine=receipt["engine"],
        report=receipt["shown"],
    )
