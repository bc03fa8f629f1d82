"""The environment variables of commands: a clean environment, and the programs of the environment first on PATH."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines import clean_environ, package_credentials
from tasks.engines.local.installed import InstalledEnvironment
from tasks.engines.local.run_dirs import RunDirs
from tasks.engines.local.toolchains.toolchain import Toolchain
from tasks.packages.own_wrangler import ROOT
from tasks.steps import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The toolchain of a step's environment, and its packages if they are installed."""

    toolchain: Toolchain
    installed: InstalledEnvironment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """Composes the variables of a run's commands. `caller` has the user's variables."""

    caller: Mapping[str, str]
    run_dirs: RunDirs
    stores: Path

    def for_step(self, phase: Phase, packages: Packages | None, workspace: Path, cwd: str) -> dict[str, str]:
        """The variables of a step, without those that the step itself sets."""
        variables = clean_environ.common(self.caller, home=self.run_dirs.home, temp=self.run_dirs.temp)
        if phase == "acquire":
            variables |= clean_environ.acquiring(self.caller, home=self.run_dirs.credentials, stores=self.stores)
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
            path[:0] = [workspace / each / "node_modules/.bin" for each in (here, *here.parents, Path(ROOT))]
        return self._on_path(variables, path)

    def for_install(
        self, path: Iterable[Path], own: Mapping[str, str], *, has_credentials: bool = True
    ) -> dict[str, str]:
        """The variables of a command that installs an environment or a program.

        Without `has_credentials` it gets none for package indexes, because it runs code of packages.
        """
        variables = clean_environ.common(self.caller, home=self.run_dirs.home, temp=self.run_dirs.temp)
        variables |= clean_environ.acquiring(self.caller, home=self.run_dirs.credentials, stores=self.stores)
        if not has_credentials:
            variables = package_credentials.without(variables, self.caller, self.run_dirs.home)
        return self._on_path(variables | dict(own), path)

    def for_postgres(self) -> dict[str, str]:
        """The variables of Postgres's programs. LC_ALL makes their messages English."""
        return {
            "PATH": clean_environ.system_path(self.caller),
            "LC_ALL": "C",
            "HOME": str(self.run_dirs.home),
            "TMPDIR": str(self.run_dirs.temp),
        }

    def _on_path(self, variables: Mapping[str, str], first: Iterable[Path]) -> dict[str, str]:
        """Adds PATH: programs of the environment, then of the system, then of predeploy."""
        path = os.pathsep.join([*map(str, first), variables["PATH"], str(self.run_dirs.programs)])
        return {**variables, "PATH": path}
