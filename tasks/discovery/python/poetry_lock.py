"""Reads poetry.lock of Poetry 1 and 2, with a manifest in Poetry's own form or in the standard one."""

from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.python.constraints import alternatives, python_marker
from tasks.discovery.python.lock_graph import Edge, Node, reachable
from tasks.discovery.python.locked_packages import MAIN, LockedPackage, LockedPackages


def read_poetry_lock(lock: Table, manifest: Table) -> LockedPackages:
    """Returns the packages of a lock. `manifest` is the project's pyproject.toml."""
    poetry = table(manifest, "tool", "poetry")
    own_groups = table(poetry, "group")
    entries = tables(lock, "package")
    has_groups = any("groups" in entry for entry in entries)
    packages = tuple(map(_package, entries)) if has_groups else _by_graph(lock, entries, poetry)
    extras = {*table(poetry, "extras"), *table(manifest, "project", "optional-dependencies")}
    named = {canonicalize_name(str(name)) for name in (*own_groups, *table(manifest, "dependency-groups"))}
    optional = {name for name in own_groups if table(poetry, "group", name).get("optional") is True}
    return LockedPackages(
        packages=packages,
        groups=frozenset({MAIN, *named, *({"dev"} if table(poetry, "dev-dependencies") else ())}),
        optional=frozenset(canonicalize_name(str(name)) for name in optional),
        extras=frozenset(canonicalize_name(str(name)) for name in extras),
        indexes=tuple(dict.fromkeys(filter(None, map(_index, entries)))),
    )


def poetry_python(manifest: Table) -> str:
    """Returns the Pythons that a manifest of Poetry accepts, as a specifier, or an empty text."""
    chosen = alternatives(_constraint(table(manifest, "tool", "poetry", "dependencies").get("python")))
    return str(chosen[0]) if len(chosen) == 1 else ""


def _package(entry: Table) -> LockedPackage:
    """Returns a package of a lock that names groups and markers (lock version 2.1)."""
    marker = entry.get("markers")
    groups = [str(canonicalize_name(group)) for group in strings(entry, "groups")]
    by_group = {str(canonicalize_name(group)): text for group, text in _texts(marker)}
    fallback = marker if isinstance(marker, str) else ""
    return LockedPackage(
        name=canonicalize_name(string(entry, "name")),
        version=string(entry, "version"),
        markers={group: by_group.get(group, fallback) for group in groups},
        hashes=tuple(string(file, "hash") for file in tables(entry, "files") if string(file, "hash")),
        reference=_reference(table(entry, "source")),
    )


def _texts(value: object) -> Iterator[tuple[str, str]]:
    yield from ((str(name), text) for name, text in table(value).items() if isinstance(text, str))


def _reference(source: Table) -> str:
    """Returns the URL or path of a package that does not come from an index."""
    address, subdirectory = string(source, "url"), string(source, "subdirectory")
    match string(source, "type"):
        case "git":
            inner = f"#subdirectory={subdirectory}" if subdirectory else ""
            plain = address.replace(":", "/", 1) if "://" not in address else address.removeprefix("ssh://")
            prefix = "git+ssh://" if "://" not in address or address.startswith("ssh://") else "git+"
            return f"{prefix}{plain}@{string(source, 'resolved_reference') or string(source, 'reference')}{inner}"
        case "url" | "directory" | "file":
            return address
    return ""


def _index(entry: Table) -> str:
    source = table(entry, "source")
    return string(source, "url") if string(source, "type") == "legacy" else ""


def _by_graph(lock: Table, entries: tuple[Table, ...], poetry: Table) -> tuple[LockedPackage, ...]:
    """Returns the packages of an older lock, which names no groups."""
    # before lock version 2.0, one section has the hashes of all packages
    files = table(lock, "metadata", "files")
    nodes = []
    for entry in entries:
        hashed = tables(entry, "files") or tables(files, string(entry, "name"))
        package = LockedPackage(
            name=canonicalize_name(string(entry, "name")),
            version=string(entry, "version"),
            hashes=tuple(string(file, "hash") for file in hashed if string(file, "hash")),
            reference=_reference(table(entry, "source")),
        )
        edges = tuple(_edges(table(entry, "dependencies")))
        nodes.append(Node(package=package, python=string(entry, "python-versions") or "*", edges=edges))
    return reachable(nodes, _roots(poetry))


def _roots(poetry: Table) -> Mapping[str, list[Edge]]:
    optional: dict[str, str] = {
        canonicalize_name(item.split("[")[0]): canonicalize_name(str(extra))
        for extra in table(poetry, "extras")
        for item in strings(poetry, "extras", extra)
    }
    roots = {MAIN: [_of_extra(edge, optional) for edge in _edges(table(poetry, "dependencies"))]}
    if table(poetry, "dev-dependencies"):
        roots["dev"] = list(_edges(table(poetry, "dev-dependencies")))
    for group in table(poetry, "group"):
        inner = _edges(table(poetry, "group", group, "dependencies"))
        name = str(canonicalize_name(group))
        roots[name] = [*roots.get(name, []), *inner]
    return roots


def _of_extra(edge: Edge, optional: Mapping[str, str]) -> Edge:
    """Returns an edge that holds only with the project's extra that lists the package."""
    if edge.name not in optional:
        return edge
    marker = f'extra == "{optional[edge.name]}"'
    both = f"({edge.marker}) and {marker}" if edge.marker else marker
    return Edge(name=edge.name, constraint=edge.constraint, marker=both, extras=edge.extras)


def _edges(dependencies: Table) -> Iterator[Edge]:
    for name, value in dependencies.items():
        if name.lower() == "python":
            continue
        for each in value if isinstance(value, list) else [value]:
            found = table(each)
            platform = string(found, "platform")
            conditions = [
                string(found, "markers"),
                python_marker(string(found, "python") or "*"),
                f'sys_platform == "{platform}"' if platform else "",
            ]
            yield Edge(
                name=canonicalize_name(name),
                constraint=_constraint(each),
                marker=" and ".join(f"({text})" for text in conditions if text),
                extras=frozenset(str(canonicalize_name(extra)) for extra in strings(found, "extras")),
            )


def _constraint(value: object) -> str:
    return value if isinstance(value, str) else string(table(value), "version") or "*"
