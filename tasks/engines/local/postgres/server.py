"""The run's Postgres server: creates databases for steps, and notices a crash or a restart."""

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tasks.engines.local.ports import LOOPBACK
from tasks.engines.local.postgres.cluster import ROLE, Cluster
from tasks.engines.memo import AsyncMemo
from tasks.errors import EngineError
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_URL, DB_USER, Database

ANSWER_LIMIT = 10.0
COUNT_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
TERMINATE = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = %s"
BUSY_PATIENCE = 1.0
"""Seconds after which connections to a template are terminated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identifies a server: its start time and its cluster."""

    started: str
    system: str


class PostgresServer:
    """A running server. `generation` counts its crashes."""

    def __init__(self, cluster: Cluster) -> None:
        self.generation = 0
        self._cluster = cluster
        self._password = secrets.token_hex(16)
        self._databases = AsyncMemo[str, None]()
        self._query_lock = asyncio.Lock()
        self._admin: psycopg.AsyncConnection | None = None
        self._identity: Identity | None = None
        self._lost = ""

    @property
    def version(self) -> str:
        """The version, from the programs."""
        return self._cluster.config.binaries.version

    async def start(self) -> None:
        """Starts the server, and returns once it can create databases. Raises EngineError (`postgres`)."""
        await self._cluster.start()
        try:
            self._admin = await self._connect()
            alter = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(self._password))
            await self._admin.execute(alter)
            self._identity = await identify(self._admin)
        except (psycopg.Error, OSError) as error:
            raise self._cluster.failure(f"started, and does not answer: {first_line(error)}") from error

    async def stop(self) -> None:
        """Ends the server and all its connections."""
        await self._databases.close()
        if self._admin is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._admin.close()
        await self._cluster.stop()

    def values(self, database: Database) -> dict[str, str]:
        """The values of the tokens of a database."""
        port = self._cluster.port
        return {
            DB_URL: f"postgresql://{ROLE}:{self._password}@{LOOPBACK}:{port}/{database.name}",
            DB_HOST: LOOPBACK,
            DB_PORT: str(port),
            DB_USER: ROLE,
            DB_PASSWORD: self._password,
            DB_NAME: database.name,
        }

    async def create(self, database: Database) -> None:
        """Creates a database unless it exists. Raises EngineError (`service_lost`, `postgres`)."""
        await self._databases.get(database.name, lambda: self._create(database))

    async def trouble(self) -> tuple[str, str] | None:
        """None if the server has not crashed or restarted, otherwise a reason code and a line of text."""
        if self._lost or self._admin is None:
            return ("service_lost", self._lost) if self._lost else None
        try:
            async with self._query_lock:
                same = await asyncio.wait_for(identify(self._admin), ANSWER_LIMIT) == self._identity
        except (psycopg.Error, OSError, TimeoutError) as error:
            return await self._examine(error)
        return None if same else self._mark_lost("the Postgres of this run was restarted")

    async def _examine(self, error: Exception) -> tuple[str, str]:
        """Finds the reason for a broken connection: a server that crashed and recovered has ended all connections."""
        self.generation += 1
        try:
            async with self._query_lock:
                self._admin = await asyncio.wait_for(self._connect(), ANSWER_LIMIT)
                same = await identify(self._admin) == self._identity
        except (psycopg.Error, OSError, TimeoutError):
            same = False
        if same:
            return "service_lost", f"the Postgres of this run ended all its connections: {first_line(error)}"
        return self._mark_lost(
            f"the Postgres of this run is gone ({first_line(error)}); see {self._cluster.config.log}"
        )

    def _mark_lost(self, why: str) -> tuple[str, str]:
        self.generation += 1
        self._lost = why
        return "service_lost", why

    async def _create(self, database: Database) -> None:
        if self._lost:
            raise EngineError(self._lost, "service_lost")
        assert self._admin is not None
        name, template = sql.Identifier(database.name), sql.Identifier(database.template or "template1")
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template)
        if self._admin.info.server_version >= 150000:  # earlier versions know no strategy, and copy files
            query += sql.SQL(
                " STRATEGY file_copy"
            )  # three times as fast as the default, which writes everything to the WAL
        try:
            async with self._query_lock:
                if database.template:
                    await self._disconnect_clients(database.template)
                await self._admin.execute(query)
        except psycopg.Error as error:
            code, detail = await self.trouble() or (
                "postgres",
                f"{database.name} could not be made: {first_line(error)}",
            )
            raise EngineError(detail, code) from error

    async def _disconnect_clients(self, template: str) -> None:
        """Waits for the end of connections to a template, then terminates the rest: they prevent a copy."""
        assert self._admin is not None
        deadline = time.monotonic() + BUSY_PATIENCE
        while time.monotonic() < deadline:
            cursor = await self._admin.execute(COUNT_OTHERS, (template,))
            if await cursor.fetchone() == (0,):
                return
            await asyncio.sleep(0.02)
        await self._admin.execute(TERMINATE, (template,))

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            host=str(self._cluster.config.sockets),
            port=self._cluster.port,
            user=ROLE,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )


async def identify(connection: psycopg.AsyncConnection) -> Identity:
    """Queries the identity of the server."""
    query = "SELECT pg_postmaster_start_time()::text, system_identifier::text FROM pg_control_system()"
    cursor = await connection.execute(query)
    row = await cursor.fetchone()
    assert row is not None
    return Identity(started=str(row[0]), system=str(row[1]))


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
