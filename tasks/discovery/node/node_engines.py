"""Reads which Nodes the locked packages of a component accept, by the `engines` that locks of npm and pnpm have."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from tasks.discovery.documents import Table, string, strings, table, text_table
from tasks.discovery.file_view import FileView, join, relative
from tasks.node_range import admits, is_range
from tasks.stack import Component, NodeProject, Version

NEWEST = 999
NPM_11 = ">=24"
"""The Nodes with npm 11. npm 10 refuses a lock in which an optional peer does not fit, or that has packages of other
systems without the mark `optional`: npm 11.19 writes `extraneous` instead."""
# Releases that tell which of two ranges admits fewer.
_LADDER = [(major, minor, 0) for major in range(16, 31) for minor in range(31)]
_PNPM = re.compile(
    r"^  ['\"]?/?(?P<name>(?:@[^@/\s]+/)?[^@/\s]+)@(?P<version>[^\s'\"(:]+)[^\n]*:\n(?:    [^\n]*\n)*?"
    r"    engines: \{[^}\n]*?\bnode: ['\"]?(?P<range>[^'\"},\n]+)",
    re.MULTILINE,
)


def locked_engines(
    tree: FileView, lock: str, root: str, package: str, names: Collection[str]
) -> dict[tuple[str, str], str]:
    """Returns the ranges of Node of the packages in `names`, by name and version."""
    if lock.endswith(".json"):
        packages = table(tree.table(lock), "packages")
        inner = relative(package, root)
        places = {name: (join(inner, f"node_modules/{name}"), f"node_modules/{name}") for name in names}
        found = {name: next((table(packages, at) for at in ats if at in packages), {}) for name, ats in places.items()}
        ranges = {(name, string(each, "version")): string(each, "engines", "node") for name, each in found.items()}
    elif lock.endswith(".yaml"):
        ranges = {(name, version): text for name, version, text in _of_pnpm(tree.text(lock)) if name in names}
    else:
        ranges = {}
    return {key: text for key, text in ranges.items() if text and is_range(text)}


@lru_cache(maxsize=8)  # each package of a workspace asks
def _of_pnpm(lock: str) -> tuple[tuple[str, str, str], ...]:
    """Returns name, version and range of each package in a pnpm-lock.yaml that states a range."""
    return tuple((each["name"], each["version"], each["range"].strip()) for each in _PNPM.finditer(lock))


def needs_npm_11(tree: FileView, lock: str, names: Collection[str]) -> bool:
    """Whether only npm 11 makes and installs such a lock: see NPM_11. `names` are the packages of the manifest."""
    packages = table(tree.table(lock), "packages") if lock.endswith("package-lock.json") else {}
    if any(table(packages, place).get("extraneous") is True and _is_foreign(packages, place) for place in packages):
        return True
    versions = {name: string(packages, f"node_modules/{name}", "version") for name in names}
    for name in names:
        entry = table(packages, f"node_modules/{name}")
        for peer, text in text_table(entry, "peerDependencies").items():
            is_optional = table(entry, "peerDependenciesMeta", peer).get("optional") is True
            if is_optional and versions.get(peer) and is_range(text) and not admits(text, versions[peer]):
                return True
    return False


def _is_foreign(packages: Table, place: str) -> bool:
    """Whether a locked package is for other systems than Linux."""
    systems = strings(packages, place, "os")
    return bool(systems) and "linux" not in systems and not any(name.startswith("!") for name in systems)


def fitting_version(
    tree: FileView, version: Version, lock: str | None, engines: Mapping[tuple[str, str], str]
) -> Version:
    """Returns the Node that the stack states, with a warning about packages that refuse it; else one that they accept.

    Without a statement the range of the package counts that admits the fewest releases.
    """
    version = replace(version, packages=tuple(sorted(set(engines.values()))))
    if not version.wanted:
        strictest = min(engines.values(), key=lambda text: sum(admits(text, each) for each in _LADDER), default="")
        return replace(version, wanted=strictest, source=lock or "") if strictest else version
    release = re.fullmatch(r"(?:\^|~|>=|v|=)*\s*(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?", version.wanted.strip())
    if release is None or version.wanted.startswith(">="):
        return version
    major, minor, patch = (int(part) if part and part.isdigit() else NEWEST for part in release.groups())
    for (name, number), text in sorted(engines.items()):
        if not admits(text, (major, NEWEST if version.wanted.startswith("^") else minor, patch)):
            tree.warn(
                f"{version.source}: Node {version.wanted} is refused by {name} {number} of {lock}, which wants {text}"
            )
    return version


def with_shared_nodes(components: Sequence[Component]) -> tuple[Component, ...]:
    """Returns the components, with one Node for all that one installation serves: it is installed once.

    That Node is one that the packages of all of them accept. Where no Node is, each component keeps its own.
    """
    ranges: dict[tuple[str, ...], set[str]] = {}
    for node in (component.node for component in components):
        if node is not None:
            ranges.setdefault(_installation(node), set()).update(node.node.packages)
    return tuple(
        replace(each, node=_accepting(each.node, ranges[_installation(each.node)])) if each.node else each
        for each in components
    )


def _accepting(node: NodeProject, ranges: Collection[str]) -> NodeProject:
    """Returns the project with these ranges for its Node, if a Node is in all of them."""
    shared = replace(node.node, packages=tuple(sorted(ranges)))
    return replace(node, node=shared) if _fits_some(shared) else node


def _installation(node: NodeProject) -> tuple[str, ...]:
    return (node.root, node.manager, node.lock or "", node.node.wanted, node.node.source, node.node.accepts)


def _fits_some(version: Version) -> bool:
    stated = [text for text in (version.wanted, version.accepts) if is_range(text)]
    return any(all(admits(text, release) for text in (*stated, *version.packages)) for release in _LADDER)
