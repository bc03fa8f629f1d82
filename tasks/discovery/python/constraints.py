"""Compares versions with constraints as Poetry writes them: PEP 440, `^1.2`, `~1.2`, `1.*` and alternatives."""

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_BARE = re.compile(r"v?\d")
_COMPARISON = re.compile(r"^([<>=!~]+)(.+)$")
_WILDCARD = re.compile(r"(?P<operator>==|!=)?\s*v?(?P<version>\d+(\.\d+)*)\.[*x]$")


def satisfies(version: str, constraint: str) -> bool:
    """Whether a version fits a constraint. A constraint that cannot be read accepts every version."""
    specifiers = alternatives(constraint)
    try:
        return not specifiers or any(each.contains(version, prereleases=True) for each in specifiers)
    except InvalidVersion:
        return True


def alternatives(constraint: str) -> tuple[SpecifierSet, ...]:
    """Returns the specifiers of which one must hold. They are empty if the constraint cannot be read."""
    try:
        return tuple(_specifier(part) for part in re.split(r"\s*\|\|?\s*", constraint.strip()))
    except (InvalidSpecifier, InvalidVersion):
        return ()


def _specifier(text: str) -> SpecifierSet:
    # Poetry also separates by spaces: ">=3.8 <4.0"
    parts = re.findall(r"(?:[<>=!~^]+\s*)?[^\s,<>=!~^]+", text)
    return SpecifierSet(",".join(_plain(part) for part in parts if part != "*"))


def _plain(part: str) -> str:
    """Returns one comparison in PEP 440."""
    if match := _WILDCARD.match(part):
        return f"{match['operator'] or '=='}{match['version']}.*"
    if _BARE.match(part):
        return f"=={part.removeprefix('v')}"
    if part.startswith("^"):
        return _range(part[1:].strip(), caret=True)
    if part.startswith("~") and not part.startswith("~="):
        return _range(part[1:].strip(), caret=False)
    return part


def _range(text: str, *, caret: bool) -> str:
    """Returns the range of `^1.2.3` (up to 2), of `^0.2.3` (up to 0.3), or of `~1.2.3` (up to 1.3)."""
    release = Version(text).release
    if caret:
        index = next((place for place, number in enumerate(release) if number), len(release) - 1)
    else:
        index = min(1, len(release) - 1)
    upper = (*release[:index], release[index] + 1)
    return f">={text},<{'.'.join(map(str, upper))}"


def python_marker(constraint: str) -> str:
    """Returns a constraint on Python as a marker, or an empty text if every Python fits or it cannot be read."""
    chosen = [sorted(str(item) for item in each) for each in alternatives(constraint)]
    if not all(chosen):
        return ""
    ways = [" and ".join(_COMPARISON.sub(r'python_full_version \1 "\2"', item) for item in way) for way in chosen]
    return f"({' or '.join(ways)})" if len(ways) > 1 else "".join(ways)
