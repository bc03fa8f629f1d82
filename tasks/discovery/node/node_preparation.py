"""Finds what must run before a package of Node: install scripts that need the tree, and builds of its dependencies."""

import posixpath
from collections.abc import Iterator

from tasks.discovery.documents import string, text_table
from tasks.discovery.file_view import FileView, join
from tasks.discovery.node.node_workspace import dependencies
from tasks.packages.install_scripts import INSTALL_SCRIPTS, parts_of, unpackaged
from tasks.packages.package_script import PackageScript

_ENTRIES = ("main", "module", "browser", "types", "typings")
_ENDINGS = ("", ".js", ".mjs", ".cjs", ".ts", ".json", "/index.js", "/index.mjs", "/index.ts")
BUILD = "build"


def preparation(tree: FileView, root: str, package: str, needed: tuple[str, ...]) -> tuple[PackageScript, ...]:
    """Returns the scripts to run in order. `needed` are the packages of the tree that `package` depends on, in order.

    A package is built only if it exports files that are not in the tree.
    """
    installs = [script for path in dict.fromkeys((*needed, package, root)) for script in _installs(tree, path, root)]
    builds = [
        PackageScript(directory=path, name=BUILD, text=text)
        for path in needed
        if path not in {package, root}
        if (text := text_table(tree.table(join(path, "package.json")), "scripts").get(BUILD, ""))
        if _is_made(tree, path)
    ]
    return (*installs, *builds)


def _installs(tree: FileView, path: str, root: str) -> Iterator[PackageScript]:
    packages = {*dependencies(tree, path), *dependencies(tree, root)}
    scripts = text_table(tree.table(join(path, "package.json")), "scripts")
    for name in INSTALL_SCRIPTS:
        script = scripts.get(name, "")
        parts = filter(None, (unpackaged(script, packages), parts_of(script)[1]))
        if text := " && ".join(parts):
            yield PackageScript(directory=path, name=name, text=text)


def _is_made(tree: FileView, path: str) -> bool:
    """Whether a package exports a file that is not in the tree."""
    manifest = tree.table(join(path, "package.json"))
    entries = {string(manifest, name) for name in _ENTRIES} | set(_files(manifest.get("exports")))
    named = {entry for entry in entries if entry and "*" not in entry}
    folders = {posixpath.dirname(entry.partition("*")[0]) for entry in entries if "*" in entry}
    if any(not any(tree.has(join(path, entry + ending)) for ending in _ENDINGS) for entry in named):
        return True
    return any(folder.strip("./") and not tree.has_directory(join(path, folder)) for folder in folders)


def _files(exports: object) -> Iterator[str]:
    """Yields the files in the `exports` of a package, under any condition."""
    if isinstance(exports, str):
        yield exports
    elif isinstance(exports, dict):
        for inner in exports.values():
            yield from _files(inner)
    elif isinstance(exports, list):
        for inner in exports:
            yield from _files(inner)
