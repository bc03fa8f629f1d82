"""Facts about production, each with its origin in the stack's files, and what production installs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """A fact about production, with its origin. `line` is 0 if the whole file, or no file, states the fact.

    `why` is a phrase such as `ENV of the Dockerfile's last stage`. `guess`: no file states the fact.
    """

    value: str = ""
    file: str = ""
    line: int = 0
    why: str = ""
    guess: bool = False

    @property
    def place(self) -> str:
        """The file and the line, such as `Dockerfile:12`."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


NOWHERE = Sourced()
"""A fact that no file states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """The HEALTHCHECK of an image, which runs next to the server. `line` is its line in the Dockerfile.

    `wait`, `limit` and `start` are seconds: between two attempts, for one attempt, and in which failures do not count.
    """

    argv: tuple[str, ...]
    line: int
    wait: float = 30
    limit: float = 30
    start: float = 0
    retries: int = 3

    @property
    def longest(self) -> float:
        """The seconds that a failing one takes at most."""
        return self.start + (self.retries + 1) * (self.limit + self.wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionServer:
    """The command that starts production's server, so that the server listens at the run's address.

    `argv` is for an installed environment, in `directory` of the tree. `in_image` is for the image: with production's
    `uv run` and the like. `entry` is the entrypoint before it; None is the image's own. `env` has the variables that
    the command or its scripts set.
    """

    argv: tuple[str, ...]
    directory: str = "."
    in_image: tuple[str, ...] = ()
    entry: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    found: Sourced = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionFacts:
    """What was taken as production's settings module, server and image, for the component at `path`."""

    path: str
    settings: Sourced
    server: Sourced
    image: Sourced


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemInstall:
    """System packages that production's image installs, at a line of a file. `command` is without the packages."""

    file: str
    line: int
    command: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One fact about a component. `correction` is the line of predeploy.toml that states it, if there is one."""

    topic: str
    found: Sourced
    correction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedComponent:
    """The facts about one component. `variables` are those of its processes, with the origin of each value."""

    kind: str
    path: str
    name: str
    facts: tuple[Inspected, ...]
    variables: tuple[Sourced, ...] = ()

    @property
    def corrections(self) -> tuple[str, ...]:
        """The lines of predeploy.toml that correct the guesses."""
        return tuple(each.correction for each in self.facts if each.found.guess and each.correction)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLines:
    """The keys of a configuration file with their lines, as `kv_namespaces[0].id`. `section` is the one that counts."""

    file: str
    lines: tuple[tuple[str, int], ...]
    section: str = ""


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
