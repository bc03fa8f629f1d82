"""The detection of a stream's style, and the layout of text."""

import io
import os
import pty

import pytest

from tasks.report.layout import cells, clean, clean_line, fold, hang, shorten
from tasks.report.stream_style import detect_style, is_interactive
from tasks.report.style import NARROWEST, Style


class Stream(io.StringIO):
    def __init__(self, encoding: str | None, terminal: bool) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding  # type: ignore[return-value]

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"FORCE_COLOR": "0"}, False),
        (False, {"TERM": "xterm"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(terminal: bool, environ: dict[str, str], colour: bool) -> None:
    style = detect_style(Stream("utf-8", terminal), environ)

    assert style.colour is colour
    assert (style.red, style.reset) == (("\x1b[31m", "\x1b[0m") if colour else ("", ""))
    assert style.paint(style.red, "x") == ("\x1b[31mx\x1b[0m" if colour else "x")


@pytest.mark.parametrize(
    ("encoding", "unicode"),
    [
        ("utf-8", True),
        ("UTF8", True),
        ("utf_8_sig", True),
        ("ascii", False),
        ("latin-1", False),
        ("?", False),
        (None, False),
    ],
)
def test_unicode(encoding: str | None, unicode: bool) -> None:
    assert detect_style(Stream(encoding, False), {}).unicode is unicode


@pytest.mark.parametrize(
    ("columns", "width"), [("", 80), ("200", 80), ("72", 72), ("3", NARROWEST), ("0", 80), ("wide", 80), ("²", 80)]
)
def test_width(columns: str, width: int) -> None:
    assert detect_style(Stream("utf-8", False), {"COLUMNS": columns}).width == width


def test_width_of_a_real_terminal() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        os.set_blocking(master, False)
        import fcntl
        import struct
        import termios

        fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 61, 0, 0))

        assert detect_style(stream, {"TERM": "xterm"}) == Style(True, True, 61)
    os.close(master)


def test_style_of_missing_streams() -> None:
    closed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    closed.close()

    assert detect_style(None, {}) == Style(False, False, 80)
    assert detect_style(closed, {}) == Style(False, True, 80)
    assert not is_interactive(None, {})
    assert not is_interactive(closed, {})


@pytest.mark.parametrize(
    ("terminal", "environ", "interactive"),
    [(True, {"TERM": "xterm"}, True), (True, {"TERM": "dumb"}, False), (True, {"CI": "1"}, False), (False, {}, False)],
)
def test_interactive(terminal: bool, environ: dict[str, str], interactive: bool) -> None:
    assert is_interactive(Stream("utf-8", terminal), environ) is interactive


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x07 \x1b(Bend", "red link end"),
        ("a\tb", "a   b"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\x07bell\x08\x7f\x9b2J", "bell2J"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("\udcff.py", "\\udcff.py"),
        ("日本語 é ok", "日本語 é ok"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert "\n" not in clean_line(text)


@pytest.mark.parametrize(("text", "number"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("é", 1), ("→", 1), ("", 0)])
def test_cells(text: str, number: int) -> None:
    assert cells(text) == number


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("    indented text", ["    inden", "ted text"]),
        ("a/path/that/is/long.py:1:2 is whole", ["a/path/that/is/long.py:1:2", "is whole"]),
        ("see a/path/that/is/long.py:1:2", ["see", "a/path/that/is/long.py:1:2"]),
        ("abcdefghijklmnop", ["abcdefghi", "jklmnop"]),
        ("日本語日本語", ["日本語日", "本語"]),
    ],
)
def test_fold(text: str, lines: list[str]) -> None:
    assert fold(text, 9) == lines


def test_hang_and_shorten() -> None:
    assert hang("one two three", "→ ", 9) == ["→ one two", "  three"]
    assert shorten("one two three", 13, "…") == "one two three"
    assert shorten("one two three", 12, "…") == "one two …"
    assert shorten("a/very/long/path.py then more", 10, "…") == "a/very/long/path.py …"
