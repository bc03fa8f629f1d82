"""A process of its own that deletes a temporary directory after the end of the run that made it.

usage: python -m tasks.engines.removal PATH

It inherits the lock of the directory. If it is killed, the lock is free, and a later run deletes the rest.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tasks.engines.private import remove_locked
from tasks.files import PACKAGES

LOWEST = 19
"""The priority of the deletion: any other process comes first."""


def remove_in_background(path: Path, lock: int) -> None:
    """Starts the deletion, and closes the lock. Without a process for it, the deletion is waited for."""
    argv = [sys.executable, "-P", "-m", "tasks.engines.removal", os.fspath(path)]
    try:
        subprocess.Popen(
            argv,
            cwd="/",
            env={"PYTHONPATH": str(PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"},
            pass_fds=[lock],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        remove_locked(path)
    os.close(lock)


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(LOWEST)
    with suppress(OSError):  # a later run tries it again
        remove_locked(Path(sys.argv[1]))
