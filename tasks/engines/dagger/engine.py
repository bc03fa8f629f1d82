"""The engine of containers: every step in one of its own, through a Dagger engine wherever that is."""

import asyncio
import contextlib
import hashlib
import os
import secrets as random_tokens
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks import steps
from tasks.engines.dagger.building import build_image
from tasks.engines.dagger.execution import Order, execute, execute_bare, note
from tasks.engines.dagger.reach import find_engine
from tasks.engines.dagger.session import Container, ExecFailedError, RefusedError, Service, Session, open_session
from tasks.engines.dagger.variables import plain_variables
from tasks.engines.dagger.workshop import CACHE, ENV, OUT, PROBES, PYTHON, WORK, Installed, Site, Workshop
from tasks.engines.dagger.wrapper import SERVED, serve
from tasks.engines.once import Once
from tasks.engines.threads import in_thread
from tasks.engines.tokens import Tokens
from tasks.engines.workspace import lease, sync
from tasks.errors import EngineError
from tasks.models import EngineFacts
from tasks.redaction import redact_exit
from tasks.secrets import NO_SECRETS, Secrets
from tasks.steps import Environment, Exit, Image, Inputs, Prepared, Step
from tasks.steps import Service as ServerSpec
from tasks.tree import Tree, select

SERVER, SERVER_PORT = "server", 8000
CONNECT_LIMIT, START_LIMIT, RENEW_LIMIT = 20.0, 180.0, 8.0
"""Seconds to reach an engine that is there; one that has to be started first; the same one again after it was lost."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the network of the service's own container
FIND_MODULES = ("find", WORK, "-type", "d", "-name", "node_modules", "-prune")
SHARED = 0o777
NAMES = {
    steps.WORK: WORK,
    steps.OUT: OUT,
    steps.CACHE: CACHE,
    steps.ENV: ENV,
    steps.PROBES: PROBES,
    steps.PYTHON: PYTHON,
}


class DaggerEngine:
    """Use it with `async with`. `cache` and `data` are directories of this machine, `log` the file for what the engine
    says; `images` replace base images of the table. It holds one session; one that is lost is opened again once."""

    provides = frozenset({"image", "postgres", "node", "python"})

    def __init__(
        self,
        *,
        tree: Tree,
        cache: Path,
        data: Path,
        run_id: str,
        reason: str,
        note: Callable[[str], None],
        environ: Mapping[str, str],
        log: Path,
        images: Mapping[str, str] | None = None,
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        self._tree, self._cache, self._data, self._run_id = tree, cache, data, run_id
        self._reason, self._note, self._environ, self._log = reason, note, environ, log
        self._images, self._secrets, self._redactor = dict(images or {}), secrets, secrets.redactor
        self._stack = contextlib.AsyncExitStack()
        self._prepared = Once[str, Prepared]()
        self._built = Once[Image, tuple[Exit, Container | None]]()
        self._renewing = asyncio.Lock()
        self._is_renewed = False
        self.warnings: Sequence[str] = ()

    @property
    def facts(self) -> EngineFacts:
        """Name, version, why it was chosen, and which images it took."""
        shop = getattr(self, "_shop", None)
        version = shop.session.version if shop else "?"
        images = tuple(sorted(shop.site.pinned.items())) if shop else ()
        return EngineFacts(name="dagger", version=version, reason=self._reason, images=images)

    async def __aenter__(self) -> Self:
        reach = await asyncio.to_thread(find_engine, self._environ)
        if not reach.is_there:
            raise EngineError(f"{reach.trouble}. Start an engine, or take --engine local.", "engine_absent")
        if reach.starts:
            self._note(f"starting {reach.by}: the first time takes its download")
        base = self._cache / "snapshots" / hashlib.sha256(str(self._tree.root).encode()).hexdigest()[:16]
        snapshot = self._stack.enter_context(lease(base, "tree"))
        opening = asyncio.ensure_future(self._open(START_LIMIT if reach.starts else CONNECT_LIMIT))
        try:
            await in_thread(sync, self._tree, select(self._tree, Inputs()), snapshot)
            session = await opening
        except BaseException:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await self._stack.aclose()
            raise
        place = hashlib.sha256(f"{socket.gethostname()}:{snapshot}".encode()).hexdigest()[:16]
        site = Site(
            snapshot=snapshot,
            place=place,
            run_id=self._run_id,
            caller=self._environ,
            secrets=self._secrets,
            secret_key=await asyncio.to_thread(secret_key, self._data),
            overrides=self._images,
        )
        self._enter(session, site)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for once in (self._prepared, self._built):
            await once.close()
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        if trouble := await self._shop.session.close():
            self.warnings = (trouble,)
        await self._stack.aclose()

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Makes an environment once per key and session, and appends what was said to `log`."""
        done = self._prepared.result(environment.key)
        if done is not None and done.exit.code != 0:
            self._prepared.forget(environment.key)
        return await self._prepared.get(environment.key, lambda: self._prepare(environment, log))

    async def run(self, step: Step, log: Path) -> Exit:
        """Runs a step whose environment is prepared, and appends command, output and exit to `log`."""
        try:
            exit = await self._run(step, log)
        except EngineError as error:
            exit = Exit(code=None, trouble=error.reason_code, detail=str(error))
        except (RefusedError, ExecFailedError) as error:
            exit = Exit(code=None, trouble="engine", detail=str(error).strip().splitlines()[-1])
        return redact_exit(exit, self._redactor)

    async def answers(self, environment: Environment, log: Path) -> bool:
        """Does the package registry of an environment answer its control command?"""
        shop = self._shop
        try:
            container = shop.acquiring(await shop.toolchain(environment))
            container = shop.with_variables(container, plain_variables("acquire", node=environment.kind == "node"))
            order = Order(argv=self._names().argv(environment.control), cwd="/", limit=60, log=log, volatile=True)
            exit, _ = await execute(shop, container, order)
        except (EngineError, RefusedError, ExecFailedError):
            return False
        return exit.code == 0

    async def trouble(self) -> tuple[str, str] | None:
        """Is the session well, and its Postgres? One that is lost is opened again, once in a run."""
        if self._shop.session.lost.done():
            async with self._renewing:
                if self._shop.session.lost.done():
                    return await self._renew()
        return await self._shop.postgres.trouble()

    async def warm_database(self, log: Path | None = None) -> None:  # noqa: ARG002 - its log is the engine's
        """Starts Postgres before the first step asks for it; raises EngineError where that fails."""
        await self._shop.postgres.start()

    async def _open(self, limit: float) -> Session:
        return await open_session(self._environ, self._log, self._redactor, limit=limit)

    def _enter(self, session: Session, site: Site) -> None:
        self._shop = Workshop(session, site)
        self._watching = asyncio.create_task(session.watch())

    async def _renew(self) -> tuple[str, str] | None:
        """A new session in place of the lost one; what the old one had built is built again, or remembered."""
        old = self._shop
        lost = ("engine_lost", old.session.lost.result())
        if self._is_renewed:
            return lost
        self._is_renewed = True
        reach = await asyncio.to_thread(find_engine, self._environ)
        if not reach.is_there:
            return lost
        try:
            session = await self._open(RENEW_LIMIT)
        except EngineError:
            return lost
        self._watching.cancel()
        await old.session.close()
        self._prepared, self._built = Once[str, Prepared](), Once[Image, tuple[Exit, Container | None]]()
        self._enter(session, old.site)
        return None

    async def _prepare(self, environment: Environment, log: Path) -> Prepared:
        shop = self._shop
        try:
            return await self._install(shop, environment, log)
        except EngineError as error:
            return Prepared(exit=Exit(code=None, trouble=error.reason_code, detail=str(error)))
        except (RefusedError, ExecFailedError) as error:
            return Prepared(exit=Exit(code=None, trouble="engine", detail=str(error).strip().splitlines()[-1]))

    async def _install(self, shop: Workshop, environment: Environment, log: Path) -> Prepared:
        choice = shop.choice(environment)
        stage, gaps = shop.stage(environment)
        is_node = environment.kind == "node"
        toolchain = await shop.toolchain(environment)
        container = shop.acquiring(toolchain).with_directory(WORK, stage)
        container = shop.with_variables(container, plain_variables("acquire", node=is_node))
        if not is_node:
            container = shop.with_variables(
                container, {"VIRTUAL_ENV": ENV, "UV_PROJECT_ENVIRONMENT": ENV, "UV_PYTHON": PYTHON}
            )
        exit = Exit(code=0)
        for command in environment.commands:
            names = self._names()
            furnished = shop.with_variables(container, names.env(command.env))
            cwd = f"{WORK}/{command.cwd}"
            order = Order(argv=names.argv(command.argv), cwd=cwd, limit=command.limit, log=log)
            exit, container = await execute(shop, furnished, order)
            if exit.code != 0 and exit.code not in command.empty:
                return Prepared(exit=exit, command=command, gaps=choice.gaps)
        modules: tuple[str, ...] = ()
        if is_node:
            listed = await shop.session.ask(container.with_exec(list(FIND_MODULES)).stdout())
            modules = tuple(sorted(line.removeprefix(f"{WORK}/") for line in listed.splitlines()))
        shop.installed[environment.key] = Installed(toolchain=toolchain, container=container, modules=modules)
        version = f"{'Node' if is_node else 'Python'} {choice.version}"
        return Prepared(exit=Exit(code=0), gaps=(*choice.gaps, *gaps), version=version, reused=exit.reused)

    async def _run(self, step: Step, log: Path) -> Exit:
        if step.image is not None:
            return await self._run_in_image(step, step.image, log)
        shop = self._shop
        await self._ready(step.environment, step.phase, log)
        base, installed = await shop.base(step.environment)
        slot = shop.slot(step)
        container = shop.furnished(base, slot, installed, step.slot)
        is_node = step.environment is not None and step.environment.kind == "node"
        container = shop.with_variables(container, plain_variables(step.phase, node=is_node))
        container = self._on_path(container, step, installed)
        container = shop.acquiring(container) if step.phase == "acquire" else container
        names = self._names()
        if step.database is not None:
            container, values = await shop.postgres.bind(container, step.database)
            names = names.with_values(values)
        if step.service is not None:
            names = names.with_values({steps.SERVER_HOST: SERVER, steps.SERVER_PORT: str(SERVER_PORT)})
            server = await self._server(step, step.service, log)
            container = self._with_served(container.with_service_binding(SERVER, server), step)
        container = shop.with_secrets(shop.with_variables(container, names.env(step.env)), step.secrets)
        order = Order(
            argv=names.argv(step.argv),
            cwd=f"{WORK}/{step.cwd}",
            limit=step.limit,
            log=log,
            volatile=step.volatile,
            server=step.service.name if step.service else "",
        )
        exit, after = await execute(shop, container, order)
        if after is not container:
            shop.keep(step, after)
        return exit

    async def _ready(self, environment: Environment | None, phase: str, log: Path) -> None:
        """The environment, made now if nobody has; raises EngineError where it cannot be."""
        if environment is None or phase == "acquire":
            return
        if environment.key not in self._shop.installed:
            exit = (await self.prepare(environment, log)).exit
            if exit.code != 0:
                raise EngineError(exit.detail or f"the {environment.title} did not install", exit.trouble or "acquire")

    def _on_path(self, container: Container, step: Step | ServerSpec, installed: Installed | None) -> Container:
        """The programs of the environment first."""
        environment = step.environment
        if environment is None:
            return container
        if environment.kind == "python":
            if installed is None:
                return container
            container = container.with_env_variable("VIRTUAL_ENV", ENV)
            return container.with_env_variable("PATH", f"{ENV}/bin:${{PATH}}", expand=True)
        here = Path(step.cwd)
        places = [f"{WORK}/{each.as_posix()}/node_modules/.bin" for each in (here, *here.parents)]
        return container.with_env_variable("PATH", ":".join([*places, "${PATH}"]), expand=True)

    async def _server(self, step: Step, spec: ServerSpec, log: Path) -> Service:
        """The server of a step, not started yet: in the image that is deployed, where there is one."""
        shop = self._shop
        names = self._names().with_values({steps.SERVER_HOST: EVERYWHERE, steps.SERVER_PORT: str(SERVER_PORT)})
        entry: list[str] = []
        env = spec.env
        if spec.image is not None:
            container = await self._image(spec.image, log)
            entry = await shop.session.ask(container.entrypoint()) or []
            env = outside(env)
        else:
            await self._ready(spec.environment, "execute", log)
            base, installed = await shop.base(spec.environment)
            container = shop.furnished(base, shop.slot(replace(step, begins=False)), installed, f"{step.slot}-server")
            container = shop.with_variables(container, plain_variables("execute", node=False))
            container = self._on_path(container, spec, installed).with_workdir(f"{WORK}/{spec.cwd}")
        if spec.database is not None:
            container, values = await shop.postgres.bind(container, spec.database)
            names = names.with_values(values)
        container = shop.with_secrets(shop.with_variables(container, names.env(env)), spec.secrets)
        container = self._with_served(container, step).with_env_variable("PREDEPLOY_RUN", self._run_id)
        container = container.with_exposed_port(SERVER_PORT, experimental_skip_healthcheck=True)
        return container.as_service(args=serve([*entry, *names.argv(spec.argv)]))

    def _with_served(self, container: Container, step: Step) -> Container:
        """A place that the server and the step beside it share; the image's user may be anybody."""
        client = self._shop.client
        volume = client.cache_volume(f"predeploy-served-{self._run_id}-{step.slot}")
        open_to_all = client.directory().with_new_directory(Path(SERVED).name, permissions=SHARED)
        return container.with_mounted_cache(str(Path(SERVED).parent), volume, source=open_to_all)

    async def _image(self, image: Image, log: Path) -> Container:
        """The image, built now if nobody has; raises EngineError where it cannot be."""
        exit, container = await self._build(image, log)
        if container is None:
            raise EngineError(exit.detail or f"{image.title} could not be built", exit.trouble or "image_build")
        return container

    async def _build(self, image: Image, log: Path) -> tuple[Exit, Container | None]:
        if image.environment is not None:
            await self._ready(image.environment, "execute", log)
        installed = self._shop.installed.get(image.environment.key) if image.environment else None
        done = self._built.result(image)
        if done is not None and done[1] is None:
            self._built.forget(image)
        return await self._built.get(image, lambda: build_image(self._shop, image, installed))

    async def _run_in_image(self, step: Step, image: Image, log: Path) -> Exit:
        shop = self._shop
        if not step.argv:
            exit, _ = await self._build(image, log)
            note(Order(argv=("build", image.title), cwd="/", limit=step.limit, log=log), exit, self._redactor)
            return exit
        container = await self._image(image, log)
        root = await shop.session.ask(container.workdir()) if image.dockerfile else WORK
        names = self._names()
        if step.database is not None:
            container, values = await shop.postgres.bind(container, step.database)
            names = names.with_values(values)
        container = shop.with_secrets(shop.with_variables(container, names.env(outside(step.env))), step.secrets)
        order = Order(argv=names.argv(step.argv), cwd=root or "/", limit=step.limit, log=log)
        return await execute_bare(shop, container, order, root or "/")

    def _names(self) -> Tokens:
        return Tokens(values=NAMES)


def outside(env: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Variables for an image: what leads into a workspace leads nowhere there."""
    return tuple((name, value) for name, value in env if steps.WORK not in value)


def secret_key(data: Path) -> bytes:
    """What the names of secrets are made with: random, made once, for this user alone."""
    path = data / "secret-names.key"
    data.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = random_tokens.token_bytes(32)
        file.write(key)
    return key
