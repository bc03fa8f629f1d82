"""A row of the fault matrix: the edits of a copy of the sample, and what a validation must then report."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.models import Status

WEB = "apps/web"
WORKER = "workers/intake"
SITE = "sites/coffee-shop"
Edit = Callable[[Path], None]
CONTAINERS, EMBEDDED = ("dagger",), ("local",)
ENGINES = (*EMBEDDED, *CONTAINERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Red:
    """A check that must be red: with this reason code, and with this place and these words in its first error."""

    check: str
    code: str
    at: str = ""
    says: str = ""
    status: Status = Status.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row. `first` is applied and must be green before `edits`, which is what the row is about. `base` is in the
    commit that is deployed, too.

    `says` is for green rows: a check, and what its summary or a warning of it says. `engines` are those that can show
    it; a row that is for one alone says why.

    `fast` is for rows that are tried in each run of the tests, with the checks alone that they turn red. Rows with the
    same word are tried in one validation: no check of one may be red or skipped for another one.
    """

    name: str
    edits: tuple[Edit, ...]
    red: tuple[Red, ...] = ()
    exit: int = 1
    base: tuple[Edit, ...] = ()
    first: tuple[Edit, ...] | None = None
    says: tuple[str, str] | None = None
    fast: str = ""
    engines: tuple[str, ...] = ENGINES


def red(check: str, code: str, at: str = "", says: str = "") -> Red:
    """A check that fails."""
    return Red(check=check, code=code, at=at, says=says)


def open_(check: str, code: str, at: str = "", says: str = "") -> Red:
    """A check that comes to no verdict."""
    return Red(check=check, code=code, at=at, says=says, status=Status.ERRORED)


def write(file: str, text: str) -> Edit:
    """Writes a file that was not there, or was another one."""

    def edit(stack: Path) -> None:
        path = stack / file
        assert not path.is_file() or path.read_text() != text, f"{file} has that text already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return edit


def replace(file: str, old: str, new: str) -> Edit:
    """Replaces a text that is there exactly once."""

    def edit(stack: Path) -> None:
        text = (stack / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        (stack / file).write_text(text.replace(old, new))
        assert (stack / file).read_text() != text

    return edit


def cut(file: str, pattern: str, new: str = "") -> Edit:
    """Replaces what a pattern finds; it must find something."""

    def edit(stack: Path) -> None:
        text = (stack / file).read_text()
        after, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count, f"{file} has no {pattern}"
        assert after != text
        (stack / file).write_text(after)

    return edit


def append(file: str, text: str) -> Edit:
    """Adds a text at the end of a file that is there."""

    def edit(stack: Path) -> None:
        with (stack / file).open("a") as opened:
            opened.write(text)

    return edit


def delete(pattern: str) -> Edit:
    """Deletes the files that a glob finds; it must find some."""

    def edit(stack: Path) -> None:
        found = [path for path in stack.glob(pattern) if path.is_file()]
        assert found, f"there is no {pattern}"
        for path in found:
            path.unlink()

    return edit


def unnoticed(file: str, old: str, new: str) -> Edit:
    """Replaces a text by one of the same size, and gives the file the times that it had."""
    assert len(old.encode()) == len(new.encode())
    change = replace(file, old, new)

    def edit(stack: Path) -> None:
        before = (stack / file).stat()
        change(stack)
        os.utime(stack / file, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = (stack / file).stat()
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    return edit


def migration(name: str, *operations: str, after: str = "0002_product_position", imports: str = "") -> Edit:
    """Writes a migration of the app `menu`."""
    body = "".join(f"        {operation},\n" for operation in operations)
    listed = f"[\n{body}    ]" if body else "[]"
    text = f'''from django.db import migrations{imports}


class Migration(migrations.Migration):
    dependencies = [("menu", "{after}")]

    operations = {listed}
'''
    return write(f"{WEB}/menu/migrations/{name}.py", text)


def limit(check: str, seconds: int) -> Edit:
    """Gives a check less time."""
    return write("predeploy.toml", f"[limits]\n{check} = {seconds}\n")
