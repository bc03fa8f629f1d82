"""What our programs that run inside a Django project share. The name is unlike any that a stack would give a module."""

import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path


def enter_project() -> None:
    """Puts the project, and not this directory, on the module path."""
    sys.path[0] = str(Path.cwd())


def enter_manage() -> None:
    """Runs manage.py for nothing: it chooses the settings where nobody did, and may extend the module path.

    Whatever is wrong with the settings shows when they are used; Django itself does not say it here.
    """
    argv, sys.argv = sys.argv, ["manage.py", "version"]
    try:
        with redirect_stdout(StringIO()):
            runpy.run_path("manage.py", run_name="__main__")
    except SystemExit:
        pass
    finally:
        sys.argv = argv
