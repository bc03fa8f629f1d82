"""Stores how long each check of a stack took, and its load. Both only set when checks start in the next run."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHistory:
    """By check id, the seconds of a check, and its load: the processors that it keeps busy while it runs."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    loads: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The time of a check's commands: CPU seconds, and seconds."""

    cpu: float = 0.0
    seconds: float = 0.0

    def plus(self, cpu: float, seconds: float) -> "Spent":
        """Returns the sum with the time of one more command."""
        return Spent(cpu=self.cpu + cpu, seconds=self.seconds + seconds)

    def cpu_of(self, took: float) -> float:
        """Returns the CPU seconds of a check that took so long. Copies of files between the commands take a core."""
        return self.cpu + max(took - self.seconds, 0.0)


def _file(cache: Path, stack: Path) -> Path:
    return cache / "durations" / f"{hashlib.sha256(os.fsencode(stack)).hexdigest()[:24]}.json"


def read_history(cache: Path, stack: Path) -> CheckHistory:
    """Returns what is known of the checks; empty if the history is missing or unreadable.

    The file has `[seconds, load]` by check id, or `[seconds]`; of an earlier version it has the seconds alone.
    """
    try:
        known: dict[str, Any] = json.loads(_file(cache, stack).read_text(encoding="utf-8"))
        values = {check: found if isinstance(found, list) else [found] for check, found in known.items()}
        listed = {check: [float(each) for each in found] for check, found in values.items()}
        return CheckHistory(
            seconds={check: found[0] for check, found in listed.items()},
            loads={check: found[1] for check, found in listed.items() if len(found) > 1},
        )
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return CheckHistory()


def write_history(
    cache: Path, stack: Path, seconds: Mapping[str, float], cpu: Mapping[str, float], *, wanted: float = 1.0
) -> None:
    """Saves seconds and loads by check id, and keeps those of other checks. Ignores errors of the file system.

    `wanted`: the programs that wanted a processor meanwhile, by processor.
    """
    path = _file(cache, stack)
    known = updated(read_history(cache, stack), seconds, cpu, wanted=wanted)
    listed = {
        check: [round(took, 2), *([round(known.loads[check], 2)] if check in known.loads else [])]
        for check, took in known.seconds.items()
    }
    partial = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(listed), encoding="utf-8")
        partial.replace(path)


def updated(
    known: CheckHistory, seconds: Mapping[str, float], cpu: Mapping[str, float], *, wanted: float = 1.0
) -> CheckHistory:
    """Returns the history with the times of one more run.

    On a busy machine a check gets less of the processors than it would use. So a load counts more if more programs
    `wanted` a processor than there are, up to one core. It rises at once, and falls by halves.
    """
    used = {check: spent / seconds[check] for check, spent in cpu.items() if seconds.get(check)}
    measured = {check: max(load, min(1.0, load * wanted)) for check, load in used.items()}
    loads = {check: max(load, (load + known.loads.get(check, load)) / 2) for check, load in measured.items()}
    return CheckHistory(seconds={**known.seconds, **seconds}, loads={**known.loads, **loads})
