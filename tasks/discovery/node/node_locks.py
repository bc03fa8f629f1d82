"""Reads the formats of locks, and the versions of known tools in them."""

import re

from tasks.discovery.documents import BrokenDocumentError, Table, parse_yaml, string, strings, table
from tasks.discovery.file_view import FileView, join, relative
from tasks.discovery.node.node_workspace import dependencies

_TOOLS = (
    "typescript",
    "vitest",
    "eslint",
    "wrangler",
    "astro",
    "vite",
    "prettier",
    "@astrojs/check",
    "svelte-check",
    "vue-tsc",
)
_PNPM_FORMAT = re.compile(r"^lockfileVersion: *['\"]?(\d+)", re.MULTILINE)
_YARN_FORMAT = re.compile(r"^__metadata:\n(?: .*\n)*? +version: *(\d+)", re.MULTILINE)
# An entry of yarn.lock: the line with `name@range` of all who ask for it, and its version. Version 1 is no YAML.
_YARN_ENTRY = re.compile(r"^(?P<asked>\S.*):\n(?: .*\n)*? +version:? \"?(?P<version>[^\"\n]+)", re.MULTILINE)


def lock_format(tree: FileView, lock: str) -> str:
    """Returns the format of a lock: the major number for pnpm, the number for yarn; `none` if it is not readable.

    It is empty for npm and bun, whose newest version reads all formats.
    """
    text = tree.text(lock)
    if not text.strip():
        return ""
    if lock.endswith(".yaml"):
        found = _PNPM_FORMAT.findall(text)
        return str(found[-1]) if found else "none"
    if lock.endswith("yarn.lock"):
        found = _YARN_FORMAT.findall(text)
        if found:
            return str(found[0]).replace("7", "8")  # 7 was that of release candidates of yarn 4
        return "1" if "yarn lockfile v1" in text[:400] else "none"
    return ""


def locked_versions(tree: FileView, lock: str, root: str, package: str) -> dict[str, str]:
    """Returns the locked versions of known tools: those of the package, else those of the workspace's root."""
    inner = relative(package, root)
    if lock.endswith(".yaml"):
        return _of_pnpm(tree, lock, inner)
    if lock.endswith(".json"):
        return _of_npm(tree, lock, inner)
    if lock.endswith("bun.lock"):
        return _of_bun(tree, lock)
    if lock.endswith("yarn.lock"):
        return _of_yarn(tree, lock, (root, package))
    return {}


def _of_bun(tree: FileView, lock: str) -> dict[str, str]:
    packages = table(tree.table(lock), "packages")
    found = {name: strings(packages, name)[:1] for name in _TOOLS}
    return {name: entry[0].rpartition("@")[2] for name, entry in found.items() if entry}


def _of_yarn(tree: FileView, lock: str, packages: tuple[str, ...]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for match in _YARN_ENTRY.finditer(tree.text(lock)):
        asked = re.sub(r'["\s]', "", match["asked"]).replace("@npm:", "@")
        versions |= dict.fromkeys(asked.split(","), match["version"])
    ranges = {name: asked for path in packages for name, asked in dependencies(tree, path).items() if name in _TOOLS}
    found = {name: versions.get(f"{name}@{asked}", "") for name, asked in ranges.items()}
    return {name: version for name, version in found.items() if version}


def _of_pnpm(tree: FileView, lock: str, inner: str) -> dict[str, str]:
    # The sections after `importers` are not needed, and slow to parse.
    # pnpm 11 writes a document about itself before the stack's own.
    own = re.split(r"^---$", tree.text(lock), flags=re.MULTILINE)[-1]
    beginning = re.split(r"^(?:packages|snapshots):", own, maxsplit=1, flags=re.MULTILINE)[0]
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
