"""Where the tests keep temporary files: in memory, if the machine has enough of it.

The tests install packages and copy them into workspaces again and again. For that, the file system of a disk takes more
than half of the processor time.
"""

import argparse
import os
import re
import shutil
from collections.abc import MutableMapping
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 14 << 30
"""Bytes: the tests need up to 9 GiB at one time, and their programs up to 3 GiB more."""
CHOICE = "PYTEST_DEBUG_TEMPROOT"
"""The variable of pytest for the directory above its temporary directories."""


def keep_in_memory(options: argparse.Namespace, environ: MutableMapping[str, str]) -> None:
    """Has pytest keep temporary files in memory, unless somebody chose a place or there is too little room."""
    if options.basetemp or CHOICE in environ or room_in_memory() < ROOM:
        return
    environ[CHOICE] = str(MEMORY)


def room_in_memory(memory: Path = MEMORY, facts: Path = Path("/proc/meminfo")) -> int:
    """The bytes that files in memory can have; 0 where this is not known."""
    try:
        available = re.search(r"^MemAvailable:\s+(\d+) kB$", facts.read_text(), re.MULTILINE)
        free = shutil.disk_usage(memory).free
    except OSError:
        return 0
    if available is None or not os.access(memory, os.W_OK | os.X_OK):
        return 0
    return min(free, int(available[1]) << 10)
