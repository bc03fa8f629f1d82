"""The run's Postgres, started when first asked for, with the databases of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.postgres.account import choose_account
from tasks.engines.local.postgres.binaries import Choice, find_binaries
from tasks.engines.local.postgres.cluster import Cluster, ClusterConfig
from tasks.engines.local.postgres.server import PostgresServer
from tasks.engines.local.run_dirs import RunDirs
from tasks.engines.local.toolchains.pinned import ToolchainConfig
from tasks.engines.local.variables import Variables
from tasks.engines.memo import AsyncMemo
from tasks.errors import EngineError
from tasks.redaction.redactor import NOTHING, Redactor
from tasks.steps import Database

STARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasesConfig:
    """What starting a server needs. `templates` is the store of initialised data directories."""

    choice: Choice
    config: ToolchainConfig
    room: RunDirs
    variables: Variables
    templates: Path
    marker: str
    redactor: Redactor = NOTHING


class Databases:
    """One server at most; one that would not start is tried a second time, then no more."""

    def __init__(self, site: DatabasesConfig) -> None:
        self._site = site
        self._starts = AsyncMemo[str, PostgresServer]()
        self._server: PostgresServer | None = None
        self._refusals: list[EngineError] = []

    @property
    def generation(self) -> int:
        """How often the server was found to have broken down."""
        return self._server.generation if self._server else 0

    async def start(self, log: Path) -> PostgresServer:
        """The server, with `log` for what it says; raises EngineError (`postgres`, `toolchain`)."""
        if len(self._refusals) >= STARTS:
            raise self._refusals[-1]
        return await self._starts.get("postgres", lambda: self._start(log))

    async def values(self, database: Database, log: Path) -> Mapping[str, str]:
        """What the tokens of a database stand for, once it is made."""
        server = await self.start(log)
        await server.create(database)
        return server.values(database)

    async def trouble(self) -> tuple[str, str] | None:
        """None while the server, if there is one, is still the one of the beginning."""
        return await self._server.trouble() if self._server else None

    async def close(self) -> None:
        """Ends the server."""
        await self._starts.close()
        if self._server is not None:
            await self._server.stop()

    async def _start(self, log: Path) -> PostgresServer:
        site = self._site
        try:
            binaries = await find_binaries(site.choice, site.variables.caller, site.config, log)
            account = await choose_account(cwd=site.room.path, log=log, marker=site.marker)
            config = ClusterConfig(
                binaries=binaries,
                templates=site.templates,
                disk=site.room.disk / "pg",
                sockets=site.room.sockets,
                log=log,
                env=site.variables.for_postgres(),
                marker=site.marker,
                note=site.config.note,
                redactor=site.redactor,
            )
            # known before it is up: whatever happens meanwhile, it is stopped
            self._server = PostgresServer(Cluster(config, account))
            await self._server.start()
        except EngineError as error:
            self._refusals.append(error)
            raise
        return self._server
