"""Whether a report document can be one of predeploy: `status` prints it, and programs act on its exit code.

A stack may come with a report of a stranger. Its texts must hold no control character, its numbers must be plausible,
and its parts must have their types.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tasks.models import Outcome

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal acts on, or that change the direction of a text."""
EXIT_CODES = {
    Outcome.PASSED: (0,),
    Outcome.FAILED: (1,),
    Outcome.ERRORED: (3,),
    Outcome.BUDGET: (124,),
    Outcome.INTERRUPTED: (130, 143),
    Outcome.USAGE: (2,),
}
MOST_CHECKS, LONGEST_RUN, LONGEST_TEXT = 1_000_000, 10_000_000.0, 1_000_000
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Judge = Callable[[Any], bool]


def foreign_part(document: Any) -> str:
    """The first part of a document that predeploy does not write so; empty if all of it is plausible."""
    if not isinstance(document, dict):
        return "the document"
    return next((name for name, judge in PARTS.items() if not judge(_at(document, name))), "") or _exit_code(document)


def _at(document: Mapping[str, Any], name: str) -> Any:
    found: Any = document
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _exit_code(document: Mapping[str, Any]) -> str:
    """An exit code that does not fit the result would turn a red run green."""
    code = document["exit_code"]
    return "" if type(code) is int and code in EXIT_CODES[Outcome(document["result"])] else "exit_code"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and not CONTROL.search(value)


def _is_text_or_none(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_CHECKS


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= LONGEST_RUN


PARTS: dict[str, Judge] = {
    "result": lambda value: isinstance(value, str) and value in {each.value for each in Outcome},
    "started_at": lambda value: isinstance(value, str) and MOMENT.fullmatch(value) is not None,
    "duration_seconds": _is_duration,
    "gate": _is_flag,
    "ready": _is_flag,
    "stack": _is_text,
    "tree": _is_text,
    "commit": _is_text_or_none,
    "reason": _is_text,
    "rerun": _is_text_or_none,
    "engine.name": _is_text,
    "proof.gaps": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    **{f"counts.{name}": _is_count for name in ("checks", "failed", "errored", "skipped", "cached")},
}
"""What `status` prints, and what it must be."""
