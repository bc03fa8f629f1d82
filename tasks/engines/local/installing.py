"""Runs the commands that install: they alone see private package indexes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.services import Launch, run_alone
from tasks.engines.local.toolchains.pinned import LIMIT
from tasks.engines.local.variables import Variables
from tasks.exits import Exit
from tasks.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """Everything that its commands start carries the `marker`."""

    variables: Variables
    redactor: Redactor
    marker: str

    async def install(
        self,
        argv: tuple[str, ...],
        cwd: Path,
        log: Path,
        *,
        path: tuple[Path, ...],
        env: Mapping[str, str],
        limit: float,
    ) -> Exit:
        """Runs one that finds its programs in `path`, in a directory that is made if it is not there."""
        await asyncio.to_thread(cwd.mkdir, parents=True, exist_ok=True)
        variables = self.variables.for_install(path, env)
        launch = Launch(argv=argv, cwd=cwd, env=variables, log=log, limit=limit, redactor=self.redactor)
        return await run_alone(launch, self.marker)

    async def fetch(
        self, argv: tuple[str, ...], cwd: Path, log: Path, *, path: tuple[Path, ...] = (), limit: float = LIMIT
    ) -> Exit:
        """The same for what brings a toolchain."""
        return await self.install(argv, cwd, log, path=path, env={}, limit=limit)
