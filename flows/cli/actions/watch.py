"""`--watch` validates again after each edit. Results of checks that no edit touches are those of earlier runs.

Each run is a fork of this process: a run takes secrets out of its environment and changes its directory, so it cannot
happen twice in one process. After the first run this process imports all that runs need, Prefect included.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from threading import Thread
from typing import Any, NoReturn

from flows.cli.actions.explain import reported
from flows.cli.actions.warm import import_for_runs
from flows.cli.arguments import Arguments, split_words
from flows.cli.endings import say
from flows.cli.invocation import Caller, absolute
from flows.cli.signals import STOPPING, Interrupted, Interruption, leave, leaving
from flows.cli.start_time import restart, started
from flows.cli.status import newest_place, read_document, render_status
from flows.cli.witness import post_witness
from tasks.errors import PredeployError, UsageError
from tasks.execution.reuse.machine import own_code
from tasks.report.parts import begin_parts
from tasks.source.places import existing
from tasks.source.tree import read_tree
from tasks.user_dirs import REPORTS, UserDirs, require_usable

WATCH = "--watch"
_NOT_WITH = ("list", "plan", "gate", "distribute", "detach", "json_output", "publish", "export_image", "export_built")
_IGNORED = frozenset({".git", REPORTS, "node_modules", "__pycache__", ".venv"})
"""Directories whose changes start no run. The digest of the tree decides on all others."""
_QUIET, _LOOK = 200, 500
"""Milliseconds without a further edit before a run begins, and between two looks for a signal."""
Main = Callable[..., int]


@dataclass(slots=True, kw_only=True)
class StackWatch:
    """A stack that is validated after each edit. `child` is the process of the run in progress, `came` a signal."""

    root: Path
    arguments: Sequence[str]
    caller: Caller
    main: Main
    load_flow: Callable[[], Any]
    user_dirs: UserDirs = field(default_factory=UserDirs.of_user)
    is_warm: bool = False
    child: int = 0
    came: Signals | None = None

    def signalled(self, number: Signals) -> None:
        """Stops the run in progress, which is in a process group of its own; then the watch ends."""
        self.came = number
        if self.child:
            os.kill(self.child, number)

    def digest(self) -> str:
        """The digest of the files; empty while they cannot be validated."""
        try:
            return read_tree(self.root, self.user_dirs.cache / "digests").digest
        except PredeployError:
            return ""

    def run(self) -> int:
        """Validates the stack once, in a fork. Returns the exit code."""
        sys.stdout.flush()
        sys.stderr.flush()
        reader, writer = os.pipe()  # only this process has the writer: its end ends the run
        self.child = os.fork()
        if self.child == 0:
            os.close(writer)
            self._run_in_fork(reader)
        os.close(reader)
        _, status = os.waitpid(self.child, 0)
        os.close(writer)
        self.child = 0
        return os.waitstatus_to_exitcode(status)

    def _run_in_fork(self, reader: int) -> NoReturn:
        code = 3
        try:
            os.setpgid(0, 0)
            restart()
            begin_parts(started())
            leaving.clear()
            post_witness()
            Thread(target=_end_with_watch, args=(reader,), daemon=True).start()
            sys.argv = [sys.argv[0], *self.arguments]
            token = self.caller.token.text if self.caller.token else None
            code = self.main(token=token, load_flow=self.load_flow)
            sys.stdout.flush()
            sys.stderr.flush()
            leave()
        finally:
            os._exit(code)

    def warm_up(self) -> None:
        """Makes the next runs start at once. Where this fails, each run imports what it needs."""
        if not self.is_warm:
            self.is_warm = True
            with suppress(Exception):
                self.load_flow = import_for_runs(self.load_flow, self.user_dirs.cache)

    def wait_for_edit(self, seen: str) -> None:
        """Waits until the files differ from those of a digest, or a signal has come."""
        from watchfiles import watch

        def is_of_the_stack(_: object, path: str) -> bool:
            return not _IGNORED.intersection(Path(path).relative_to(self.root).parts)

        looks: Iterator[set[Any]] = watch(
            self.root,
            watch_filter=is_of_the_stack,
            debounce=_QUIET,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        next(looks)  # from here on no edit is lost, so one before it is found now
        changed = self.digest() != seen
        while not changed and self.came is None:
            changed = bool(next(looks, ())) and self.digest() != seen


def watch_stack(
    arguments: Sequence[str], given: Arguments, caller: Caller, interruption: Interruption, main: Main
) -> tuple[str, int]:
    """Validates a stack after each edit, until a signal comes. Returns the newest verdict and its exit code."""
    if wrong := [name for name in _NOT_WITH if given.options.get(name)]:
        raise UsageError(f"{WATCH} does not go with --{wrong[0].replace('_', '-')}")
    try:
        import watchfiles  # noqa: F401 - the first edit is too late for this error
    except ImportError as error:
        text = f"{WATCH} needs the package watchfiles ({error}). Install it: pip install 'predeploy[watch]'"
        raise UsageError(text) from error
    import flows.cli.session  # noqa: F401 - each run is a fork that has it imported

    own_code()  # the forks run the code of now, whatever is on the disk later
    own, words = split_words(arguments)
    again = [*(each for each in own if each != WATCH), *(["--", *words] if words else [])]
    root = existing(absolute(given.options.get("stack") or caller.default_stack)).resolve()
    watch = StackWatch(root=root, arguments=again, caller=caller, main=main, load_flow=caller.load_flow)
    require_usable(watch.user_dirs, caller.environ)
    interruption.polite = watch.signalled
    before: Mapping[str, Any] | None = None
    while watch.came is None:
        seen = watch.digest()
        watch.run()
        after = _newest(watch)
        for line in [*changes_of(before, after), "Watching for edits. Ctrl-C ends."]:
            say(line, sys.stderr)
        before = after or before
        watch.warm_up()
        watch.wait_for_edit(seen)
    if before is None:
        raise Interrupted(*STOPPING[watch.came])
    return render_status(root, watch.user_dirs, as_json=False)


def _end_with_watch(reader: int) -> None:
    """Interrupts the run in this process when the process of the watch has ended, for example by SIGKILL."""
    os.read(reader, 1)
    os.kill(os.getpid(), Signals.SIGTERM)


def _newest(watch: StackWatch) -> Mapping[str, Any] | None:
    try:
        return read_document(newest_place(watch.root, watch.user_dirs))
    except PredeployError:
        return None


def changes_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    """A line for each check with another status than before, and for another verdict. Pure."""
    if before is None or after is None:
        return
    known = {check["id"]: check["status"] for check in reported(before)}
    for check in reported(after):
        was = known.get(check["id"], check["status"])
        if was != check["status"]:
            yield f"{check['id']}: {was} -> {check['status']}"
    if before["result"] != after["result"]:
        yield f"verdict: {before['result']} -> {after['result']}"
