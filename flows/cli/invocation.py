"""The caller of the command line: its environment, and the defaults for what it leaves out."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import UsageError
from tasks.validation.job import RunEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(RunEnvironment):
    """The environment that this process was started with. `load_flow` imports the flow that records a run."""

    load_flow: Callable[[], Any]

    @property
    def default_stack(self) -> str:
        """The directory that the caller's recipe names, or the current one."""
        return self.environ.get("PREDEPLOY_STACK") or "."


def absolute(stack: str) -> Path:
    """Returns the absolute path of a stack, before this process leaves the caller's directory."""
    try:
        return Path(stack).absolute()
    except FileNotFoundError as error:
        raise UsageError("the current directory is not there any more. Change to a directory that exists.") from error


def enter_neutral_directory(cache: Path) -> None:
    """Changes to an empty directory: Prefect and other libraries read configuration from the current one."""
    directory = cache / "empty"
    directory.mkdir(parents=True, exist_ok=True)
    os.chdir(directory)
