"""Specifiers of Python versions: which minor versions fit, and how a version is written for people. Pure."""

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tasks.errors import EngineError

MINORS = range(8, 20)


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
    return [minor for minor in MINORS if any(specifier.contains(f"3.{minor}.{micro}") for micro in range(40))]


def plain(text: str) -> str:
    """`3.13` for `==3.13.*`."""
    return text.removeprefix("==").removesuffix(".*")


def shown(version: str, wanted: str) -> str:
    """As many numbers as make the difference visible."""
    exact = plain(wanted).count(".") == 2 and plain(wanted).rpartition(".")[0] == version.rpartition(".")[0]
    return version if exact else version.rpartition(".")[0]
