"""The packages of a lock, and the requirements file that installs exactly these packages with pip or uv."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

_EXTRA = re.compile(r"""extra\s*==\s*["']([\w.\-]+)["']|["']([\w.\-]+)["']\s*==\s*extra""")
_TRUE, _FALSE = 'python_version >= "0"', 'python_version < "0"'
MAIN = "main"
"""The group of the dependencies that every installation has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """A package in a lock.

    `markers` maps each group that needs the package to the marker for that group; an empty marker always holds.
    `reference` is a URL, or the path of a wheel or directory relative to the lock. Then `version` is not used.
    """

    name: str
    version: str
    markers: Mapping[str, str] = field(default_factory=dict)
    hashes: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackages:
    """What a lock holds. `groups` has the names of its groups, `optional` those that need a flag, `indexes` the
    addresses of its package indexes."""

    packages: tuple[LockedPackage, ...]
    groups: frozenset[str] = frozenset({MAIN})
    optional: frozenset[str] = frozenset()
    extras: frozenset[str] = frozenset()
    indexes: tuple[str, ...] = ()

    @property
    def directories(self) -> tuple[str, ...]:
        """The paths, relative to the lock, of packages that come from the tree."""
        return tuple(each.reference for each in self.packages if is_path(each.reference))


def is_path(reference: str) -> bool:
    """Whether a reference names a file or directory instead of a URL."""
    return bool(reference) and "://" not in reference


def requirements_text(locked: LockedPackages, groups: Iterable[str], extras: Iterable[str]) -> str:
    """Returns a requirements file with the packages of some groups and extras. Install it without dependencies."""
    wanted, active = frozenset(groups), frozenset(extras)
    lines = [f"--extra-index-url {address}" for address in locked.indexes]
    for package in locked.packages:
        markers = [marker for group, marker in package.markers.items() if group in wanted]
        if markers:
            lines += _lines(package, [with_extras(marker, active) for marker in markers])
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _lines(package: LockedPackage, markers: list[str]) -> Iterator[str]:
    marker = "" if "" in markers else " or ".join(dict.fromkeys(f"({each})" for each in markers))
    condition = f" ; {marker}" if marker and _is_valid(marker) else ""
    if is_path(package.reference):
        yield f"./{package.reference}{condition}"
    elif package.reference:
        yield f"{package.name} @ {package.reference}{condition}"
    else:
        hashes = "".join(f" --hash={each}" for each in package.hashes)
        yield f"{package.name}=={package.version}{condition}{hashes}"


def _is_valid(marker: str) -> bool:
    try:
        Marker(marker)
    except InvalidMarker:
        return False
    return True


def with_extras(marker: str, active: frozenset[str]) -> str:
    """Returns a marker in which each comparison with an extra is replaced by its result."""

    def result(match: re.Match[str]) -> str:
        return _TRUE if canonicalize_name(match.group(1) or match.group(2)) in active else _FALSE

    return _EXTRA.sub(result, marker)
