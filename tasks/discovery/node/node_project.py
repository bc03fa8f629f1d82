"""Finds how a Node component declares and locks its dependencies."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, cast

from tasks.discovery.documents import string, table, text_table
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent
from tasks.discovery.node.node_engines import NPM_11, fitting_version, locked_engines, needs_npm_11
from tasks.discovery.node.node_locks import lock_format, locked_versions
from tasks.discovery.node.node_preparation import preparation
from tasks.discovery.node.node_workspace import (
    Workspace,
    dependencies,
    find_workspace,
    linked,
    locks,
    manager_of,
)
from tasks.discovery.versions import Image, node_version
from tasks.node_range import lowest_major
from tasks.packages.package_managers import reader_of
from tasks.stack import NodeProject, Version

Manager = Literal["pnpm", "npm", "yarn", "bun"]

_PACKAGE_MANAGER = re.compile(r"^(pnpm|npm|yarn|bun)(?:@(\d+\.\d+\.\d+[\w.\-]*))?")
_RANGE = re.compile(r"^(?:pnpm|yarn|bun)@(?P<range>[^\s+]+)")
_SETTINGS = (
    ".npmrc",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    ".yarnrc",
    ".yarnrc.yml",
    "bunfig.toml",
)
# The folders of .yarn with files that an installation reads.
_YARN = ("cache", "patches", "plugins", "releases")
# Tools that a workspace's root often installs for all members.
_SHARED_TOOLS = ("typescript", "eslint", "vitest", "wrangler", "prettier")


def describe_node(tree: FileView, directory: str, image: Image) -> NodeProject | None:
    """Returns the Node project of the component in `directory`, or None without a package.json."""
    manifest = tree.nearest(directory, "package.json")
    if manifest is None:
        return None
    package = parent(manifest)
    workspace = find_workspace(tree, package)
    manifests = tuple(dict.fromkeys((manifest, join(workspace.root, "package.json"))))
    manager, named = _manager(tree, workspace, manifests)
    lock = _lock(tree, workspace.root, manager)
    version = named or _reader(tree, workspace.root, manager, lock, manifests)
    paths = linked(tree, workspace, package)
    asked = dependencies(tree, package)
    if workspace.root != package:
        shared = dependencies(tree, workspace.root)
        asked = {name: shared[name] for name in _SHARED_TOOLS if name in shared} | asked
    return NodeProject(
        root=workspace.root,
        package=package,
        manager=manager,
        manager_version=version,
        linker=_linker(tree, workspace.root, manager, version),
        lock=lock,
        node=_node(tree, image, directory, manifests, lock, asked),
        scripts=text_table(tree.table(manifest), "scripts"),
        dependencies=asked,
        locked=locked_versions(tree, lock, workspace.root, package) if lock else {},
        inputs=_inputs(tree, workspace, package, paths, lock),
        paths=tuple(sorted(paths)),
        preparation=preparation(tree, workspace.root, package, paths),
    )


def _node(
    tree: FileView,
    image: Image,
    directory: str,
    manifests: tuple[str, ...],
    lock: str | None,
    asked: Mapping[str, str],
) -> Version:
    """Returns the Node of a component: the one that the stack states, else one that its locked packages accept."""
    version = node_version(tree, image, component=directory, manifests=manifests)
    root, package = parent(lock or manifests[0]), parent(manifests[0])
    engines = locked_engines(tree, lock, root, package, asked) if lock else {}
    fitting = fitting_version(tree, version, lock, engines)
    if lock and needs_npm_11(tree, lock, asked):
        return replace(fitting, packages=(*fitting.packages, NPM_11))
    return fitting


def manager_and_version(tree: FileView, package: str) -> tuple[str, str]:
    """Returns the package manager of the package in a directory, and its version; empty for the npm of Node."""
    workspace = find_workspace(tree, package)
    manifests = tuple(dict.fromkeys(join(path, "package.json") for path in (package, workspace.root)))
    manager, named = _manager(tree, workspace, manifests)
    lock = next((each for each in locks(tree, workspace.root) if manager_of(each) == manager), None)
    return manager, named or _reader(tree, workspace.root, manager, lock, manifests)


def without_manifest(tree: FileView, directory: str, image: Image) -> NodeProject:
    """Returns the Node project of a Worker without a package.json: nothing of the stack is installed for it."""
    version = node_version(tree, image, component=directory, manifests=())
    return NodeProject(root=".", package=directory, manager="npm", node=version)


def _manager(tree: FileView, workspace: Workspace, manifests: tuple[str, ...]) -> tuple[Manager, str]:
    """Returns the package manager and its version: from `packageManager`, else from a lock, else npm."""
    for path in manifests:
        manifest = tree.table(path)
        match = _PACKAGE_MANAGER.match(string(manifest, "packageManager"))
        if match:
            return cast("Manager", match.group(1)), match.group(2) or ""
        wanted = table(manifest, "devEngines", "packageManager")
        match = _PACKAGE_MANAGER.match(f"{string(wanted, 'name')}@{string(wanted, 'version')}")
        if match:
            return cast("Manager", match.group(1)), match.group(2) or ""
    found = locks(tree, workspace.root)
    if found:
        return cast("Manager", manager_of(found[0])), ""
    return ("pnpm" if tree.has(join(workspace.root, "pnpm-workspace.yaml")) else "npm"), ""


def _reader(tree: FileView, root: str, manager: Manager, lock: str | None, manifests: tuple[str, ...]) -> str:
    """Returns the pinned version of the manager that reads the lock and is within the range in `engines`."""
    ranges = (_RANGE.match(string(tree.table(path), "packageManager")) for path in manifests)
    asked = [match["range"] for match in ranges if match]
    asked += [string(tree.table(path), "engines", manager) for path in manifests]
    written = lock_format(tree, lock) if lock else ""
    if manager == "yarn" and not lock and tree.has(join(root, ".yarnrc.yml")):
        written = "10"
    return reader_of(manager, written, next(filter(None, asked), ""))


def _linker(tree: FileView, root: str, manager: Manager, version: str) -> Literal["node-modules", "pnp"]:
    """Returns yarn's linker. Since version 2 it makes no node_modules unless `.yarnrc.yml` says so."""
    files = (tree.table(join(above, ".yarnrc.yml")) for above in lineage(root))
    named = next(filter(None, (string(file, "nodeLinker") for file in files)), "")
    is_pnp = manager == "yarn" and lowest_major(version) > 1 and named in {"", "pnp"}
    return "pnp" if is_pnp else "node-modules"


