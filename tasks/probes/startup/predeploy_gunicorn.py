"""Lets gunicorn's configuration file name places and users that only production's machine has.

gunicorn checks `chdir` when it reads the file, before the option that replaces it. Here the server stays where it is,
as the user who runs it, in the foreground. It writes no file with its process id, and logs to the standard output.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

LOGS = ("AccessLog", "Accesslog", "ErrorLog", "Errorlog")


def install(config: ModuleType) -> None:
    """Replaces checks of settings in `gunicorn.config`, if this process is a server."""
    if not os.environ.get("PREDEPLOY_SERVER"):
        return
    validators: dict[str, Any] = {
        "Chdir": lambda value: directory_of(value, config.validate_chdir),
        "Pidfile": lambda _: None,
        "Daemon": lambda _: False,
        "User": lambda _: os.geteuid(),
        "Group": lambda _: os.getegid(),
        **dict.fromkeys(LOGS, log_of),
    }
    for name, validator in validators.items():
        if (setting := getattr(config, name, None)) is not None:
            setting.validator = staticmethod(validator)


def directory_of(value: Any, validate: Any) -> Any:
    """Returns the valid directory, or the working directory for an absolute path that does not exist."""
    is_elsewhere = isinstance(value, str) and Path(value).is_absolute() and not Path(value).exists()
    return str(Path.cwd()) if is_elsewhere else validate(value)


def log_of(value: Any) -> Any:
    """Returns the file of a log, or the standard output for a file in a directory that does not exist."""
    is_elsewhere = isinstance(value, str) and Path(value).is_absolute() and not Path(value).parent.is_dir()
    return "-" if is_elsewhere else value
