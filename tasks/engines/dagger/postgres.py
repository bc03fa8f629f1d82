"""The run's own Postgres, in a container, with the databases of its steps."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence

from tasks import steps
from tasks.engines.dagger.images import BaseImageResolver
from tasks.engines.dagger.session import Container, DaggerSession, EngineRefusedError, ExecFailedError, Service
from tasks.engines.dagger.wrapper import NONCE, RUN
from tasks.engines.memo import AsyncMemo
from tasks.errors import EngineError
from tasks.steps import Database

HOST, PORT, USER, ADMIN = "db", "5432", "predeploy", "predeploy"
IDENTITY = "SELECT pg_postmaster_start_time()"
TERMINATE = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '{}'"
QUERY_LIMIT = 120.0
LOST = "the container engine lost a session of this run, and {} with it. Run predeploy again"
# the data end with the run, so durability is not needed
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")


class PostgresService:
    """At most one server, started on demand. It ends with the session.

    `used` are the names of the databases of its steps. `lost` are those that an earlier session had.
    """

    def __init__(
        self, session: DaggerSession, images: BaseImageResolver, run_id: str, lost: frozenset[str] = frozenset()
    ) -> None:
        self._session, self._images, self._run_id, self._lost = session, images, run_id, lost
        self.used: set[str] = set()
        self._password = secrets.token_hex(16)
        self._started = AsyncMemo[str, tuple[Service, Container]]()
        self._made = AsyncMemo[str, None]()
        self._identity = ""
        self._expected: tuple[Database, ...] = ()
        self._created_at_start: frozenset[Database] = frozenset()

    async def start(self, expected: Iterable[Database] = ()) -> Service:
        """Starts the server. The `expected` databases are created together, because each command is a container.

        Raises EngineError (`postgres`, `base_image`).
        """
        self._expected = self._expected or tuple(expected)
        return (await self._started.get("postgres", self._start))[0]

    async def bind(self, container: Container, database: Database) -> tuple[Container, Mapping[str, str]]:
        """Creates the database; returns the container bound to the server, and the values of the database's tokens.

        Raises EngineError (`engine_lost`) for a copy of a database that was lost with an earlier session.
        """
        if database.template in self._lost and database.template not in self.used:
            raise EngineError(LOST.format("the migrated database"), "engine_lost")
        self.used.add(database.name)
        service, _ = await self._started.get("postgres", self._start)
        if database not in self._created_at_start:
            together = [each for each in self._expected if each.template == database.template]
            batch, key = (together, "") if database in together else ([database], database.name)
            await self._made.get(f"{database.template}/{key}", lambda: self._create(batch))
        url = f"postgresql://{USER}:{self._password}@{HOST}:{PORT}/{database.name}"
        values = {
            steps.DB_URL: url,
            steps.DB_HOST: HOST,
            steps.DB_PORT: PORT,
            steps.DB_USER: USER,
            steps.DB_PASSWORD: self._password,
            steps.DB_NAME: database.name,
        }
        return container.with_service_binding(HOST, service), values

    async def close(self) -> None:
        """Cancels running work, and waits for its end."""
        for once in (self._made, self._started):
            await once.close()

    async def trouble(self) -> tuple[str, str] | None:
        """None if there is no server, or if it has not restarted; otherwise a reason code and a line of text."""
        if self._started.result("postgres") is None:
            return None
        try:
            identity = await self._query(IDENTITY)
        except EngineError as error:
            return (error.reason_code, str(error))
        if identity != self._identity:
            return ("service_lost", "Postgres was started anew during the run: its databases are gone")
        return None

    async def _start(self) -> tuple[Service, Container]:
        image = await self._images.get("postgres")
        password = self._session.client.set_secret(f"predeploy/postgres/{self._run_id}", self._password)
        base = (
            image.with_env_variable("POSTGRES_USER", USER)
            .with_secret_variable("POSTGRES_PASSWORD", password)
            .with_env_variable("POSTGRES_DB", ADMIN)
            .with_env_variable("POSTGRES_INITDB_ARGS", "--no-sync")
            .with_env_variable(RUN, self._run_id)  # without it, runs would share a service
        )
        arguments = ["postgres", *(word for setting in SETTINGS for word in ("-c", setting))]
        # one command that waits is faster than many that check: each is an exec in the container
        asked = f"until pg_isready --host=127.0.0.1 --username={USER} --dbname={ADMIN} --quiet; do sleep 0.05; done"
        healthcheck = ["timeout", "60", "sh", "-c", asked]
        server = base.with_docker_healthcheck(healthcheck, interval="100ms", timeout="60s", retries=3)
        server = server.with_exposed_port(int(PORT))
        try:
            service = await self._session.ask(server.as_service(args=arguments, use_entrypoint=True).start())
        except (EngineRefusedError, ExecFailedError) as error:
            text = f"Postgres did not start in its container: {last_line(error)}"
            raise EngineError(text, "postgres") from None
        client = image.with_secret_variable("PGPASSWORD", password)
        created = [each for each in self._expected if not each.template]
        answer = await self._query_in(client, service, IDENTITY, *map(creation, created))
        self._identity, self._created_at_start = answer, frozenset(created)
        return service, client

    async def _create(self, databases: Sequence[Database]) -> None:
        # a stopped command may still be connected, which prevents a copy
        away = [TERMINATE.format(template) for template in {each.template for each in databases} if template]
        await self._query(*away, *map(creation, databases))

    async def _query(self, *statements: str) -> str:
        service, client = await self._started.get("postgres", self._start)
        return await self._query_in(client, service, *statements)

    async def _query_in(self, client: Container, service: Service, *statements: str) -> str:
        """Runs statements with psql, in a container bound to the server."""
        commands = [f"--command={statement}" for statement in statements]
        account = [f"--host={HOST}", f"--username={USER}", f"--dbname={ADMIN}"]
        argv = ["psql", *account, "-AtXq", "--set=ON_ERROR_STOP=1", *commands]
        asked = (
            client.with_service_binding(HOST, service)
            .with_env_variable(NONCE, secrets.token_hex(8))
            .with_exec(argv)
            .stdout()
        )
        try:
            return (await self._session.ask(asked, limit=QUERY_LIMIT)).strip()
        except ExecFailedError as error:
            text = f"Postgres refused {statements[-1].split('(', maxsplit=1)[0].strip()}: {last_line(error)}"
            is_gone = re.search("could not (connect|translate)|Connection refused", error.stderr) is not None
            raise EngineError(text, "service_lost" if is_gone else "postgres") from None
        except EngineRefusedError as error:
            raise EngineError(f"Postgres is gone: {last_line(error)}", "service_lost") from None


def creation(database: Database) -> str:
    """The statement that creates a database."""
    copied = f' TEMPLATE "{database.template}"' if database.template else ""
    return f'CREATE DATABASE "{database.name}"{copied}'


def last_line(error: ExecFailedError | EngineRefusedError) -> str:
    """The last line of an error's output or text."""
    said = (error.stderr if isinstance(error, ExecFailedError) else "").strip() or str(error).strip() or "nothing said"
    return said.splitlines()[-1]
