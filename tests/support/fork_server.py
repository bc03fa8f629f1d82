"""A process that has predeploy's command line imported, and forks itself for each call.

usage: python -m tests.support.fork_server DESCRIPTOR

DESCRIPTOR is the socket of `forking.serve`.
"""

import gc
import importlib
import os
import socket
import sys
import threading
import time
import traceback
from typing import NoReturn

from flows.cli import start_time
from flows.cli.process import ROOT, enter
from tests.support.forking import Call, serve

IMPORTED = (
    "flows.cli.help",
    "flows.cli.information",
    "flows.cli.main",
    "flows.cli.session",
    "flows.cli.status",
    "flows.cli.ui",
    "flows.distribution.opening",
    "flows.recording.recorder",
    "tasks.doctor.examine",
    "tasks.secrets.doppler.provider",
    "tasks.secrets.doppler.snapshot",
)
"""The modules that most calls need. Prefect is not among them: tests replace it, and it reads the environment."""
PROGRAM = str(ROOT / "flows/predeploy.py")


def load_flow() -> object:
    """As in `flows/predeploy.py`."""
    from flows.predeploy import predeploy

    return predeploy


def run(call: Call) -> NoReturn:
    """Runs the command line as a new interpreter would."""
    sys.path[:] = [*os.environ["PYTHONPATH"].split(os.pathsep), *(path for path in sys.path if path != str(ROOT))]
    sys.argv[:] = [PROGRAM, *call["arguments"]]
    start_time.STARTED = time.monotonic()
    try:
        enter(load_flow)
    finally:  # only after an error: `enter` ends the process
        traceback.print_exc()
        os._exit(70)


def main() -> None:
    """Imports the command line, and serves."""
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the current directory
    for name in IMPORTED:
        importlib.import_module(name)
    assert "prefect" not in sys.modules
    assert threading.active_count() == 1, "a thread is not forked, and may hold a lock"
    gc.freeze()  # the garbage collector does not copy the pages of these modules
    if call := serve(control):
        run(call)


if __name__ == "__main__":
    main()
