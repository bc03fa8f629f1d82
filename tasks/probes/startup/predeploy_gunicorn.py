"""Lets gunicorn's configuration file name a directory that only production's image has.

gunicorn checks `chdir` when it reads the file, before the option that replaces it. Here the server stays where it is.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any


def install(config: ModuleType) -> None:
    """Replaces the check of the setting `chdir` in `gunicorn.config`, if this process is a server."""
    setting = getattr(config, "Chdir", None)
    if os.environ.get("PREDEPLOY_SERVER") and setting is not None:
        setting.validator = staticmethod(lambda value: directory_of(value, config.validate_chdir))


def directory_of(value: Any, validate: Any) -> Any:
    """Returns the valid directory, or the working directory for an absolute path that does not exist."""
    is_elsewhere = isinstance(value, str) and Path(value).is_absolute() and not Path(value).exists()
    return str(Path.cwd()) if is_elsewhere else validate(value)
