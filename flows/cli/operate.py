"""Subcommands for operators: each starts a program of `deployments` in the place of this process."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from flows.cli.invocation import Caller
from flows.cli.signals import leave
from tasks.files import PACKAGES as ROOT
from tasks.hardening import TOKEN_VARIABLE


def start_program(name: str, arguments: Sequence[str], caller: Caller) -> NoReturn:
    """Replaces this process by the program, which reads its own arguments.

    It runs in predeploy's directory: Prefect reads settings from the current directory, and that may be a stack's.
    """
    environ = {**caller.environ, "PYTHONPATH": str(ROOT)}
    if caller.token is not None and name == "worker":
        environ[TOKEN_VARIABLE] = caller.token.text  # for its runs
    os.chdir(ROOT)
    leave()
    os.execve(  # noqa: S606 - no shell is needed
        sys.executable, [sys.executable, "-P", "-m", f"deployments.{name}", *arguments], environ
    )
