"""The data of system packages that production installs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemInstall:
    """System packages that production's image installs, at a line of a file. `command` is without the packages."""

    file: str
    line: int
    command: str
    packages: tuple[str, ...]
