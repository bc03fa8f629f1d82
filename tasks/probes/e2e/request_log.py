"""A bounded log of a Worker's outbound requests, without secrets and values of parameters.

The text of a query is kept: literals in it are not secret. Values of parameters are hidden wherever Postgres repeats
them.
"""

import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

KEPT = 1000
QUERIES = 50
TEXT = 500
HIDDEN = "…"
QUOTED = re.compile(r'"([^"]*)"|«([^»]*)»')
# `Key (email)=(a@b.c) already exists.`, `Failing row contains (1, Ada, null).`
VALUES = re.compile(r"(=|contains )\(.*\)", re.DOTALL)
SHORT = 3
"""Values shorter than this are hidden only in quotes: they occur in too many words, and reveal little."""


@dataclass(frozen=True, slots=True)
class HiddenValues:
    """Passwords, in all forms in which they may occur (URL-encoded too), the longest first."""

    forms: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> "HiddenValues":
        forms = {form for value in values if value for form in (value, quote(value, safe=""), quote_plus(value))}
        return cls(tuple(sorted(forms, key=len, reverse=True)))

    def redact(self, text: str) -> str:
        for form in self.forms:
            text = text.replace(form, "***")
        return text


def hide_values(text: str, params: Sequence[str | None], known: str) -> str:
    """Returns a message of Postgres without the values of parameters. Text that occurs in `known` (the query) stays."""
    values = {value: f"${number}" for number, value in reversed([*enumerate(params, 1)]) if value}

    def hide(match: re.Match[str]) -> str:
        said = match[1] or match[2] or ""
        if not said or said in known or not any(said in value for value in values):
            return match[0]
        return f'"{values.get(said, HIDDEN)}"'

    text = QUOTED.sub(hide, VALUES.sub(rf"\1({HIDDEN})", text))
    for value, name in sorted(values.items(), key=lambda each: -len(each[0])):
        if len(value) >= SHORT and value not in known:
            text = name.join(re.split(rf"(?<!\w){re.escape(value)}(?!\w)", text))
    return text


def cut(text: str) -> str:
    return text[:TEXT]


@dataclass(slots=True)
class RequestLog:
    """The newest requests. `dropped` counts the older ones, which were removed."""

    secrets: HiddenValues
    requests: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=KEPT))
    dropped: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, entry: dict[str, object]) -> None:
        """Adds a request, with the current time as `at`."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.lock:
            self.dropped += len(self.requests) == KEPT
            self.requests.append({"at": now, **self.clean(entry)})

    def clean(self, entry: dict[str, object]) -> dict[str, object]:
        return {name: self.clean_value(value) for name, value in entry.items()}

    def clean_value(self, value: object) -> object:
        if isinstance(value, str):
            return self.secrets.redact(value)
        if isinstance(value, list):
            return [self.clean(each) for each in value]
        return value

    def read(self) -> dict[str, object]:
        """Returns the whole log, in the format that outbound_log.py reads."""
        with self.lock:
            return {"requests": list(self.requests), "dropped": self.dropped}
