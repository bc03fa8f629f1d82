"""Fingerprints: ids by which a finding is found again in a later run. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from tasks.models import Diagnostic

LENGTH = 16
"""Hexadecimal digits of a fingerprint."""
_CHANGING = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b"  # digests
    r"|(?<!\w)\d+(?:[.,:]\d+)*(?![\w.]*_)"  # numbers, but not those of names such as 0003_menu
)


def fingerprints(diagnostics: Sequence[Diagnostic]) -> tuple[str, ...]:
    """Returns a unique id for each diagnostic of a check, in their order.

    An id stays the same if the line moves, or if a number in the message changes. Equal findings of a file are
    numbered by their lines: if one of three is fixed, two of the ids stay.
    """
    keys = [_key(each) for each in diagnostics]
    order = sorted(range(len(keys)), key=lambda place: (diagnostics[place].line or 0, diagnostics[place].column or 0))
    seen: Counter[tuple[str, ...]] = Counter()
    found = [""] * len(keys)
    for place in order:
        key = keys[place]
        found[place] = _digest(key, seen[key])
        seen[key] += 1
    return tuple(found)


def _key(diagnostic: Diagnostic) -> tuple[str, ...]:
    message = _CHANGING.sub("#", " ".join(diagnostic.message.split()))
    return (diagnostic.tool, diagnostic.file or "", diagnostic.rule or "", message)


def _digest(key: tuple[str, ...], number: int) -> str:
    parts = (*key, str(number)) if number else key
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:LENGTH]
