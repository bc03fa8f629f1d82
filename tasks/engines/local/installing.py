"""Runs commands that install packages. Only they get access to private package indexes."""

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
    """`marker` marks every process of its commands."""

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
        """Runs a command with the programs in `path`. The directory `cwd` is created if necessary."""
        await asyncio.to_thread(cwd.mkdir, parents=True, exist_ok=True)
        variables = self.variables.for_install(path, env)
        launch = Launch(argv=argv, cwd=cwd, env=variables, log=log, limit=limit, redactor=self.redactor)
        return await run_alone(launch, self.marker)

    async def fetch(
        self, argv: tuple[str, ...], cwd: Path, log: Path, *, path: tuple[Path, ...] = (), limit: float = LIMIT
    ) -> Exit:
        """Runs a command that downloads a toolchain."""
        return await self.install(argv, cwd, log, path=path, env={}, limit=limit)
