"""The progress views: on pipes, on streams that break, and on a real pseudo terminal."""

import asyncio
import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from tasks.models import Status
from tasks.report.board import Board, PlannedChecks
from tasks.report.live import Progress, open_progress
from tasks.report.style import Style
from tasks.report.terminal import first_lines
from tests.report import factories as make
from tests.report.screen import Screen

ROOT = Path(__file__).parents[2]
PEOPLE = Style(colour=False, unicode=True, width=80)
PLAN = {"mypy[a]": "mypy", "pytest[a]": "pytest", "site[b]": "coffee-shop site"}
FAILED = make.result(
    "pytest",
    Status.FAILED,
    reason="2 failed",
    diagnostics=(make.diagnostic("assert 1 == 2", "tests/test_a.py", 7), make.diagnostic("boom", "tests/test_b.py", 9)),
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(stream: io.TextIOBase | None, mode: Literal["human", "agent"] = "human", beat: float = 60.0) -> Progress:
    return open_progress(stream, mode=mode, style=PEOPLE, interactive=False, beat=beat)  # type: ignore[arg-type]


def play(progress: Progress) -> None:
    progress.begin(PlannedChecks(titles=PLAN))
    progress.note("installing Node 22")
    for check in PLAN:
        progress.started(check)
    progress.finished("mypy[a]", make.result("mypy"))
    progress.finished("pytest[a]", FAILED)
    progress.finished("site[b]", make.result("site", Status.SKIPPED, reason="needs pytest, which failed"))


def wait_for(stream: io.StringIO, text: str) -> str:
    deadline = time.monotonic() + 10
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.005)
    return stream.getvalue()


def test_plain_lines_for_people() -> None:
    stream = io.StringIO()
    progress = lines(stream)

    play(progress)
    progress.close()

    assert stream.getvalue().splitlines() == [
        "· installing Node 22",
        "✓ mypy (3.1s)",
        "✗ pytest (2.4s): 2 failed",
        "○ coffee-shop site: needs pytest, which failed",
    ]


def test_agents_get_failures_only() -> None:
    stream = io.StringIO()
    progress = lines(stream, "agent")

    play(progress)
    progress.finished("migrate", make.result("migrate", Status.ERRORED, reason="Postgres ended"))
    progress.close()

    assert stream.getvalue().splitlines() == [
        "failed: pytest[a]: tests/test_a.py:7: assert 1 == 2 (and 1 more)",
        "errored: migrate: Postgres ended",
    ]


@pytest.mark.parametrize("mode", ["human", "agent"])
def test_sign_of_life_names_running_checks_with_their_times(mode: Literal["human", "agent"]) -> None:
    stream, clock = io.StringIO(), Clock()
    noon = datetime(2026, 11, 30, 12, 0, 5, tzinfo=UTC)
    progress = open_progress(
        stream, mode=mode, style=PEOPLE, interactive=False, beat=0.01, clock=clock, wall=lambda: noon
    )
    at = " at 12:00:05 UTC" if mode == "agent" else ""

    wait_for(stream, f"· still at work; 0 of 0 done after 0s{at}\n")
    progress.begin(PlannedChecks(titles=PLAN))
    progress.started("pytest[a]")
    clock.now += 22
    progress.started("mypy[a]")
    clock.now += 12
    said = wait_for(stream, f"· still running: pytest 34s, mypy 12s; 0 of 3 done after 34s{at}\n")
    progress.close()

    assert "mypy (" not in said


async def test_signs_of_life_continue_with_a_blocked_event_loop() -> None:
    stream = io.StringIO()
    progress = lines(stream, beat=0.01)

    await asyncio.to_thread(progress.started, "mypy[a]")
    time.sleep(0.2)  # noqa: ASYNC251 - this is the blocking

    progress.close()
    assert stream.getvalue().count("still running: mypy[a]") > 3


def test_nothing_is_written_after_close() -> None:
    stream = io.StringIO()
    progress = lines(stream, beat=0.001)
    wait_for(stream, "still at work")

    progress.close()
    before = stream.getvalue()
    play(progress)
    progress.close()
    time.sleep(0.02)

    assert stream.getvalue() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "predeploy-progress"]


def test_broken_pipe_ends_the_output() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        progress = lines(stream)
        os.close(reading)

        play(progress)
        progress.close()

        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())  # the rest of the buffer needs a destination when the stream is closed
        os.close(devnull)


def test_closed_or_missing_stream_ends_the_output() -> None:
    stream = io.StringIO()
    stream.close()

    for nowhere in (stream, None):
        progress = lines(nowhere)
        play(progress)
        progress.close()


