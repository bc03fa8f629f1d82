"""The redactor: finds and masks the values of secrets, in every usual encoding. One object serves all sinks."""

from collections.abc import Iterable, Mapping

from tasks.redaction.encodings import SHORTEST, forms
from tasks.redaction.search import Span, occurrences, united
from tasks.redaction.views import BLANKS, back, incomplete, squeezed, visible

MASK = b"***"
WRAPPABLE = 12
"""Bytes. What is shorter is not looked for across lines: words of a text are found in each other there."""
HEAD = 4
BETWEEN = 256
"""Bytes of blanks that may stand inside a value at the end of a piece of a stream."""
UNSEEN = 4096
"""Bytes of escape sequences and marks that may stand inside it."""


class Redactor:
    """Masks values, by name, in any form. Holds nothing that `repr` shows.

    `unmaskable` are the names of values that are too short to be distinguished from other text.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        given = dict(values or {})
        self.unmaskable = tuple(sorted(name for name, value in given.items() if len(value.strip()) < SHORTEST))
        kept = (value for name, value in given.items() if name not in self.unmaskable)
        self._forms = tuple(
            sorted({form for value in kept for form in forms(value)}, key=lambda form: (-len(form), form))
        )
        bare = dict.fromkeys(form.translate(None, BLANKS) for form in self._forms)
        self._wrappable = tuple(form for form in bare if len(form) >= WRAPPABLE)
        self._heads = heads(bare)
        self.longest = max(map(len, self._forms), default=0)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def __bool__(self) -> bool:
        """Is there anything to mask?"""
        return bool(self._forms)

    def text(self, text: str) -> str:
        """The text, masked."""
        if not self._forms:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = self.spans(data)
        return masked(data, spans).decode("utf-8", "surrogatepass") if spans else text

    def data(self, data: bytes) -> bytes:
        """The bytes, masked."""
        return masked(data, self.spans(data)) if self._forms else data

    def stream(self) -> "Stream":
        """For bytes that come in pieces."""
        return Stream(self)

    def spans(self, data: bytes) -> list[Span]:
        """Where something stands that has to be masked, in order; what overlaps is one."""
        found = self._found(data)
        if (view := visible(data)) is not None:
            found += back(view, self._found(view.text))
        return united(found)

    def undecided(self, data: bytes) -> int:
        """Where the end of the data begins that what comes next may make a value of; its length where there is none."""
        beginning, end = max(0, len(data) - 2 * self.longest - UNSEEN), incomplete(data)
        places = [end]
        if (place := self._begun(data)) is not None:
            places.append(place)
        tail = data[beginning:end]
        if (view := visible(tail)) is not None and (place := self._begun(view.text)) is not None:
            places.append(beginning + view.origin(place))
        elif view is None and end < len(data) and (place := self._begun(tail)) is not None:
            places.append(beginning + place)
        return min(places)

    def _found(self, data: bytes) -> list[Span]:
        """Where a form stands, also one that is wrapped."""
        found = [span for form in self._forms for span in occurrences(form, data)]
        view = squeezed(data)
        if self._wrappable and len(view.text) < len(data):
            found += back(view, [span for form in self._wrappable for span in occurrences(form, view.text)])
        return found

    def _begun(self, data: bytes) -> int | None:
        """Where a value begins that the end of the data is the beginning of."""
        beginning = max(0, len(data) - 2 * self.longest - BETWEEN)
        places = [place for place in range(beginning, len(data)) if data[place] not in BLANKS]
        rest = data[beginning:].translate(None, BLANKS)
        for number, place in enumerate(places):
            if some := self._heads.get(rest[number : number + HEAD]):
                end = rest[number:]
                if any(len(form) > len(end) and form.startswith(end) for form in some):
                    return place
        return None


class Stream:
    """Masks a stream. What may be the beginning of a value is held back until it is known, or `flush`ed."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""
        self._covered = 0
        """How much of what is held lies under a mask that is written already."""

    def feed(self, data: bytes) -> bytes:
        """What can be written now. All pieces together are what the whole would have become."""
        if not self._redactor:
            return data
        self._held += data
        return self._release(self._redactor.undecided(self._held))

    def flush(self) -> bytes:
        """The rest."""
        return self._release(len(self._held))

    def _release(self, end: int) -> bytes:
        if end == 0:
            return b""
        spans = self._redactor.spans(self._held)
        if self._covered:
            spans = united([(0, self._covered), *spans])
        cut = [(begin, min(stop, end)) for begin, stop in spans if begin < end]
        written = masked(self._held[:end], cut)
        if self._covered:
            written = written[len(MASK) :]
        self._covered = max(0, max((stop for begin, stop in spans if begin < end), default=0) - end)
        self._held = self._held[end:]
        return written


def heads(squeezed: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """Forms by their first bytes, few or `HEAD` of them. Thousands of values may begin with the same byte."""
    found: dict[bytes, list[bytes]] = {}
    for form in squeezed:
        for length in range(1, HEAD + 1):
            found.setdefault(form[:length], []).append(form)
    return found


def masked(data: bytes, spans: list[Span]) -> bytes:
    """The data with a mask in place of each span."""
    if not spans:
        return data
    ends = [0, *(end for _, end in spans)]
    begins = [*(begin for begin, _ in spans), len(data)]
    return MASK.join(data[end:begin] for end, begin in zip(ends, begins, strict=True))


NOTHING = Redactor()
"""For runs without secrets: leaves everything as it is."""
