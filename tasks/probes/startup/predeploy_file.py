"""Gives a server in an image migrated files of SQLite: the run has migrated none of those in the image.

The first process of the server that loads the settings copies the files and migrates the copies. The others wait.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MIGRATING = "PREDEPLOY_MIGRATING"
"""The variable of the process that migrates: the file that it makes at its end."""
PATIENCE = 120
PROGRAM = """
import os
from pathlib import Path
try:
    import django
    django.setup()
    from django.core.management import call_command
    from django.db import connections
    for alias in connections:
        if connections[alias].vendor == "sqlite":
            call_command("migrate", database=alias, interactive=False, verbosity=0, skip_checks=True)
finally:
    Path(os.environ["PREDEPLOY_MIGRATING"]).touch()
"""


def use_migrated_files(settings: Any) -> None:
    """Replaces each file in the settings by a migrated copy."""
    databases = getattr(settings, "DATABASES", None)
    tables = databases.items() if isinstance(databases, dict) else ()
    files = {alias: given for alias, given in tables if isinstance(given, dict) and is_file(given)}
    if not files:
        return
    place = Path(tempfile.gettempdir()) / "predeploy-sqlite"
    originals = {alias: Path(os.fspath(given["NAME"])) for alias, given in files.items()}
    for alias, given in files.items():
        given["NAME"] = str(place / f"{alias}.sqlite3")
    if os.environ.get(MIGRATING):
        return
    done = place / "migrated"
    try:
        place.mkdir()
    except FileExistsError:
        wait_for(done)
        return
    for alias, path in originals.items():
        if path.is_file():
            shutil.copyfile(str(path), str(files[alias]["NAME"]))
    migrate(settings.SETTINGS_MODULE, done)


def is_file(given: dict[str, Any]) -> bool:
    """Whether the table of an alias names a file of SQLite."""
    name = os.fspath(given.get("NAME") or "")
    return "sqlite" in str(given.get("ENGINE", "")) and bool(name) and ":memory:" not in name


def migrate(module: str, done: Path) -> None:
    """Migrates the files in a process of its own, with this one's modules. Prints the output of a failure."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": module, "PYTHONPATH": ":".join(sys.path), MIGRATING: str(done)}
    command = [python(), "-c", PROGRAM]
    ran = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if ran.returncode:
        os.write(2, b"The files of SQLite could not be migrated:\n" + ran.stdout)


def python() -> str:
    """Returns the interpreter. In a server such as uWSGI, the running program is another one."""
    is_python = os.path.basename(sys.executable or "").startswith("python")  # noqa: PTH119 - the value may be None
    return sys.executable if is_python else str(Path(sys.prefix) / "bin" / "python3")


def wait_for(done: Path) -> None:
    """Waits until another process has migrated."""
    deadline = time.monotonic() + PATIENCE
    while not done.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
