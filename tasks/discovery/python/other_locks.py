"""Reads the locks of Poetry, PDM and Pipenv, so that exactly the locked versions install."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from packaging.utils import canonicalize_name

from tasks.discovery.documents import table
from tasks.discovery.file_view import FileView, join, parent
from tasks.discovery.python.locked_packages import MAIN, LockedPackages, requirements_text
from tasks.discovery.python.pdm_lock import read_pdm_lock
from tasks.discovery.python.pipfile_lock import read_pipfile_lock
from tasks.discovery.python.poetry_lock import read_poetry_lock

Manager = Literal["Poetry", "PDM", "Pipenv"]
MANAGERS: Mapping[str, Manager] = {"poetry.lock": "Poetry", "pdm.lock": "PDM", "Pipfile.lock": "Pipenv"}
_MANIFESTS = {"Pipfile.lock": "Pipfile"}
_SECTIONS = frozenset({"source", "requires", "scripts", "pipenv"})
"""Sections of a Pipfile without packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The groups and extras to install. `only` replaces the main group, and `every` means all groups.

    `defaults` means the groups that the tool installs unless a flag leaves them out.
    """

    only: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    defaults: bool = False
    every: bool = False
    extras: tuple[str, ...] = ()
    all_extras: bool = False


PRODUCTION = Selection()
DEVELOPMENT = Selection(every=True, all_extras=True)


def find_other_lock(tree: FileView, directory: str) -> str | None:
    """Returns the lock of Poetry, PDM or Pipenv in a directory."""
    return tree.first(directory, *MANAGERS)


def manifest_of(tree: FileView, lock: str) -> str | None:
    """Returns the manifest that a lock belongs to."""
    name = lock.rsplit("/", 1)[-1]
    return tree.first(parent(lock), _MANIFESTS.get(name, "pyproject.toml"))


def read_other_lock(tree: FileView, lock: str) -> LockedPackages:
    """Returns the packages of a lock. A broken lock has none, and the installation reports it."""
    content, manifest = tree.table(lock), tree.table(manifest_of(tree, lock))
    match MANAGERS[lock.rsplit("/", 1)[-1]]:
        case "Poetry":
            return read_poetry_lock(content, manifest)
        case "PDM":
            return read_pdm_lock(content, manifest)
    return read_pipfile_lock(content)


def selected_text(locked: LockedPackages, selection: Selection) -> str:
    """Returns the requirements file for a selection of groups and extras."""
    return requirements_text(locked, selected_groups(locked, selection), _selected_extras(locked, selection))


def selected_groups(locked: LockedPackages, selection: Selection) -> frozenset[str]:
    """Returns the groups of a selection."""
    if selection.every:
        return locked.groups
    if selection.only:
        return _names(selection.only)
    default = locked.groups - locked.optional if selection.defaults else {MAIN}
    # PDM treats an extra as a group
    named = {*_names(selection.groups), *(_names(selection.extras) & locked.groups)}
    return (frozenset(default) | named) - _names(selection.without)


def _selected_extras(locked: LockedPackages, selection: Selection) -> frozenset[str]:
    return locked.extras if selection.all_extras else _names(selection.extras)


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(str(canonicalize_name(name)) for name in names)


def local_directories(tree: FileView, lock: str, locked: LockedPackages) -> tuple[str, ...]:
    """Returns the directories of the tree that a lock installs from, without the project's own."""
    found = (join(parent(lock), path) for path in locked.directories)
    return tuple(path for path in dict.fromkeys(found) if tree.has_directory(path) and path != parent(lock))


def pipfile_names(tree: FileView, manifest: str | None) -> frozenset[str]:
    """Returns the names of the packages that a Pipfile declares."""
    if manifest is None or not manifest.endswith("Pipfile"):
        return frozenset()
    content = tree.table(manifest)
    sections = (name for name in content if name not in _SECTIONS)
    return frozenset(str(canonicalize_name(name)) for section in sections for name in table(content, section))
