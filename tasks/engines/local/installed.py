"""An installed environment of the store."""

from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.toolchains.toolchain import Toolchain
from tasks.steps import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledEnvironment:
    """A complete environment. `modules` are its packages: node_modules directories, or the files of yarn."""

    name: str
    environment: Environment
    toolchain: Toolchain
    directory: Path
    modules: tuple[str, ...] = ()

    @property
    def stage(self) -> Path:
        """The directory with the inputs, where the commands ran."""
        return self.directory / "stage"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.directory / "venv"
