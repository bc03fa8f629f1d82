"""Python imports this module when it starts: Django's settings then load through `predeploy_settings`.

Servers also print the errors of their requests, through `predeploy_requests`, and outside of an image gunicorn may name
a directory of the image, through `predeploy_gunicorn`.

It is on the module path of the stack's Django processes: commands, servers and tests. It changes nothing else.
An image may have an older Python than the loader needs. Then its settings load as they do in production.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = str(Path(__file__).parent)
OLDEST = (3, 8)
"""The oldest Python that the loader runs on."""
MODULES = {"django.conf": "predeploy_settings", "django.core.signals": "predeploy_requests"}
"""Modules of Django, and the modules whose function `install` gets them after their import."""
REQUESTS = {"django.db.models.query": "predeploy_empty", "django.core.handlers.exception": "predeploy_empty"}
"""The same for servers alone."""
SERVERS = {"gunicorn.config": "predeploy_gunicorn"}
"""The same for servers outside of an image. Only there `PREDEPLOY_WORK` is set."""


class Watch(MetaPathFinder):
    """Waits for the import of the class of the settings, of the signals, and of the settings of a server."""

    def __init__(self) -> None:
        self.waiting = dict(MODULES)
        if os.environ.get("PREDEPLOY_SERVER"):
            self.waiting.update(REQUESTS)
            self.waiting.update(SERVERS if os.environ.get("PREDEPLOY_WORK") else {})

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - the protocol of Python
        if fullname not in self.waiting:
            return None
        installer = self.waiting.pop(fullname)
        if not self.waiting:
            sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            import_module(installer).install(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def run_the_next() -> None:
    """Runs the module of this name that this one hides."""
    spec = PathFinder.find_spec("sitecustomize", [each for each in sys.path if each != HERE])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if sys.version_info >= OLDEST:
    sys.meta_path.insert(0, Watch())
run_the_next()
