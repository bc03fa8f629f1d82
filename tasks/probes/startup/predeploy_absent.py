"""Tells whether an error of the settings is about configuration that only production has."""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path

from predeploy_databases import is_inside
from predeploy_missing import is_own

EXAMPLE = re.compile(r"[-._]?(?:example|sample|template|tmpl|dist|default)(?=[-._]|$)")


def absent_configuration(error: BaseException) -> bool:
    """Whether the stack's own code says that configuration is absent, or a file that only production has is."""
    frames = list(traceback.walk_tb(error.__traceback__))
    file = frames[-1][0].f_code.co_filename if frames else ""
    if type(error).__name__ == "ImproperlyConfigured":
        return is_own(file)
    root = Path(os.environ.get("PREDEPLOY_WORK") or Path.cwd())
    if isinstance(error, FileNotFoundError) and error.filename:
        path = Path(os.fsdecode(error.filename)).absolute()
        is_outside = not is_inside(path, root.resolve()) and not is_inside(path, root)
        return is_outside or is_kept_out(path, root)
    if isinstance(error, ModuleNotFoundError) and error.name:
        module = f"{error.name.replace('.', '/')}.py"
        return any(is_kept_out(Path(each).absolute() / module, root) for each in sys.path)
    return False


def is_kept_out(path: Path, root: Path) -> bool:
    """Whether the stack leaves a file of the tree to production: an example lies there, or git ignores its name.

    A pattern such as `lib/` or `*.py` does not show that the file is configuration.
    """
    if not is_inside(path, root) or not path.parent.is_dir():
        return False
    if any(is_example(each.name, path) for each in path.parent.iterdir()):
        return True
    files = (folder / ".gitignore" for folder in path.parents if is_inside(folder, root))
    texts = (each.read_text("utf-8", "replace") for each in files if each.is_file())
    return any(line.strip().rpartition("/")[2] == path.name for text in texts for line in text.splitlines())


def is_example(name: str, path: Path) -> bool:
    """Whether a name is that of an example of a file, such as `local_settings.py.example` or `local.example.py`."""
    words = EXAMPLE.split(name)
    return len(words) > 1 and "".join(words) in {path.name, path.stem, path.name.lstrip(".")}
