"""Stores how long each check of a stack took. The durations only set the order of checks in the next run."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path


def _file(cache: Path, stack: Path) -> Path:
    return cache / "durations" / f"{hashlib.sha256(os.fsencode(stack)).hexdigest()[:24]}.json"


def read_durations(cache: Path, stack: Path) -> dict[str, float]:
    """Returns seconds by check id; empty if the history is missing or unreadable."""
    try:
        known = json.loads(_file(cache, stack).read_text(encoding="utf-8"))
        return {str(check): float(seconds) for check, seconds in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_durations(cache: Path, stack: Path, seconds: Mapping[str, float]) -> None:
    """Saves seconds by check id and keeps those of other checks. Ignores errors of the file system."""
    path = _file(cache, stack)
    known = {check: round(value, 2) for check, value in {**read_durations(cache, stack), **seconds}.items()}
    partial = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(path)
