"""The data of an installation of Python packages, as production does it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonInstallation:
    """What production installs. `command` is the stack's own command, and `source` its file and line; both are empty
    if no file of the stack has one.

    `flags` are those of `uv sync`. `project` means that pip installs the dependencies of pyproject.toml, with `extras`
    and `groups`. `packages` are requirements that no file lists. `is_strict` means that the installation refuses a
    stale lock. `system_packages` are the Debian packages that the stages of the Dockerfile install. `exported` has the
    texts of two requirements files, for production and development, with exactly the packages of another manager's
    lock.
    """

    command: str = ""
    source: str = ""
    flags: tuple[str, ...] = ("--no-dev",)
    project: bool = False
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    is_strict: bool = True
    system_packages: tuple[str, ...] = ()
    exported: tuple[str, str] = ("", "")
