"""How busy this machine is, and how much processor time a program has had."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

USED = slice(11, 15)
"""Of the fields behind the name in /proc/PID/stat: the processor time of a process and of its ended children."""


def processors() -> int:
    """The number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def load_per_processor() -> float:
    """The programs that wanted a processor in the last minute, by processor; 0 if the system does not say."""
    try:
        return os.getloadavg()[0] / processors()
    except OSError:
        return 0.0


def cpu_seconds(pids: Iterable[int]) -> float | None:
    """The processor time of processes with their ended children, in seconds; None if the system does not say."""
    ticks = 0
    known = False
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[USED]))
            known = True
    return ticks / os.sysconf("SC_CLK_TCK") if known else None
