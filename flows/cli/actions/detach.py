"""`--detach` starts a run that outlives its caller, and `status --wait` follows it to its end.

A detached run writes its text to a file, and holds the lock of another one. Both lie in the user's data directory.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.cli.arguments import Arguments, split_words
from flows.cli.invocation import Caller, absolute
from flows.cli.signals import bare_document
from flows.cli.status import render_status
from tasks.errors import EngineError, UsageError
from tasks.files import PACKAGES
from tasks.hardening import DESCRIPTOR
from tasks.locks import open_lock_file, try_lock
from tasks.report.directory import latest_of, name_of_stack, no_room, runs_in_progress
from tasks.report.layout import clean_line
from tasks.source.places import existing
from tasks.user_dirs import UserDirs, require_usable
from tasks.validation.job import new_run_id

DETACH = "--detach"
KEPT = 20
"""The texts of detached runs that are kept for a stack."""
PAUSE = 0.2
"""Seconds between two looks at a run that goes on."""
_NOT_WITH = ("list", "plan", "gate", "distribute", "watch")
_LAST_LINE = re.compile(r"PREDEPLOY (?P<word>[A-Z]+) exit=(?P<code>\d+) .*report=(?P<report>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachedRun:
    """A run that outlives its caller. `text` is the file with its output, `lock` the file that it holds locked."""

    text: Path

    @property
    def lock(self) -> Path:
        return self.text.with_suffix(".lock")

    def is_running(self) -> bool:
        """Whether the process of the run is still there."""
        return is_locked(self.lock)


def start_detached(arguments: Sequence[str], given: Arguments, caller: Caller) -> str:
    """Starts the run of these arguments in a session of its own. Returns the line that names it."""
    if wrong := [name for name in _NOT_WITH if given.options.get(name)]:
        raise UsageError(f"{DETACH} does not go with --{wrong[0]}")
    user_dirs = UserDirs.of_user()
    require_usable(user_dirs, caller.environ)
    stack = existing(absolute(given.options.get("stack") or caller.default_stack))
    run = DetachedRun(text=_home(stack, user_dirs) / f"{new_run_id()}.txt")
    own, words = split_words(arguments)
    again = [*(each for each in own if each != DETACH), *(["--", *words] if words else [])]
    try:
        pid = _start(run, again, caller)
        _remove_old(run.text.parent)
    except OSError as error:
        raise no_room(error, run.text.parent) from error
    return f'PREDEPLOY DETACHED pid={pid} text={run.text} follow="predeploy status --wait"'


def _start(run: DetachedRun, arguments: Sequence[str], caller: Caller) -> int:
    run.text.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    environ = {**caller.environ, "PYTHONPATH": str(PACKAGES)}
    argv = [sys.executable, "-P", "-m", "flows.predeploy", *arguments]
    with contextlib.ExitStack() as opened:
        lock = open_lock_file(run.lock)
        opened.callback(os.close, lock)
        try_lock(lock)  # the process inherits it, and it ends with the process
        passed = [lock]
        if caller.token is not None:
            reader, writer = os.pipe()
            opened.callback(os.close, reader)
            os.write(writer, caller.token.text.encode())
            os.close(writer)
            passed.append(reader)
            environ[DESCRIPTOR] = str(reader)
        output = opened.enter_context(run.text.open("xb"))
        process = subprocess.Popen(
            argv,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=passed,
        )
    process.returncode = 0  # this process does not wait for it
    return process.pid


def wait_for_run(stack: Path, user_dirs: UserDirs, *, as_json: bool, show: Callable[[str], None]) -> tuple[str, int]:
    """Waits for the run of a stack that is in progress. Returns its last line, or its report, and its exit code.

    `show` gets the text of a detached run as it comes. Without a run in progress, the newest verdict is returned.
    """
    root = existing(stack)
    run = newest_detached(root, user_dirs)
    latest = latest_of(root, data=user_dirs.data)
    if run and (run.is_running() or latest is None or latest.stat().st_mtime <= run.text.stat().st_mtime):
        text = _followed(run, (lambda _: None) if as_json else show)
        return _ended(text, root, user_dirs, as_json=as_json)
    waited = runs_in_progress(root, user_dirs.data)
    for directory in waited:
        while directory.exists() and is_locked(directory):
            time.sleep(PAUSE)
    newest = latest_of(root, data=user_dirs.data)
    if waited and newest == latest:
        raise EngineError("the run that was in progress has ended without a report. Start it again.", "report")
    return render_status(root, user_dirs, as_json=as_json)


def newest_detached(stack: Path, user_dirs: UserDirs) -> DetachedRun | None:
    """The newest detached run of a stack, in progress or not."""
    texts = sorted(_home(stack, user_dirs).glob("*.txt"))
    return DetachedRun(text=texts[-1]) if texts else None


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock of a file."""
    try:
        descriptor = open_lock_file(path, create=False)
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def _home(stack: Path, user_dirs: UserDirs) -> Path:
    return user_dirs.data / "detached" / name_of_stack(stack)


def _followed(run: DetachedRun, show: Callable[[str], None]) -> str:
    """Shows the lines of a run as they come, all but the last one. Returns the whole text."""
    text, shown = "", 0
    with run.text.open(encoding="utf-8", errors="replace") as file:
        while True:
            is_running = run.is_running()
            text += file.read()
            lines = text.removesuffix("\n").split("\n")[:-1]
            for line in lines[shown:]:
                show(line)
            shown = len(lines)
            if not is_running:
                return text
            time.sleep(PAUSE)


def _ended(text: str, root: Path, user_dirs: UserDirs, *, as_json: bool) -> tuple[str, int]:
    """What a detached run ended with. Its own last line counts: an older report may be in the stack."""
    last = text.removesuffix("\n").rpartition("\n")[2]
    match = _LAST_LINE.fullmatch(last)
    if match is None:
        raise EngineError("the detached run has ended without a verdict. Start it again.", "report")
    code = int(match["code"])
    if not as_json:
        return last, code
    if match["report"] != "-":
        return render_status(root, user_dirs, as_json=True)
    said = [line for line in text.splitlines() if line.startswith("predeploy: ")]
    reason = clean_line(said[-1].removeprefix("predeploy: ")) if said else "the run has no report"
    document: dict[str, Any] = bare_document(match["word"].lower(), code, reason, 0.0)
    return json.dumps(document, indent=2), code


def _remove_old(home: Path) -> None:
    """Keeps the texts of the newest runs, and of those in progress."""
    for text in sorted(home.glob("*.txt"))[:-KEPT]:
        run = DetachedRun(text=text)
        if not run.is_running():
            for path in (run.text, run.lock):
                path.unlink(missing_ok=True)
