"""The time that the caller has waited: it counts from the start of the process, interpreter included.

This module needs nothing but Python: it is imported before signals are caught.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

STARTTIME = 19
"""The index of `starttime` among the fields of /proc/self/stat behind the program's name, in clock ticks since boot."""
LONGEST_START = 600.0
"""Seconds that the start of an interpreter takes at most; a greater age is a mistake of the clocks."""


def process_age() -> float:
    """Seconds since the process started. Without /proc it is the CPU time so far: a start takes little else."""
    with suppress(AttributeError, IndexError, OSError, ValueError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[STARTTIME]) / os.sysconf("SC_CLK_TCK")
        if 0 <= age < LONGEST_START:
            return age
    return time.process_time()


STARTED = time.monotonic() - process_age()
"""When the process started, on the monotonic clock."""


def restart() -> None:
    """Counts from now on, in a fork that a caller waits for."""
    global STARTED  # noqa: PLW0603 - one start for a process
    STARTED = time.monotonic()


def started() -> float:
    """When the process started, or began to count again, on the monotonic clock."""
    return STARTED


def seconds_waited() -> float:
    """Seconds since the process started."""
    return time.monotonic() - STARTED
