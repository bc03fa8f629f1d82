"""A process that has Django and its driver for Postgres imported, and forks itself for each run of a probe.

usage: python tests/probes/django_server.py DESCRIPTOR

Runs with the Python of a stack. DESCRIPTOR is the socket of `forking.serve`. The arguments of a call begin with the
path of the probe.
"""

import gc
import importlib
import os
import runpy
import socket
import sys
import threading
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
IMPORTED = (
    "argparse",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.core.wsgi",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.autodetector",
    "django.forms",
)
"""What most probes need of Django. No module of them reads the settings when it is imported."""


def main() -> None:
    """Imports Django, and serves."""
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = ROOT
    from tests.support.forking import serve

    del sys.path[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # a stack may have a package of this name
    for name in IMPORTED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a thread is not forked, and may hold a lock"
    gc.freeze()
    if call := serve(control):
        sys.argv[:] = call["arguments"]
        sys.path.insert(0, str(Path(sys.argv[0]).parent))
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
