"""The console script `predeploy` of an installed package.

A separate top-level module, because a stack in PYTHONPATH may also have packages named `flows` and `tasks`.
"""

import os
import sys


def main() -> None:
    """Runs the command line and exits the process. Python imports modules from its own directories only."""
    if os.environ.pop("PYTHONPATH", ""):
        # `./just` removes PYTHONPATH too. Only a new process has a sys.path without its directories.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell is needed
    if not sys.flags.safe_path:
        del sys.path[0]  # the directory of the script
    os.environ.setdefault("PREDEPLOY_CALLED_AS", "predeploy")
    from flows.cli.bytecode import protect_bytecode

    protect_bytecode()
    from flows.cli.process import enter

    enter(load_flow)


def load_flow() -> object:
    """Imports Prefect and the flow that records a run, when the recorder's thread needs them."""
    from flows.predeploy import predeploy

    return predeploy
