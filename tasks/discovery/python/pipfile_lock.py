"""Reads Pipfile.lock."""

from packaging.utils import canonicalize_name

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.python.locked_packages import MAIN, LockedPackage, LockedPackages

_GROUPS = {"default": MAIN, "develop": "dev"}
_VERSIONS = ("git", "hg", "svn", "bzr")


def read_pipfile_lock(lock: Table) -> LockedPackages:
    """Returns the packages of a lock. The development packages are the group `dev`."""
    categories = [name for name in lock if name != "_meta"]
    packages = tuple(
        _package(name, table(lock, category, name), _GROUPS.get(category, category))
        for category in categories
        for name in table(lock, category)
    )
    sources = tables(lock, "_meta", "sources")
    return LockedPackages(
        packages=packages,
        groups=frozenset({MAIN, *(_GROUPS.get(category, category) for category in categories)}),
        optional=frozenset(categories) - _GROUPS.keys(),
        # the first source is the default index, which uv is configured for
        indexes=tuple(string(source, "url") for source in sources[1:] if string(source, "url")),
    )


def _package(name: str, entry: Table, group: str) -> LockedPackage:
    return LockedPackage(
        name=canonicalize_name(name),
        version=string(entry, "version").removeprefix("==").removeprefix("="),
        markers={group: string(entry, "markers")},
        hashes=strings(entry, "hashes"),
        reference=_reference(entry),
    )


def _reference(entry: Table) -> str:
    for system in _VERSIONS:
        if address := string(entry, system):
            inner = string(entry, "subdirectory")
            plain = address.removeprefix(f"{system}+")
            return f"{system}+{plain}@{string(entry, 'ref')}" + (f"#subdirectory={inner}" if inner else "")
    return string(entry, "file") or string(entry, "path").removeprefix("./")
