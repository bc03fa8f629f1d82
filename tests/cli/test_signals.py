"""Signals at every moment of a run: the verdict line is the last line, and no process of the run remains."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from tests.cli.caller import Call, Caller, Ended, is_alive, processes_of, wait_for
from tests.cli.stack import TinyStack
from tests.support.validate import copy_sample

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
BOTH = pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
# What a check does that has much to leave behind: a child in a session of its own, and files.
BUSY = "setsid sleep 600 & echo $! > $1/child; echo half > made; echo $$ $HOME > $1/begun; exec sleep 600"
# The same, and SIGTERM is nothing to it.
STUBBORN = "trap '' TERM; echo $$ $HOME > $1/begun; while :; do sleep 600; done"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A stack and its caller; by default the stack has one quick check and one endless check."""

    stack: TinyStack
    caller: Caller

    def start(self, *flags: str) -> Call:
        return self.caller.start(self.stack.root, *flags)

    def begun(self) -> tuple[int, Path]:
        """Waits for the endless check; returns its process id and its home."""
        wait_for(lambda: self.stack.mark("begun").exists() and self.stack.mark("begun").read_text(), "the long check")
        pid, home = self.stack.mark("begun").read_text().split()
        return int(pid), Path(home)


@pytest.fixture
def scene(stack: TinyStack, caller: Caller) -> Scene:
    stack.has("quick")
    stack.has("busy", BUSY, needs="quick")
    stack.has("after", stage="integration", needs="busy")
    return Scene(stack=stack, caller=caller)


def catches_signals(call: Call) -> bool:
    """Whether the process has installed a handler for SIGTERM."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{call.process.pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def assert_interrupted(ended: Ended, scene: Scene, number: signal.Signals) -> None:
    """Asserts exit code and verdict line, and that no process and no temporary file remains."""
    ended.assert_ended(CODES[number], "INTERRUPTED")
    assert_gone(ended, scene)
    assert scene.stack.hidden == []


def assert_gone(ended: Ended, scene: Scene) -> None:
    """No process of the run is left."""
    (run,) = scene.stack.runs or [""]
    pids = [int(path.read_text().split()[0]) for path in scene.stack.marks.iterdir() if path.name in {"begun", "child"}]
    wait_for(lambda: not any(map(is_alive, pids)), "the end of the check's processes")
    wait_for(lambda: not processes_of(session=ended.session, run=run), "the end of the run's processes")


def before_anything(scene: Scene, call: Call) -> None:
    wait_for(lambda: catches_signals(call), "the first handler")


def while_importing(scene: Scene, call: Call) -> None:
    before_anything(scene, call)
    time.sleep(0.1)


def while_reading(scene: Scene, call: Call) -> None:
    wait_for(scene.stack.mark("git").exists, "git")


def while_entering(scene: Scene, call: Call) -> None:
    wait_for(lambda: list((scene.stack.root / ".predeploy/runs").glob(".*.partial")), "the run's directory")


def while_running(scene: Scene, call: Call) -> None:
    scene.begun()


MOMENTS = (before_anything, while_importing, while_reading, while_entering, while_running)
Moment = Callable[[Scene, Call], None]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@BOTH
def test_signal_ends_the_run(scene: Scene, tmp_path: Path, moment: Moment, number: signal.Signals) -> None:
    before = scene.stack.content()
    if moment is while_reading:
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "git").write_text(f"#!/bin/sh\ntouch {scene.stack.mark('git')}\nexec sleep 600\n")
        (programs / "git").chmod(0o755)
        path = f"{programs}:{scene.caller.variables['PATH']}"
        scene = replace(scene, caller=replace(scene.caller, environ={**scene.caller.environ, "PATH": path}))
    if moment in {before_anything, while_importing}:
        scene = replace(scene, caller=replace(scene.caller, how="exec"))
    call = scene.start()
    moment(scene, call)

    call.press(number)
    ended = call.wait()

    assert_interrupted(ended, scene, number)
    assert scene.stack.content() == before
    if moment is while_running:
        report = scene.stack.report()
        assert (report["result"], report["exit_code"]) == ("interrupted", CODES[number])
        shown = {line.split()[1]: line.split()[0] for line in ended.stderr.splitlines() if line[0] in "✓!○"}
        assert shown == {"quick": "✓", "busy": "!", "after:": "○"}


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3, 0.6, 1.0])
def test_signal_at_any_time(green: TinyStack, caller: Caller, delay: float) -> None:
    scene = Scene(stack=green, caller=replace(caller, how="exec"))
    call = scene.start("--json-output")
    time.sleep(delay)
    has_handler = catches_signals(call)

    call.press(signal.SIGINT)
    ended = call.wait()

    if not has_handler:
        # Python was still starting: the kernel or Python's own handler ended the process
        assert ended.code in {-signal.SIGINT, 130} or "init_import_site" in ended.stderr
    elif ended.code:
        assert_interrupted(ended, scene, signal.SIGINT)
        assert (ended.document["result"], ended.document["exit_code"]) == ("interrupted", 130)
    else:
        # the report was already published
        ended.assert_ended(0, "PASSED")
        assert green.report() == ended.document


@pytest.fixture
def busy_server() -> Iterator[str]:
    """A server that answers every GET with an empty 200. The command line waits 15 seconds for such a server."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()


