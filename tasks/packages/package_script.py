"""A script of a package in the stack, which runs before a component's own commands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageScript:
    """A script of a package in the tree. `text` is its part that needs the whole tree; `build` makes the package."""

    directory: str
    name: str
    text: str
