"""Tells whether an error of the settings is about configuration that only production has."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from predeploy_databases import is_inside
from predeploy_missing import is_own

SECRET = re.compile(r"secret|credential|passw|private|token|service[-_]?account", re.IGNORECASE)
"""What the path of a file says that git leaves to production by the name of a folder or by a pattern."""
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
    if not is_inside(path, root):
        return False
    lines = list(ignored(path, root))
    shown = "/".join(part for part in path.parts if part not in root.parts)
    if path.suffix != ".py" and SECRET.search(shown) and any(ignores(line, path) for line in lines):
        return True
    if not path.parent.is_dir():
        return False
    if any(is_example(each.name, path) for each in path.parent.iterdir()):
        return True
    return any(line.rpartition("/")[2] == path.name for line in lines)


def ignored(path: Path, root: Path) -> Iterator[str]:
    """Yields the patterns of the .gitignore files that hold for a path."""
    for folder in path.parents:
        file = folder / ".gitignore"
        if is_inside(folder, root) and file.is_file():
            yield from (line.strip() for line in file.read_text("utf-8", "replace").splitlines())


def ignores(pattern: str, path: Path) -> bool:
    """Whether a pattern of .gitignore hides a path, by one of its names or by its end."""
    plain = pattern.strip("/")
    if not plain or pattern.startswith(("#", "!")):
        return False
    tails = ["/".join(path.parts[index:end]) for end in range(len(path.parts), 0, -1) for index in range(end)]
    return any(fnmatchcase(tail, plain) for tail in tails)


def is_example(name: str, path: Path) -> bool:
    """Whether a name is that of an example of a file, such as `local_settings.py.example` or `local.example.py`."""
    words = EXAMPLE.split(name)
    return len(words) > 1 and "".join(words) in {path.name, path.stem, path.name.lstrip(".")}
