"""The style of a stream: colour, signs and width. It is a value, so that renderers stay pure."""

from dataclasses import dataclass, field

from tasks.models import Status

WIDTH = 80
NARROWEST = 48

_CODES = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1", "reset": "0"}
_SIGNS = {
    Status.PASSED: ("✓", "+", "green"),
    Status.FAILED: ("✗", "x", "red"),
    Status.ERRORED: ("!", "!", "yellow"),
    Status.SKIPPED: ("○", "-", "dim"),
}
# By code point, since some look like their replacement.
_ASCII = {ord("→"): "->", ord("…"): "...", ord("·"): "-", 0x2013: "-", 0x2014: "-"}
_ASCII |= {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}


@dataclass(frozen=True, slots=True)
class Style:
    """The codes of each colour, empty if colour is off, and the signs in Unicode or ASCII."""

    colour: bool = False
    unicode: bool = False
    width: int = WIDTH
    red: str = field(init=False)
    green: str = field(init=False)
    yellow: str = field(init=False)
    dim: str = field(init=False)
    bold: str = field(init=False)
    reset: str = field(init=False)

    def __post_init__(self) -> None:
        for name, code in _CODES.items():
            object.__setattr__(self, name, f"\x1b[{code}m" if self.colour else "")

    @property
    def arrow(self) -> str:
        """The sign in front of a diagnostic."""
        return "→" if self.unicode else "->"

    @property
    def pause(self) -> str:
        """The sign in front of what waits."""
        return "·" if self.unicode else "-"

    @property
    def rule(self) -> str:
        """The character of a box's lines: one cell."""
        return "═" if self.unicode else "="

    def sign(self, status: Status) -> str:
        """One cell that shows a status without its colour."""
        fancy, plain, _ = _SIGNS[status]
        return fancy if self.unicode else plain

    def tint(self, status: Status) -> str:
        """The colour of a status, for `paint`."""
        return str(getattr(self, _SIGNS[status][2]))

    def paint(self, code: str, text: str) -> str:
        """The text in that colour; the text itself if the code is empty."""
        return f"{code}{text}{self.reset}" if code else text

    def spell(self, text: str) -> str:
        """The text as the terminal can show it: without Unicode, escapes replace other characters."""
        if self.unicode or text.isascii():
            return text
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
