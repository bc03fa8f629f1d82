"""Specifiers of Python versions: which minor versions fit, and how a version is written for people. Pure."""

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tasks.errors import EngineError

MINORS = range(8, 20)
PATCHES = range(40)
_REQUIRES = re.compile(
    r"""^(?P<key>\s*requires-python\s*=\s*)(?P<quote>["'])(?P<text>[^"'\n]*)(?P=quote)""", re.MULTILINE
)


def specifier(text: str, source: str) -> SpecifierSet:
    """A specifier, also from a bare version: `3.13` means every 3.13. Raises EngineError (`toolchain`)."""
    bare = text.strip()
    if bare.replace(".", "").isdigit():
        bare = f"=={bare}.*" if bare.count(".") < 2 else f"=={bare}"
    try:
        return SpecifierSet(bare)
    except InvalidSpecifier:
        raise EngineError(
            f"{text!r} ({source or 'the stack'}) is no Python version. Write it like `3.13` or `>=3.12,<3.14`",
            "toolchain",
        ) from None


def minors_of(specifier: SpecifierSet) -> list[int]:
    """The minor versions of which some release may fit."""
    return [minor for minor in MINORS if any(specifier.contains(f"3.{minor}.{micro}") for micro in PATCHES)]


def minor_of(version: str) -> int:
    """13 of 3.13.0."""
    return int(version.split(".")[1])


def plain(text: str) -> str:
    """`3.13` for `==3.13.*`."""
    return text.removeprefix("==").removesuffix(".*")


def shown(version: str, wanted: str) -> str:
    """As many numbers as make the difference visible."""
    is_wanted_minor = minor_of(version) in minors_of(specifier(wanted, ""))
    return version if is_wanted_minor else version.rpartition(".")[0]


def relaxed(text: str, version: str) -> str:
    """Returns a manifest or lock whose `requires-python` admits the patch releases next to a version such as 3.13.0.

    uv installs nothing with an interpreter that `requires-python` does not admit.
    """

    def admitting(match: re.Match[str]) -> str:
        try:
            admits = SpecifierSet(match["text"]).contains(version)
        except InvalidSpecifier:
            admits = True
        return match[0] if admits else f'{match["key"]}"=={version.rpartition(".")[0]}.*"'

    return _REQUIRES.sub(admitting, text)
