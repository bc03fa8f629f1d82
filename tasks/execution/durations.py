"""How long each check of a stack took last time: for the order of the next run, and for nothing else."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path


def _file(cache: Path, stack: Path) -> Path:
    return cache / "durations" / f"{hashlib.sha256(os.fsencode(stack)).hexdigest()[:24]}.json"


def read_durations(cache: Path, stack: Path) -> dict[str, float]:
    """Seconds by check id; nothing where there is no history, or none that can be read."""
    try:
        known = json.loads(_file(cache, stack).read_text(encoding="utf-8"))
        return {str(check): float(seconds) for check, seconds in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_durations(cache: Path, stack: Path, seconds: Mapping[str, float]) -> None:
    """Remembers; what was known of other checks stays. A history that cannot be written is none."""
    path = _file(cache, stack)
    known = {check: round(value, 2) for check, value in {**read_durations(cache, stack), **seconds}.items()}
    beside = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known), encoding="utf-8")
        beside.replace(path)
