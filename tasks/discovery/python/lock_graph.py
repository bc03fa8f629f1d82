"""Finds which packages of a lock each group needs, for locks that do not say so themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tasks.discovery.python.constraints import python_marker, satisfies
from tasks.discovery.python.locked_packages import LockedPackage, with_extras

_Paths = frozenset[frozenset[str]]
"""The ways to a package. Each way has the markers that must all hold."""
_ALWAYS: _Paths = frozenset({frozenset()})
_LIMIT = 24
"""The number of ways to a package, above which it counts as always needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A dependency: the package's name, the versions that fit, the extras, and the marker for the dependency."""

    name: str
    constraint: str = "*"
    marker: str = ""
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A locked package, the Pythons that it accepts, and its dependencies."""

    package: LockedPackage
    python: str = "*"
    edges: tuple[Edge, ...] = ()


def reachable(nodes: Iterable[Node], roots: Mapping[str, Iterable[Edge]]) -> tuple[LockedPackage, ...]:
    """Returns the packages with their groups and markers. `roots` has the dependencies of the project by group."""
    by_name: dict[str, list[Node]] = {}
    for node in nodes:
        by_name.setdefault(node.package.name, []).append(node)
    markers: dict[int, dict[str, str]] = {}
    for group, edges in roots.items():
        for node, paths in _walk(by_name, edges):
            markers.setdefault(id(node), {})[group] = _marker(paths)
    return tuple(
        replace(node.package, markers=markers.get(id(node), {})) for found in by_name.values() for node in found
    )


def _walk(by_name: Mapping[str, list[Node]], edges: Iterable[Edge]) -> list[tuple[Node, _Paths]]:
    paths: dict[int, _Paths] = {}
    extras: dict[int, frozenset[str]] = {}
    reached: dict[int, Node] = {}
    waiting = [(edge, _ALWAYS) for edge in edges]
    while waiting:
        edge, above = waiting.pop()
        for node, condition in _fitting(by_name.get(edge.name, []), edge):
            key = id(node)
            before = (paths.get(key, frozenset()), extras.get(key, frozenset()))
            after = (_shortest(before[0] | {path | condition for path in above}), before[1] | edge.extras)
            if before != after or key not in reached:
                paths[key], extras[key] = after
                reached[key] = node
                waiting += [(below, after[0]) for below in _active(node.edges, after[1])]
    return [(node, paths[key]) for key, node in reached.items()]


def _fitting(nodes: list[Node], edge: Edge) -> list[tuple[Node, frozenset[str]]]:
    """Returns the versions that an edge may mean, each with the markers of the edge and of the version."""
    fitting = [node for node in nodes if satisfies(node.package.version, edge.constraint)] or nodes
    marker = {edge.marker} if edge.marker else set()
    if len(fitting) == 1:
        return [(fitting[0], frozenset(marker))]
    pythons = ((node, python_marker(node.python)) for node in fitting)
    return [(node, frozenset(marker | {python}) if python else frozenset(marker)) for node, python in pythons]


def _active(edges: tuple[Edge, ...], extras: frozenset[str]) -> list[Edge]:
    """Returns the dependencies of a package that is installed with some extras."""
    found = [replace(edge, marker=with_extras(edge.marker, extras)) for edge in edges]
    return [edge for edge in found if 'python_version < "0"' not in edge.marker]


def _shortest(paths: _Paths) -> _Paths:
    """Drops the ways that need more than another way. Too many ways count as one without a condition."""
    kept = frozenset(path for path in paths if not any(other < path for other in paths))
    return kept if len(kept) <= _LIMIT else _ALWAYS


def _marker(paths: _Paths) -> str:
    if frozenset() in paths:
        return ""
    ways = (" and ".join(f"({marker})" for marker in sorted(path)) for path in paths)
    return " or ".join(sorted(ways))
