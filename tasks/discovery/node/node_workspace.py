"""Finds the workspaces of pnpm, npm, yarn and bun, and their locks."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tasks.discovery.documents import string, strings, text_table
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent, relative

LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies")
_LINKS = ("link:", "file:", "portal:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The directory of an installation. `members` has every directory with a package.json that it installs."""

    root: str
    members: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    """Directories by package name."""


def find_workspace(tree: FileView, package: str) -> Workspace:
    """Returns the workspace of the package in a directory: its own if it has a lock, else the one that lists it."""
    if not any(tree.has(join(package, lock)) for lock in LOCKS):
        for above in lineage(package):
            members = workspace_members(tree, above)
            if above != package and package in members:
                return _workspace(tree, above, (above, *members))
    return _workspace(tree, package, (package, *workspace_members(tree, package)))


def _workspace(tree: FileView, root: str, directories: tuple[str, ...]) -> Workspace:
    members = tuple(path for path in dict.fromkeys(directories) if tree.has(join(path, "package.json")))
    names = {string(tree.table(join(path, "package.json")), "name"): path for path in members}
    return Workspace(root=root, members=members, names={name: path for name, path in names.items() if name})


def workspace_members(tree: FileView, root: str) -> tuple[str, ...]:
    """Returns the directories that a workspace's root lists, without the root itself."""
    patterns = strings(tree.table(join(root, "pnpm-workspace.yaml")), "packages")
    if not patterns:
        manifest = tree.table(join(root, "package.json"))
        patterns = strings(manifest, "workspaces") or strings(manifest, "workspaces", "packages")
    wanted = tuple(pattern for pattern in patterns if not pattern.startswith("!"))
    unwanted = tuple(pattern[1:] for pattern in patterns if pattern.startswith("!"))
    if not wanted:
        return ()
    found = (parent(path) for path in tree.named("package.json") if is_within(path, root))
    return tuple(
        directory
        for directory in found
        if directory != root
        and "node_modules" not in directory.split("/")
        and _is_listed(relative(directory, root), wanted)
        and not _is_listed(relative(directory, root), unwanted)
    )


def _is_listed(directory: str, patterns: tuple[str, ...]) -> bool:
    return any(_fits(directory.split("/"), _parts(pattern)) for pattern in patterns)


def _parts(pattern: str) -> list[str]:
    return [part for part in pattern.split("/") if part not in {"", "."}]


def _fits(parts: list[str], pattern: list[str]) -> bool:
    """Whether a path matches a glob. `**` matches any number of folders, `*` matches one."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and _matches(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _matches(name: str, pattern: str) -> bool:
    before, brace, rest = pattern.partition("{")
    inner, closed, after = rest.partition("}")
    if not brace or not closed:
        return fnmatchcase(name, pattern)
    return any(_matches(name, before + choice + after) for choice in inner.split(","))


def dependencies(tree: FileView, package: str) -> dict[str, str]:
    """Returns the ranges of all dependencies of a package.json by name, including development."""
    manifest = tree.table(join(package, "package.json"))
    return {name: asked for group in _GROUPS for name, asked in text_table(manifest, group).items()}


def linked(tree: FileView, workspace: Workspace, package: str) -> tuple[str, ...]:
    """Returns the directories of the tree's packages that a package depends on, transitively.

    Each one follows those that it depends on, unless they depend on each other.
    """
    order: dict[str, None] = {}
    visited = {package}

    def visit(directory: str) -> None:
        for needed in _links(tree, workspace, directory):
            if needed not in visited:
                visited.add(needed)
                visit(needed)
                order[needed] = None

    visit(package)
    return tuple(order)


def _links(tree: FileView, workspace: Workspace, package: str) -> Iterator[str]:
    for name, asked in dependencies(tree, package).items():
        path = next((asked.removeprefix(link) for link in _LINKS if asked.startswith(link)), None)
        if path is not None:
            directory = join(package, path)
            if tree.has_directory(directory):
                yield directory
            elif not tree.has(directory):
                manifest = join(package, "package.json")
                tree.warn(f"{manifest}: {name} is {asked}, which is not in the tree; installing it will fail")
        elif asked.startswith("workspace:"):
            alias = asked.removeprefix("workspace:").rpartition("@")[0]  # workspace:other-name@*
            target = workspace.names.get(alias or name)
            if target:
                yield target
        elif name in workspace.names:  # npm and yarn link members by their name alone
            yield workspace.names[name]


def locks(tree: FileView, root: str) -> tuple[str, ...]:
    """Returns the lock files in a directory."""
    return tuple(join(root, name) for name in LOCKS if tree.has(join(root, name)))


def manager_of(lock: str) -> str:
    """Returns the package manager of a lock."""
    return LOCKS[posixpath.basename(lock)]
