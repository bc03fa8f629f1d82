"""Reads pdm.lock, with and without the groups of each package."""

from collections.abc import Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.python.lock_graph import Edge, Node, reachable
from tasks.discovery.python.locked_packages import MAIN, LockedPackage, LockedPackages

_DEFAULT = "default"
"""PDM's name of the main group."""


def read_pdm_lock(lock: Table, manifest: Table) -> LockedPackages:
    """Returns the packages of a lock. PDM installs an extra of the project as a group of the same name."""
    files = table(lock, "metadata", "files")
    entries = [{**entry, "files": _files(entry, files)} for entry in tables(lock, "package")]
    declared = _declared(manifest)
    if any("groups" in entry for entry in entries):
        packages = tuple(_package(entry) for entry in entries)
    else:
        nodes = [_node(entry) for entry in entries]
        roots = {group: [edge for line in lines for edge in _edges(line)] for group, lines in declared.items()}
        packages = reachable(nodes, roots)
    extras = frozenset(str(canonicalize_name(name)) for name in table(manifest, "project", "optional-dependencies"))
    return LockedPackages(packages=packages, groups=frozenset(declared), optional=extras, extras=extras)


def _declared(manifest: Table) -> Mapping[str, tuple[str, ...]]:
    """Returns the requirements of the manifest by group."""
    project, found = table(manifest, "project"), {MAIN: strings(manifest, "project", "dependencies")}
    for section in (
        table(project, "optional-dependencies"),
        table(manifest, "dependency-groups"),
        table(manifest, "tool", "pdm", "dev-dependencies"),
    ):
        for group in section:
            name = str(canonicalize_name(group))
            found[name] = (*found.get(name, ()), *strings(section, group))
    return found


def _files(entry: Table, files: Table) -> list[Table]:
    """Returns the files of a package. Before lock version 4.3, one section has the files of all packages."""
    return [*tables(entry, "files"), *tables(files, f"{string(entry, 'name')} {string(entry, 'version')}")]


def _package(entry: Table) -> LockedPackage:
    groups = (MAIN if group == _DEFAULT else str(canonicalize_name(group)) for group in strings(entry, "groups"))
    return LockedPackage(
        name=canonicalize_name(string(entry, "name")),
        version=string(entry, "version"),
        markers=dict.fromkeys(groups, string(entry, "marker")),
        hashes=tuple(string(file, "hash") for file in tables(entry, "files") if string(file, "hash")),
        reference=_reference(entry),
    )


def _reference(entry: Table) -> str:
    if address := string(entry, "git"):
        inner = string(entry, "subdirectory")
        at = string(entry, "revision") or string(entry, "ref")
        return f"git+{address}@{at}" + (f"#subdirectory={inner}" if inner else "")
    return string(entry, "url") or string(entry, "path").removeprefix("./")


def _node(entry: Table) -> Node:
    edges = tuple(edge for line in strings(entry, "dependencies") for edge in _edges(line))
    return Node(package=_package(entry), python=string(entry, "requires_python") or "*", edges=edges)


def _edges(line: str) -> tuple[Edge, ...]:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return ()
    edge = Edge(
        name=canonicalize_name(requirement.name),
        constraint=str(requirement.specifier) or "*",
        marker=str(requirement.marker or ""),
        extras=frozenset(str(canonicalize_name(extra)) for extra in requirement.extras),
    )
    return (edge,)
