"""Reads the versions of known tools in the locks of pnpm and npm."""

import re

from tasks.discovery.documents import BrokenDocumentError, Table, parse_yaml, string, table
from tasks.discovery.file_view import FileView, join, relative

_TOOLS = ("typescript", "vitest", "eslint", "wrangler", "astro", "vite", "prettier", "@astrojs/check")


def locked_versions(tree: FileView, lock: str, root: str, package: str) -> dict[str, str]:
    """Returns the locked versions of known tools: those of the package, else those of the workspace's root."""
    inner = relative(package, root)
    if lock.endswith(".yaml"):
        return _of_pnpm(tree, lock, inner)
    if lock.endswith(".json"):
        return _of_npm(tree, lock, inner)
    return {}


def _of_pnpm(tree: FileView, lock: str, inner: str) -> dict[str, str]:
    # The sections after `importers` are not needed, and slow to parse.
    beginning = re.split(r"^(?:packages|snapshots):", tree.text(lock), maxsplit=1, flags=re.MULTILINE)[0]
    try:
        document = parse_yaml(beginning)
    except BrokenDocumentError as error:
        tree.warn(f"{lock}: broken ({error}); discovery ignores this file")
        return {}
    importers = table(document, "importers")
    sections = (table(importers, "."), table(importers, inner)) if importers else (document,)
    return {name: version for section in sections for name, version in _pinned(section).items()}


def _pinned(section: Table) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, value in table(section, group).items():
            version = string(value, "version") or (value if isinstance(value, str) else "")
            if name in _TOOLS and version:
                found[name] = version.split("(")[0]  # without the peers in `4.1.0(typescript@5.9.3)`
    return found


def _of_npm(tree: FileView, lock: str, inner: str) -> dict[str, str]:
    packages = table(tree.table(lock), "packages")
    found: dict[str, str] = {}
    for name in _TOOLS:
        for place in (join(inner, f"node_modules/{name}"), f"node_modules/{name}"):
            version = string(table(packages, place), "version")
            if version:
                found.setdefault(name, version)
    return found
