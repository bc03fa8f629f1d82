"""Which variables a command gets: the scrubbed environment, its programs first on PATH, and what installing needs."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines import clean_environ
from tasks.engines.local.environments import InstalledEnvironment
from tasks.engines.local.run_dirs import RunDirs
from tasks.engines.local.toolchains.toolchain import Toolchain
from tasks.steps import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What a step's environment offers: a toolchain, and the packages where they are installed."""

    toolchain: Toolchain
    installed: InstalledEnvironment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """Composes environments of a run. `caller` is the user's own one."""

    caller: Mapping[str, str]
    room: RunDirs
    stores: Path

    def for_step(self, phase: Phase, packages: Packages | None, workspace: Path, cwd: str) -> dict[str, str]:
        """A step's variables, without its own."""
        variables = clean_environ.common(self.caller, home=self.room.home, temp=self.room.temp)
        if phase == "acquire":
            variables |= clean_environ.acquiring(self.caller, home=self.room.credentials, stores=self.stores)
        if packages is None:
            return self._on_path(variables, ())
        variables |= dict(packages.toolchain.env) if phase == "acquire" else {}
        variables |= clean_environ.NODE if packages.toolchain.is_node else {}
        path = list(packages.toolchain.path)
        if packages.installed is not None and packages.installed.environment.kind == "python":
            variables["VIRTUAL_ENV"] = str(packages.installed.venv)
            path.insert(0, packages.installed.venv / "bin")
        elif packages.installed is not None:
            here = Path(cwd)
            path[:0] = [workspace / each / "node_modules/.bin" for each in (here, *here.parents)]
        return self._on_path(variables, path)

    def for_install(self, path: Iterable[Path], own: Mapping[str, str]) -> dict[str, str]:
        """The variables of a command that makes an environment or brings a program."""
        variables = clean_environ.common(self.caller, home=self.room.home, temp=self.room.temp)
        variables |= clean_environ.acquiring(self.caller, home=self.room.credentials, stores=self.stores)
        return self._on_path(variables | dict(own), path)

    def for_postgres(self) -> dict[str, str]:
        """The variables of the database's programs, which speak English."""
        return {
            "PATH": clean_environ.system_path(self.caller),
            "LC_ALL": "C",
            "HOME": str(self.room.home),
            "TMPDIR": str(self.room.temp),
        }

    def _on_path(self, variables: Mapping[str, str], first: Iterable[Path]) -> dict[str, str]:
        """Programs of the environment, then the system's, then what we bring ourselves."""
        path = os.pathsep.join([*map(str, first), variables["PATH"], str(self.room.programs)])
        return {**variables, "PATH": path}
