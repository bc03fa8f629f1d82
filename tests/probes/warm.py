"""Processes that have modules imported, and fork themselves for each run of a probe: see `warm_python.py`."""

import os
import socket
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.support.forked import start_server

DJANGO = (
    *("argparse", "django.core.management.commands.makemigrations", "django.core.management.commands.migrate"),
    *("django.core.wsgi", "django.db.backends.postgresql.base", "django.db.backends.sqlite3.base"),
    *("django.db.migrations.autodetector", "django.forms"),
)
"""What most probes need of Django. No module of them reads the settings when it is imported."""
STANDARD = (
    *("argparse", "dataclasses", "hashlib", "html.parser", "http.client", "http.server", "json", "pathlib"),
    *("socketserver", "tomllib", "urllib.parse"),
)
PSYCOPG = (*STANDARD, "psycopg")


@cache
def warm_python(command: tuple[str, ...], modules: tuple[str, ...]) -> socket.socket:
    """The socket of a process of this Python that has the modules imported."""
    return start_server(*command, str(Path(__file__).with_name("warm_python.py")), *modules, environ={})


def modules_of(python: str, name: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """The modules that the Python of a probe can have imported before; none if that would change what it does.

    The modules of PYTHONPATH see the imports of Django, and change some of them.
    """
    if "PYTHONPATH" in env or not hasattr(os, "pidfd_open"):
        return ()
    if python == sys.executable:
        return STANDARD
    return DJANGO if name.startswith("django/") else PSYCOPG
