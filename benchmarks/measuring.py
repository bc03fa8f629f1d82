"""The time of a way: wall seconds, CPU seconds of its processes, and those of the whole machine."""

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BUSY = (0, 1, 2, 5, 6)
"""The fields of /proc/stat with the time of work: user, nice, system, interrupts. Waiting is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of a way. `cpu` is that of this process and its children. An engine of containers is none of them.

    `machine` has the CPU seconds of all processes, those of other people included; 0 if the system does not say.
    """

    seconds: float
    cpu: float
    machine: float
    load: float


def sampled(way: Callable[[], object]) -> Sample:
    """Runs a way, and returns what it took."""
    load, machine, cpu, begun = os.getloadavg()[0], _machine_seconds(), _own_seconds(), time.perf_counter()
    way()
    return Sample(
        seconds=time.perf_counter() - begun,
        cpu=_own_seconds() - cpu,
        machine=_machine_seconds() - machine,
        load=load,
    )


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Returns the median, and the least and greatest value if there are several."""
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _own_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _machine_seconds() -> float:
    with suppress(OSError):
        fields = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:]
        return sum(int(fields[index]) for index in BUSY) / os.sysconf("SC_CLK_TCK")
    return 0.0
