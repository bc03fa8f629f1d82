"""The output for each kind of reader: person, agent, terminal, GitHub Actions."""

import fcntl
import os
import pty
import re
import select
import signal
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import LAST, Caller, Ended, wait_for
from tests.cli.stack import FAILS, TinyStack
from tests.report.screen import Screen

HEADER = "PRE-DEPLOY VALIDATION"


def called(caller: Caller, stack: TinyStack, *flags: str, **environ: str) -> Ended:
    return replace(caller, environ={**caller.environ, **environ}).run(stack.root, *flags)


@pytest.mark.parametrize(
    ("environ", "flags", "reason"),
    [
        ({"CLAUDECODE": "1"}, (), "CLAUDECODE is set"),
        ({"CI": "true"}, ("--output", "auto"), "CI is set"),
        ({}, ("--output", "agent"), "set by --output"),
        ({"CI": "false"}, (), None),
        ({"CLAUDECODE": "1"}, ("--output", "human"), None),
    ],
    ids=str,
)
def test_output_mode_fits_the_reader_and_names_the_cause(
    caller: Caller, green: TinyStack, environ: dict[str, str], flags: tuple[str, ...], reason: str | None
) -> None:
    ended = called(caller, green, *flags, **environ)

    ended.assert_ended(0, "PASSED")
    if reason is None:
        assert HEADER in ended.stdout
        assert "✓ words" in ended.stderr
    else:
        assert ended.stdout.startswith(f"agent output: {reason}; failures only (--output human shows all)\n")
        assert HEADER not in ended.stdout
        assert ended.stderr == ""
        assert len(ended.stdout.splitlines()) < 10


def test_an_agent_gets_failures_only(caller: Caller, green: TinyStack) -> None:
    green.has("broken", FAILS)

    ended = called(caller, green, "--output", "agent")

    ended.assert_ended(1, "FAILED")
    assert "main.py:3: it is broken" in ended.stdout
    assert "words" not in ended.stdout


@pytest.mark.parametrize("mode", ["human", "agent"])
def test_terminal_without_unicode(caller: Caller, green: TinyStack, mode: str) -> None:
    green.has("broken", "echo 'main.py:3: error: “naïve” → …' >&2; exit 1")

    ended = called(caller, green, "--output", mode, LANG="C", PYTHONIOENCODING="ascii")

    ended.assert_ended(1, "FAILED")
    assert (ended.stdout + ended.stderr).isascii()
    assert '"na\\xefve" -> ...' in ended.stdout


def test_colour_is_used_if_requested(caller: Caller, green: TinyStack) -> None:
    assert "\x1b[32m" in called(caller, green, FORCE_COLOR="1").stdout
    assert "\x1b" not in called(caller, green, FORCE_COLOR="1", NO_COLOR="1").stdout


class Terminal:
    """A terminal with a call in the foreground."""

    def __init__(self, caller: Caller, *arguments: str | Path, **environ: str) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))

        def become_foreground() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        caller = replace(caller, environ={**caller.environ, "TERM": "xterm", **environ})
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.call = caller.start(*arguments, **streams, preexec_fn=become_foreground)
        os.close(slave)
        self.text = ""

    def read(self, condition: Callable[[], bool], limit: float = 30) -> None:
        """Reads until the condition is true or `limit` seconds have passed."""
        deadline = time.monotonic() + limit
        while not condition() and time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self._master, 65536).decode()
                except OSError:  # the last writer has closed the terminal
                    break

    def read_all(self) -> int:
        """Reads until the terminal is closed; returns the exit code."""
        self.read(lambda: False)
        os.close(self._master)
        return self.call.process.wait(10)

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")


def test_live_view_is_shown_and_removed_at_the_end(caller: Caller, green: TinyStack) -> None:
    green.has("slow", "sleep 1")
    terminal = Terminal(caller, green.root, "--only", "slow", "--only", "words")

    code = terminal.read_all()

    assert code == 0, terminal.text
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] slow \ds", terminal.text)
    assert "of 2 done" in terminal.text
    screen = Screen(terminal.text)
    assert screen.cursor
    assert HEADER in screen.shown()[1]
    assert LAST.fullmatch(screen.shown()[-1])
    assert not any("done" in line for line in screen.shown())
    assert "\x1b[32m" in terminal.text


def test_no_color_applies_to_a_terminal(caller: Caller, green: TinyStack) -> None:
    terminal = Terminal(caller, green.root, NO_COLOR="1")

    assert terminal.read_all() == 0
    assert not re.search(r"\x1b\[[\d;]*3\dm", terminal.text)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_restores_the_terminal(caller: Caller, stack: TinyStack, times: int) -> None:
    stack.has("stubborn", "trap '' TERM; touch $1/begun; while :; do sleep 60; done")
    terminal = Terminal(caller, stack.root)
    wait_for(stack.mark("begun").exists, "the check")
    terminal.read(lambda: "stubborn" in terminal.text)

    for _ in range(times):
        terminal.press_ctrl_c()
        time.sleep(0.2)
    code = terminal.read_all()

    assert code == 128 + signal.SIGINT
    shown = terminal.text.replace("\x1b[J", "")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert LAST.search(shown.strip().splitlines()[-1])


def test_github_actions_gets_annotations_and_a_summary(caller: Caller, green: TinyStack, tmp_path: Path) -> None:
    green.has("broken", FAILS)
    summary = tmp_path / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path), "GITHUB_STEP_SUMMARY": str(summary)}
    actions = replace(caller, environ={**caller.environ, **github})

    plain, as_json = actions.run(green.root), actions.run(green.root, "--json-output")
    wrong = actions.run(green.root, "--only", "nothing")

    for ended, stream in ((plain, plain.stdout), (as_json, as_json.stderr)):
        ended.assert_ended(1, "FAILED")
        annotations = [line for line in stream.splitlines() if line.startswith("::")]
        assert annotations == ["::error title=broken,file=stack/main.py,line=3::it is broken"], ended.transcript
    assert as_json.document["result"] == "failed"
    assert summary.read_text().count("# Failed") == 2
    wrong.assert_ended(2, "USAGE")
    assert "::error title=predeploy::no check is named nothing" in wrong.stdout
    assert "::error" not in caller.run(green.root).stdout