@pytest.mark.real
@pytest.mark.network
def test_ctrl_c_while_packages_are_installed(caller: Caller, tmp_path: Path) -> None:
    scene = Scene(
        stack=TinyStack(root=tmp_path / "cafe", marks=tmp_path), caller=replace(caller, home=tmp_path / "home")
    )
    copy_sample(scene.stack.root)
    before = scene.stack.content()
    call = scene.start("--only", "worker_container")
    assert call.process.stderr is not None
    read_until(call.process.stderr, b"installing")
    time.sleep(0.5)

    call.press(signal.SIGINT)
    ended = call.wait()

    assert_interrupted(ended, scene, signal.SIGINT)
    assert scene.stack.content() == before


@BOTH
def test_signal_during_the_wait_for_prefect(
    green: TinyStack, caller: Caller, tmp_path: Path, number: signal.Signals, busy_server: str
) -> None:
    (tmp_path / "prefect.py").write_text("import time; time.sleep(600)\n")
    environ = {"PREFECT_API_URL": busy_server}
    scene = Scene(stack=green, caller=replace(caller, paths=(tmp_path,), environ=environ))
    call = scene.start()
    assert call.process.stderr is not None
    read_until(call.process.stderr, b"waiting for Prefect's server")

    call.press(number)
    ended = call.wait()

    ended.assert_ended(CODES[number], "INTERRUPTED")
    assert scene.stack.report()["exit_code"] == CODES[number]
    assert "when all checks were done" in str(scene.stack.report()["reason"])
    assert scene.stack.hidden == []


def read_until(stream: IO[bytes], words: bytes) -> None:
    while line := stream.readline():
        if words in line:
            return
    raise AssertionError(f"{words!r} was never printed")


def test_second_signal_ends_the_run_at_once(stack: TinyStack, caller: Caller) -> None:
    stack.has("stubborn", STUBBORN)
    scene = Scene(stack=stack, caller=caller)
    call = scene.start()
    scene.begun()

    call.press(signal.SIGINT)
    time.sleep(0.2)
    call.press(signal.SIGINT)
    ended = call.wait()

    assert_interrupted(ended, scene, signal.SIGINT)
    assert "again" in ended.stderr


def test_check_that_ignores_sigterm_does_not_delay_the_end(stack: TinyStack, caller: Caller) -> None:
    stack.has("stubborn", STUBBORN)
    scene = Scene(stack=stack, caller=caller)
    call = scene.start()
    scene.begun()

    call.press(signal.SIGTERM)
    ended = call.wait()

    assert_interrupted(ended, scene, signal.SIGTERM)


def test_sigkill_leaves_no_process_and_the_next_run_cleans_up(scene: Scene, tmp_path: Path) -> None:
    """The temporary directory is its own: in a shared one, the run of another test would clean up first."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    scene = replace(scene, caller=replace(scene.caller, environ={**scene.caller.environ, "TMPDIR": str(temporary)}))
    call = scene.start()
    _, home = scene.begun()
    (partial,) = scene.stack.hidden

    call.press(signal.SIGKILL)
    ended = call.wait()

    assert ended.code == -signal.SIGKILL
    assert_gone(ended, scene)
    assert processes_of(session=-1, run=partial.removeprefix(".").removesuffix(".partial")) == []
    assert scene.stack.hidden == [partial]
    assert home.exists()
    scene.caller.run(scene.stack.root, "--only", "quick").assert_ended(0, "PASSED")
    assert scene.stack.hidden == []
    assert not home.exists()


@pytest.mark.parametrize("ignored", [signal.SIGHUP, signal.SIGINT], ids=["nohup", "in the background"])
def test_signal_that_the_caller_ignores_is_ignored(green: TinyStack, caller: Caller, ignored: signal.Signals) -> None:
    green.has("waits", "touch $1/begun; while ! [ -e $1/sent ]; do sleep 0.05; done")
    call = caller.start(green.root, preexec_fn=lambda: signal.signal(ignored, signal.SIG_IGN))
    wait_for(green.mark("begun").exists, "the check")

    call.process.send_signal(ignored)
    green.mark("sent").touch()

    call.wait().assert_ended(0, "PASSED")
