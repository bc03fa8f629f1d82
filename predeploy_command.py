"""The console script `predeploy` of an installed package.

A top-level module of its own: `flows` and `tasks` are names that a stack may have too, and PYTHONPATH may name a stack.
"""

import os
import sys


def main() -> None:
    """Runs the command line, and ends the process. Python looks for modules in its own directories alone."""
    if os.environ.pop("PYTHONPATH", ""):
        # As `./just` does. Only a new process has a sys.path without it.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell is needed
    if not sys.flags.safe_path:
        del sys.path[0]  # the directory of the script
    os.environ.setdefault("PREDEPLOY_CALLED_AS", "predeploy")
    from flows.cli.process import enter

    enter(load_flow)


def load_flow() -> object:
    """Imports Prefect and the flow that records a run, when the recorder's thread needs them."""
    from flows.predeploy import predeploy

    return predeploy
