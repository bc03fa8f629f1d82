"""Loads Django's settings: fills variables that are missing, and sets the database of the run.

A variable that only production has is no error of the code. If the settings raise an error for one, it gets a
throwaway value, and they load again. What happened is printed on stderr, one JSON document a line after MARK.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from predeploy_absent import absent_configuration
from predeploy_databases import set_databases
from predeploy_file import use_migrated_files
from predeploy_files import FilesOfSettings, standing_in
from predeploy_missing import Filling, is_own

MARK = "predeploy-settings: "
LOADS = 60
"""How often the settings load at most."""


def say(kind: str, **facts: Any) -> None:
    """Prints a line for the report."""
    os.write(2, f"\n{MARK}{json.dumps({'kind': kind, **facts})}\n".encode())


def install(conf: ModuleType) -> None:
    """Replaces the initialisation of Django's settings."""
    original = conf.Settings.__init__

    @functools.wraps(original)
    def load(self: Any, settings_module: str) -> None:
        make_directories(os.environ.get("PREDEPLOY_WORK", ""), os.environ.get("PREDEPLOY_DIRECTORIES", ""))
        filling = Filling(os.environ.get("PREDEPLOY_DATABASE", ""), os.environ.get("PREDEPLOY_FILLED", "").split(","))
        load_filled(lambda: original(self, settings_module), filling)
        if filling.added:
            say("filled", names=sorted(filling.added))
        filled = {os.environ[name] for name in filling.added}
        url, work = os.environ.get("PREDEPLOY_DATABASE", ""), os.environ.get("PREDEPLOY_WORK", "")
        for gap in set_databases(self, url, work, filled):
            say("gap", text=gap)
        # in an image, where the workspace of the run is not
        if not work and os.environ.get("PREDEPLOY_SERVER") and os.environ.get("PREDEPLOY_SQLITE"):
            use_migrated_files(self)

    conf.Settings.__init__ = load


def make_directories(work: str, listed: str) -> None:
    """Makes the directories of production's image in the workspace: git keeps no empty one."""
    for name in filter(None, listed.split(":") if work else []):
        with suppress(OSError):
            (Path(work) / name).mkdir(parents=True, exist_ok=True)


def load_filled(load: Callable[[], None], filling: Filling) -> None:
    """Loads the settings until they raise no error for a variable. Raises the error that no value prevents."""
    absent = FilesOfSettings()
    for _ in range(LOADS):
        before = set(sys.modules)
        try:
            with watched(filling), standing_in(absent, filling.added):
                load()
        except (Exception, SystemExit) as error:
            if filling.take(error):
                forget(before)
                continue
            cause = filling.cause(error)
            file = "" if filling.blocked else absent.explains(error)
            if file:
                say("absent", name="", message=f"{file} is absent: {shown(cause)}")
            elif filling.blocked or absent_configuration(error):
                say("absent", name=filling.blocked, message=shown(cause))
            raise cause from None
        for name, example in absent.filled.items():
            say("gap", text=f"production needs the file {name}: this run took the values of {example}")
        return


def shown(error: BaseException) -> str:
    """Returns an error on one line, with paths relative to the workspace."""
    work = os.environ.get("PREDEPLOY_WORK", "")
    text = f"{type(error).__name__}: {error}"
    return " ".join((text.replace(f"{work}/", "") if work else text).split())[:300]


@contextmanager
def watched(filling: Filling) -> Iterator[None]:
    """Records which variables the settings read that are absent."""
    kind: Any = type(os.environ)
    original = kind.__getitem__

    def getitem(self: Any, key: str) -> str:
        try:
            found: str = original(self, key)
        except KeyError:
            filling.missed.append(key)
            raise
        return found

    kind.__getitem__ = getitem
    try:
        yield
    finally:
        kind.__getitem__ = original


def forget(before: set[str]) -> None:
    """Removes the modules of the stack that the failed attempt imported. Packages stay."""
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and is_own(file):
            del sys.modules[name]