def test_ascii_stream_gets_ascii_only() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    progress = open_progress(stream, mode="human", style=Style(False, False, 80), interactive=False)

    play(progress)
    progress.note("naïve")
    progress.close()

    assert b"x pytest (2.4s): 2 failed" in raw.getvalue()
    assert rb"- na\xefve" in raw.getvalue()


def test_rich_is_imported_for_terminals_only() -> None:
    code = """
import io, sys
from tasks.report.live import open_progress
from tasks.report.style import Style
for mode in ("human", "agent"):
    open_progress(io.StringIO(), mode=mode, style=Style(), interactive=False).close()
open_progress(io.StringIO(), mode="agent", style=Style(), interactive=True).close()
raise SystemExit("rich" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


PLAY = """
import os, sys, time
from tasks.models import Result, Status
from tasks.report.board import PlannedChecks
from tasks.report.live import open_progress
from tasks.report.stream_style import detect_style, is_interactive
style = detect_style(sys.stderr, os.environ)
progress = open_progress(sys.stderr, mode="human", style=style, interactive=is_interactive(sys.stderr, os.environ))
progress.begin(PlannedChecks(titles={f"c{n}": f"check {n}" for n in range(int(sys.argv[1]))}))
progress.note("starting Postgres")
for n in range(int(sys.argv[1])):
    progress.started(f"c{n}")
