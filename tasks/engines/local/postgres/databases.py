"""The Postgres of a run: started on demand, with the databases of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.engines.local.postgres.account import choose_account
from tasks.engines.local.postgres.binaries import Choice, find_binaries
from tasks.engines.local.postgres.cluster import Cluster, ClusterConfig
from tasks.engines.local.run_dirs import RunDirs
from tasks.engines.local.toolchains.pinned import ToolchainConfig
from tasks.engines.local.variables import Variables
from tasks.engines.memo import AsyncMemo
from tasks.errors import EngineError
from tasks.redaction.redactor import NOTHING, Redactor
from tasks.steps import Database

if TYPE_CHECKING:
    from tasks.engines.local.postgres.server import PostgresServer

STARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasesConfig:
    """What a server needs to start. `templates` is the store of initialised data directories."""

    choice: Choice
    toolchains: ToolchainConfig
    run_dirs: RunDirs
    variables: Variables
    templates: Path
    marker: str
    redactor: Redactor = NOTHING


class Databases:
    """At most one server. A failed start is repeated once."""

    def __init__(self, config: DatabasesConfig) -> None:
        self._config = config
        self._starts = AsyncMemo[str, "PostgresServer"]()
        self._server: PostgresServer | None = None
        self._refusals: list[EngineError] = []

    @property
    def generation(self) -> int:
        """The number of crashes of the server that were noticed."""
        return self._server.generation if self._server else 0

    async def start(self, log: Path) -> "PostgresServer":
        """The server, which writes its output to `log`. Raises EngineError (`postgres`, `toolchain`)."""
        if len(self._refusals) >= STARTS:
            raise self._refusals[-1]
        return await self._starts.get("postgres", lambda: self._start(log))

    async def values(self, database: Database, log: Path) -> Mapping[str, str]:
        """Creates a database; returns the values of its tokens."""
        server = await self.start(log)
        await server.create(database)
        return server.values(database)

    async def trouble(self) -> tuple[str, str] | None:
        """None if there is no server, or if it has not restarted; otherwise a reason code and a line of text."""
        return await self._server.trouble() if self._server else None

    async def close(self) -> None:
        """Ends the server."""
        await self._starts.close()
        if self._server is not None:
            await self._server.stop()

    async def _start(self, log: Path) -> "PostgresServer":
        from tasks.engines.local.postgres.server import PostgresServer  # noqa: PLC0415 - psycopg takes long to import

        config = self._config
        try:
            binaries = await find_binaries(config.choice, config.variables.caller, config.toolchains, log)
            account = await choose_account(cwd=config.run_dirs.path, log=log, marker=config.marker)
            cluster = ClusterConfig(
                binaries=binaries,
                templates=config.templates,
                disk=config.run_dirs.disk / "pg",
                sockets=config.run_dirs.sockets,
                log=log,
                env=config.variables.for_postgres(),
                marker=config.marker,
                note=config.toolchains.note,
                redactor=config.redactor,
            )
            # assigned before the start, so that `close` stops it in every case
            self._server = PostgresServer(Cluster(cluster, account))
            await self._server.start()
        except EngineError as error:
            self._refusals.append(error)
            raise
        return self._server
