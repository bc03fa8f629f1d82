"""Python's cache of compiled modules: a full disk and a small limit of files would damage it for all later runs.

Python 3.11 keeps a compiled module that it could write in part only (fixed in 3.12.8 and 3.13.1).
"""
# ruff: noqa: PTH108, PTH120
# (plain strings and os: nothing is imported that Python has not imported already)

import os
import resource
import sys
from contextlib import suppress

ENOUGH = 100 << 20
"""The bytes that the compiled modules of predeploy and its packages need at most."""


def protect_bytecode() -> None:
    """Compiled modules are not kept, by this process and its children, if there may be no room for them."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    try:
        disk = os.statvfs(__file__)
        free = disk.f_bavail * disk.f_frsize
    except OSError:
        free = 0
    if free < ENOUGH or (limit != resource.RLIM_INFINITY and limit < ENOUGH):
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        from importlib.util import cache_from_source

        with suppress(OSError):  # `python -m` has written it already
            os.unlink(cache_from_source(f"{os.path.dirname(os.path.dirname(__file__))}/predeploy.py"))