def _lock(tree: FileView, root: str, manager: Manager) -> str | None:
    found = locks(tree, root)
    mine = [lock for lock in found if manager_of(lock) == manager]
    others = [lock for lock in found if manager_of(lock) != manager]
    if mine and others:
        tree.warn(f"{mine[0]} is used and {', '.join(others)} is not: delete one, because two locks can differ")
    manifest = join(root, "package.json")
    if not mine and others:
        tree.warn(f"{manifest}: packageManager is {manager}, but the lock is {others[0]}; use one manager for both")
    elif not mine:
        tree.warn(f"{manifest}: no lock, so each run resolves the dependencies again; commit the lock of {manager}")
    return mine[0] if mine else None


def _inputs(
    tree: FileView, workspace: Workspace, package: str, paths: tuple[str, ...], lock: str | None
) -> tuple[str, ...]:
    root = workspace.root
    directories = dict.fromkeys((root, package, *workspace.members, *paths))
    found = {join(directory, "package.json") for directory in directories}
    found |= {join(directory, name) for directory in (root, package) for name in _SETTINGS}
    found |= {lock or "", *_patches(tree, root), *_archives(tree, tuple(directories))}
    found |= {path for folder in _YARN for path in tree.under(join(root, f".yarn/{folder}"))}
    found |= _above_yarn(tree, root) if lock and lock.endswith("yarn.lock") else set()
    for path in paths:
        if path not in workspace.members and lock and lock.endswith("pnpm-lock.yaml"):  # pnpm copies their files
            found |= set(tree.under(path))
    return tuple(sorted(path for path in found if tree.has(path)))


def _above_yarn(tree: FileView, root: str) -> set[str]:
    """Returns the settings in directories above, which yarn also reads, with the release and the plugins they name."""
    above = [each for each in lineage(root) if each != root]
    settings = {join(each, name) for each in above for name in (".yarnrc", ".yarnrc.yml")}
    folders = (join(each, f".yarn/{name}") for each in above for name in ("plugins", "releases"))
    return settings | {path for folder in folders for path in tree.under(folder)}


def _patches(tree: FileView, root: str) -> set[str]:
    """Returns the patches of dependencies. pnpm and bun list them; yarn and patch-package use a folder."""
    named: dict[str, str] = {}
    manifest = tree.table(join(root, "package.json"))
    for document in (tree.table(join(root, "pnpm-workspace.yaml")), table(manifest, "pnpm"), manifest):
        named |= text_table(document, "patchedDependencies")
    folder = {path for path in tree.under(join(root, "patches")) if path.endswith(".patch")}
    return folder | {join(root, path) for path in named.values()}


def _archives(tree: FileView, directories: tuple[str, ...]) -> set[str]:
    """Returns the archives that manifests depend on, such as `file:../lib.tgz`."""
    asked = ((path, value) for path in directories for value in dependencies(tree, path).values())
    found = {join(path, value.removeprefix("file:")) for path, value in asked if value.startswith("file:")}
    return {path for path in found if tree.has(path) and not is_within(path, "node_modules")}