time.sleep(0.5)
progress.finished("c0", Result(check="c0", status=Status.PASSED, duration=0.5))
progress.finished("c1", Result(check="c1", status=Status.FAILED, duration=0.5, reason="2 findings"))
time.sleep(1.0)
print("a stray warning", file=sys.stderr)
sys.stdin.readline()
progress.close()
print("REPORT")
"""


class Terminal:
    """A process on a pseudo terminal of its own."""

    def __init__(
        self, checks: int, *more: str, code: str = PLAY, rows: int = 24, columns: int = 80, **environ: str
    ) -> None:
        self.master, slave = pty.openpty()
        modes = termios.tcgetattr(slave)
        modes[3] &= ~termios.ECHO  # the test's key presses
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "CI", "COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(checks), *more],
            cwd=ROOT,
            env={**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environ},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def read(self, until: str = "") -> str:
        """The output up to a text, or up to the end."""
        deadline = time.monotonic() + 20
        while not (until and until in self.text):
            assert time.monotonic() < deadline, self.text
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                read = os.read(self.master, 65536)
            except OSError:
                break
            self.text += read.decode()
            if not read:
                break
        return self.text

    def leave(self) -> int:
        """The exit code of a process that ends by itself."""
        return self.process.wait(10)

    def hang_up(self) -> None:
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def end(self) -> None:
        self.hang_up()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def on_terminal() -> Iterator[Callable[..., Terminal]]:
    """Starts processes on terminals, and ends them."""
    terminals: list[Terminal] = []

    def start(*arguments: Any, **more: Any) -> Terminal:
        terminals.append(Terminal(*arguments, **more))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.end()


def test_live_view_shows_running_checks_and_is_cleared_at_the_end(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(4)

    middle = Screen(terminal.read("a stray warning") and terminal.read("\x1b[2K"))
    during = [Screen(part).shown() for part in terminal.text.split("\x1b[?25l")]
    os.write(terminal.master, b"\n")
    end = Screen(terminal.read())

    assert terminal.leave() == 0
    assert not middle.cursor
    seen = "\n".join(line for screen in during for line in screen)
    for text in ("✓ check 0 (0.5s)", "✗ check 1 (0.5s): 2 findings", "check 2 1s", "2 of 4 done · 1s"):
        assert text in seen
    assert end.cursor
    assert [line for line in end.shown() if line] == ["a stray warning", "REPORT"]
    assert "\x1b[32m✓ check 0" in terminal.text


def test_the_live_view_fits_a_small_terminal(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(30, rows=10, columns=30, NO_COLOR="1")

    middle = Screen(terminal.read("a stray warning")).shown()
    os.write(terminal.master, b"\n")
    end = Screen(terminal.read()).shown()

    assert terminal.leave() == 0
    assert 8 <= len(middle) <= 10
    assert max(map(len, middle)) <= 30
    assert end == ["a stray warning", "REPORT"]
    assert "\x1b[3" not in terminal.text


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("style", [Style(True, True, 80), Style(False, False, 80)], ids=["colour", "plain ASCII"])
def test_live_view_fits_each_width(monkeypatch: pytest.MonkeyPatch, columns: int, style: Style) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    stream = io.StringIO()
    view = open_progress(stream, mode="human", style=style, interactive=True, clock=Clock())
    title = "upgrade from what is deployed, of a component with a long name"
    titles = {"a": title, "b": f"{title} again, which is still running after a while"}
    view.begin(PlannedChecks(titles=titles))
    view.started("b")
    view.finished("a", make.result("a", Status.FAILED, reason="r" * 200))
    shown = wait_for(stream, "1 of 2 done")
    view.close()

    during = Screen(shown.replace("\n", "\r\n")).shown()  # as a terminal does
    assert max(map(len, during)) <= columns
    assert any("upgrade from what is deployed" in line for line in during)
    assert ("\x1b[3" in shown) == style.colour
    assert style.unicode or shown.isascii()
    assert Screen(stream.getvalue().replace("\n", "\r\n")).shown() == []


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("style", [Style(False, True, 80), Style(False, False, 80)], ids=["unicode", "ASCII"])
def test_live_view_shows_what_waits_for_what(monkeypatch: pytest.MonkeyPatch, columns: int, style: Style) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    stream = io.StringIO()
    view = open_progress(stream, mode="human", style=style, interactive=True, clock=Clock())
    titles = {
        "image": "Django container",
        "migrate": "Run migrations",
        "upgrade": "Upgrade from what is deployed",
        "health": "Django health",
        "ruff": "ruff check",
        "mypy": "mypy",
    }
    needs = {"migrate": ["image"], "health": ["migrate", "image", "gone"], "upgrade": ["migrate"]}
    view.begin(PlannedChecks(titles=titles, needs=needs))
    view.started("migrate")
    view.finished("image", make.result("image"))
    shown = wait_for(stream, "1 of 6 done")
    view.close()

    sign, beat = ("·", "⠋") if style.unicode else ("-", "|")
    assert Screen(shown.replace("\n", "\r\n")).shown() == [
        f"{'✓' if style.unicode else '+'} Django container (0.2s)",
        f"{beat} Run migrations 0s",
        f"{sign} ruff check, mypy wait for their turn",
        f"{sign} Upgrade from what is deployed waits for Run migrations",
        f"{sign} Django health waits for Run migrations",
        f"1 of 6 done {sign} 0s",
    ]


def test_waiting_checks_take_a_third_of_a_small_terminal() -> None:
    titles, needs = {f"c{n}": f"check {n}" for n in range(30)}, {f"c{n}": ["c0", "c1"] for n in range(2, 30)}
    board = Board(planned=PlannedChecks(titles=titles, needs=needs))
    board.start("c0", 0.0)

    waiting = first_lines(board.waiting(), 3)

    assert waiting == ["check 1 waits for its turn", "check 2 waits for check 0, check 1", "27 more wait"]
    assert first_lines(board.waiting(), 1) == first_lines(board.waiting(), 0) == []


SURVIVE = """
import pathlib, sys, time
from tasks.models import Result, Status
from tasks.report.board import PlannedChecks
from tasks.report.live import open_progress
from tasks.report.style import Style
progress = open_progress(sys.stderr, mode="human", style=Style(True, True, 80), interactive=True)
progress.begin(PlannedChecks(titles={"c0": "check 0"}))
progress.started("c0")
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
time.sleep(0.5)
progress.finished("c0", Result(check="c0", status=Status.PASSED))
progress.close()
pathlib.Path(sys.argv[3]).write_text("survived")
"""


def test_closed_terminal_does_not_end_the_run(tmp_path: Path, on_terminal: Callable[..., Terminal]) -> None:
    gone, done = tmp_path / "gone", tmp_path / "done"
    terminal = on_terminal(1, str(gone), str(done), code=SURVIVE)
    terminal.read("check 0")

    terminal.hang_up()
    gone.touch()
    terminal.leave()

    assert done.read_text() == "survived"


STOPPED = SURVIVE.replace("time.sleep(0.5)", "[progress.note(str(n)) or time.sleep(0.01) for n in range(100)]").replace(
    "progress.close()\n", ""
)


def test_a_terminal_that_stops_reading_does_not_stop_the_run(
    tmp_path: Path, on_terminal: Callable[..., Terminal]
) -> None:
    gone, done = tmp_path / "gone", tmp_path / "done"
    terminal = on_terminal(1, str(gone), str(done), code=STOPPED)
    terminal.read("check 0")

    os.write(terminal.master, b"\x13")  # Ctrl-S
    gone.touch()
    deadline = time.monotonic() + 10
    while not done.exists():
        assert time.monotonic() < deadline, "the run waits for its terminal"
        time.sleep(0.02)


def test_a_dumb_terminal_gets_lines(on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(2, TERM="dumb")

    terminal.read("a stray warning")
    os.write(terminal.master, b"\n")
    text = terminal.read()

    assert terminal.leave() == 0
    assert "\x1b" not in text
    assert "✓ check 0 (0.5s)\r\n✗ check 1 (0.5s): 2 findings\r\n" in text
