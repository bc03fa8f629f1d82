"""A process that has modules imported, and forks itself for each run of a probe.

usage: python tests/probes/warm_python.py MODULE ... DESCRIPTOR

Runs with any Python, such as that of a stack. DESCRIPTOR is the socket of `forking.serve`. The arguments of a call
begin with the path of the probe.
"""

import gc
import importlib
import os
import runpy
import socket
import sys
import threading
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])


def main() -> None:
    """Imports the modules, and serves."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    sys.path[0] = ROOT
    from tests.support.forking import serve

    del sys.path[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # a stack may have a package of this name
    for name in sys.argv[1:-1]:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a thread is not forked, and may hold a lock"
    gc.freeze()
    if call := serve(control):
        sys.argv[:] = call["arguments"]
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
