"""Python imports this module when it starts: Django's settings then load through `predeploy_settings`.

It is on the module path of the stack's Django processes: commands, servers and tests. It changes nothing else.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = str(Path(__file__).parent)


class Watch(MetaPathFinder):
    """Waits for the import of `django.conf`, which has the class of the settings."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - the protocol of Python
        if fullname != "django.conf":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            from predeploy_settings import install

            install(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def run_the_next() -> None:
    """Runs the module of this name that this one hides."""
    spec = PathFinder.find_spec("sitecustomize", [each for each in sys.path if each != HERE])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


sys.meta_path.insert(0, Watch())
run_the_next()
