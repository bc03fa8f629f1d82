"""Views of a text: the same text without what a reader does not see, with the way back to the places in it.

A value may be interrupted: by an escape sequence, a NUL, a direction mark, or the end of a line. Programs that show the
text remove them, and then the value stands there whole. So the redactor also searches the views.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

BLANKS = b" \t\r\n"
CONTROLS = bytes({*range(0x20), 0x7F} - {*BLANKS})
# Bytes that something invisible begins with. A text without them needs no view.
_SUSPECTS = CONTROLS + b"\\\xc2\xcd\xd8\xe1\xe2\xe3\xef\xf3"
_SEQUENCES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,1024}(?:\x07|\x1b\\)?|[ -/]*[0-~])")
# Marks without width, directions, and blanks other than a space, in UTF-8. U+009B begins a sequence.
_MARKS = re.compile(
    rb"\xc2(?:\x9b[0-?]*[ -/]*[@-~]|[\x80-\xa0\xad])|\xcd\x8f|\xd8\x9c|\xe1(?:\x9a\x80|\xa0[\x8b-\x8f])"
    rb"|\xe2(?:\x80[\x80-\x8f\xa8-\xaf]|\x81[\x9f-\xaf])|\xe3\x80\x80"
    rb"|\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbf[\xb9-\xbb])|\xf3\xa0[\x80-\x87][\x80-\xbf]"
)
# JSON, `repr` and shells spell an escape with letters. A parser turns it into the character.
_ESC = rb"(?:u001[bB]|x1[bB]|033|e)"
_LINK = rb"\][^\\\"'\n]{0,1024}"
_SPELLED = re.compile(
    rb"\\(?:"
    + _ESC
    + rb"(?:\[[0-?]*[ -/]*[@-~]|"
    + _LINK
    + rb"(?:\\(?:u0007|x07|a|007))?)|u00[01][0-9a-fA-F]|x00|u00[aA][dD]"
    rb"|u200[b-fB-F]|u202[a-eA-E]|u206[0-9a-fA-F]|u[fF][eE][fF][fF])"
)
# The end of a text that more bytes may turn into something invisible.
_INCOMPLETE = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]{0,1024}\x1b?|[ -/]*)|\xc2(?:\x9b[0-?]*[ -/]*)?|[\xcd\xd8]"
    rb"|\xe1[\x9a\xa0]?|\xe2[\x80\x81]?|\xe3\x80?|\xef[\xb8\xbb\xbf]?|\xf3(?:\xa0[\x80-\x87]?)?"
    rb"|\\(?:u[0-9a-fA-F]{0,3}|x[01]?|03?|" + _ESC + rb"(?:\[[0-?]*[ -/]*|" + _LINK + rb"(?:\\[u0x]{0,2}0{0,2})?)?)?)\Z"
)
BLOCK = 1 << 14
Span = tuple[int, int]


class View(Protocol):
    """A text made of pieces of another one."""

    text: bytes

    def origin(self, place: int) -> int:
        """Where a byte of the view stands in the other text."""


class Deleted:
    """The data without some bytes. The way back counts bytes in blocks: there may be as many pieces as bytes."""

    def __init__(self, data: bytes, gone: bytes) -> None:
        self._data, self._gone = data, gone
        self.text = data.translate(None, gone)

    def origin(self, place: int) -> int:
        """Where a byte of the view stands in the data."""
        block = bisect_right(self._counts, place)
        begin, left = block * BLOCK, place - (self._counts[block - 1] if block else 0)
        end = min(begin + BLOCK, len(self._data))
        while end - begin > 1:
            middle = (begin + end) // 2
            count = len(self._data[begin:middle].translate(None, self._gone))
            if count > left:
                end = middle
            else:
                begin, left = middle, left - count
        return begin

    @cached_property
    def _counts(self) -> list[int]:
        """How many bytes of the view stand before the end of each block."""
        blocks = (self._data[at : at + BLOCK] for at in range(0, len(self._data), BLOCK))
        return [*accumulate(len(block.translate(None, self._gone)) for block in blocks)]


class Removed:
    """The data without what a pattern matches. The way back is made when it is needed."""

    def __init__(self, data: bytes, pattern: re.Pattern[bytes]) -> None:
        self._data, self._pattern = data, pattern
        self.text = pattern.sub(b"", data)

    def origin(self, place: int) -> int:
        """Where a byte of the view stands in the data."""
        places, origins = self._pieces
        piece = bisect_right(places, place) - 1
        return origins[piece] + place - places[piece]

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int]]:
        """Where each piece begins, in the view and in the data."""
        places, origins, gone = [0], [0], 0
        for found in self._pattern.finditer(self._data):
            gone += found.end() - found.start()
            places.append(found.end() - gone)
            origins.append(found.end())
        return places, origins


@dataclass(frozen=True, slots=True)
class Layers:
    """A view of a view, and so on. The last one has the text."""

    views: tuple[View, ...]

    @property
    def text(self) -> bytes:
        """The text of the last view."""
        return self.views[-1].text

    def origin(self, place: int) -> int:
        """Where a byte of the last view stands in the data below the first."""
        for view in reversed(self.views):
            place = view.origin(place)
        return place


def squeezed(data: bytes) -> Deleted:
    """The data without blanks."""
    return Deleted(data, BLANKS)


def visible(data: bytes) -> Layers | None:
    """The data without escape sequences, control characters and marks; None if it has none of them."""
    if not has_invisible(data):
        return None
    views = tuple(_layers(data, spelled=True))
    return Layers(views) if views else None


def without_controls(value: bytes) -> bytes:
    """A value as it stands where it was cleaned. Letters that spell an escape stay."""
    views = tuple(_layers(value, spelled=False))
    return views[-1].text if views else value


def without_marks(value: bytes) -> bytes:
    """A value of which only single characters were removed, so that the letters of escape sequences are left."""
    return _MARKS.sub(b"", value.translate(None, CONTROLS))


def back(view: View | Layers, spans: list[Span]) -> list[Span]:
    """The places of spans in the other text, with all that was removed inside them."""
    return [(view.origin(begin), view.origin(end - 1) + 1) for begin, end in spans]


def has_invisible(data: bytes) -> bool:
    """A fast question: may the data have something invisible?"""
    return len(data.translate(None, _SUSPECTS)) != len(data)


def incomplete(data: bytes) -> int:
    """Where the end of the data begins that may become something invisible; its length where there is none."""
    beginning = max(0, len(data) - 1100)
    found = _INCOMPLETE.search(data, beginning) if has_invisible(data[beginning:]) else None
    return found.start() if found else len(data)


def _layers(data: bytes, *, spelled: bool) -> Iterator[Removed | Deleted]:
    """Only the layers that remove something. Each pattern begins with few bytes, so that its search is fast."""
    removers: list[re.Pattern[bytes] | bytes] = [_SEQUENCES, CONTROLS, _MARKS, *([_SPELLED] if spelled else [])]
    for remover in removers:
        view = Deleted(data, remover) if isinstance(remover, bytes) else Removed(data, remover)
        if len(view.text) < len(data):
            yield view
            data = view.text
