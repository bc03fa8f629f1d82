"""Reads a project's packages in uv.lock and pyproject.toml."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent, relative

_LOCAL_SOURCES = ("editable", "directory", "virtual")
_EXTRAS = ("optional-dependencies",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The packages that one project can install, and the directories of those that are in the tree."""

    packages: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = ()


def find_uv_lock(tree: FileView, directory: str) -> str | None:
    """Returns the uv.lock of a project: its own, or that of its workspace."""
    own = join(directory, "uv.lock")
    if tree.has(own):
        return own
    for above in lineage(directory):
        manifest = join(above, "pyproject.toml")
        if above != directory and directory in workspace_members(tree, manifest):
            lock = join(above, "uv.lock")
            return lock if tree.has(lock) else None
    return None


def workspace_members(tree: FileView, manifest: str) -> tuple[str, ...]:
    """Returns the directories of the members of a uv workspace, without the directory of `manifest`."""
    workspace = table(tree.table(manifest), "tool", "uv", "workspace")
    root, members, excluded = parent(manifest), strings(workspace, "members"), strings(workspace, "exclude")
    if not members:
        return ()
    return tuple(
        parent(path)
        for path in tree.named("pyproject.toml")
        if path != manifest
        and is_within(path, root)
        and _is_listed(relative(parent(path), root), members)
        and not _is_listed(relative(parent(path), root), excluded)
    )


def _is_listed(directory: str, patterns: tuple[str, ...]) -> bool:
    depth = directory.count("/")
    plain = (pattern.removeprefix("./").rstrip("/") for pattern in patterns)
    return any(fnmatchcase(directory, item) and ("**" in item or item.count("/") == depth) for item in plain)


def read_uv_lock(tree: FileView, lock: str, project: str) -> Locked:
    """Returns the packages that the project in a directory can install. A project that is not in the lock has all."""
    packages = tables(tree.table(lock), "package")
    root = parent(lock)
    by_name: dict[str, list[Table]] = {}
    for package in packages:
        by_name.setdefault(string(package, "name"), []).append(package)
    start = next((string(item, "name") for item in packages if _directory(item, root) == project), "")
    names = _reachable(by_name, start) if start else set(by_name)
    held = [package for name in sorted(names) for package in by_name.get(name, [])]
    directories = (_directory(package, root) for package in held)
    return Locked(
        packages=frozenset(names - {start}),
        versions={string(item, "name"): string(item, "version") for item in reversed(held) if _is_pinned(item, start)},
        directories=tuple(found for found in directories if found not in {"", project} and tree.has_directory(found)),
    )


def _is_pinned(package: Table, start: str) -> bool:
    return bool(string(package, "version")) and string(package, "name") != start


def _directory(package: Table, root: str) -> str:
    """Returns the directory of a locked package, or an empty text if the package is not in the tree."""
    source = table(package, "source")
    path = next((string(source, key) for key in _LOCAL_SOURCES if string(source, key)), "")
    return join(root, path) if path else ""


def _reachable(by_name: dict[str, list[Table]], start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for package in by_name.get(waiting.pop(), []):
            # Development groups of other members are not installed with this project.
            groups = (*_EXTRAS, "dev-dependencies") if string(package, "name") == start else _EXTRAS
            new = {name for name in _wanted(package, groups) if name not in seen}
            seen |= new
            waiting += new
    return seen


def _wanted(package: Table, groups: tuple[str, ...]) -> Iterator[str]:
    for item in tables(package, "dependencies"):
        yield string(item, "name")
    for key in groups:
        for group in table(package, key):
            for item in tables(package, key, group):
                yield string(item, "name")


def declared(manifest: Table) -> frozenset[str]:
    """Returns the names that a pyproject.toml declares: dependencies, extras and groups."""
    project, groups, extras = table(manifest, "project"), table(manifest, "dependency-groups"), "optional-dependencies"
    lines = [*strings(project, "dependencies"), *strings(manifest, "tool", "uv", "dev-dependencies")]
    for extra in table(project, extras):
        lines += strings(project, extras, extra)
    for group in groups:
        lines += strings(groups, group)
    poetry = table(manifest, "tool", "poetry")
    old = [*table(poetry, "dependencies"), *table(poetry, "dev-dependencies")]
    for group in table(poetry, "group"):
        old += table(poetry, "group", group, "dependencies")
    return frozenset(name for name in map(_name, (*lines, *old)) if name)


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        match = re.match(r"[A-Za-z0-9][\w.\-]*", line)
        return canonicalize_name(match.group()) if match else ""


def source_directories(tree: FileView, manifest: str) -> tuple[str, ...]:
    """Returns the directories in `[tool.uv.sources]` of a pyproject.toml."""
    sources = table(tree.table(manifest), "tool", "uv", "sources")
    paths = (string(sources, name, "path") for name in sources)
    found = (join(parent(manifest), path) for path in paths if path)
    return tuple(directory for directory in found if tree.has_directory(directory))
