"""The embedded engine: runs steps as processes on this machine, in its own workspaces and environments."""

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.engines.context import EngineContext
from tasks.engines.local.bounds import sweep_cache
from tasks.engines.local.environments import Environments
from tasks.engines.local.installing import Installer
from tasks.engines.local.manifests import relaxed_manifests
from tasks.engines.local.ports import LOOPBACK, pick_port
from tasks.engines.local.postgres.binaries import Choice
from tasks.engines.local.postgres.databases import Databases, DatabasesConfig
from tasks.engines.local.processes.process import sweep
from tasks.engines.local.run_dirs import create_run_dirs, exit_of_error, remove_abandoned_run_dirs, shortage
from tasks.engines.local.services import Launch, ServerLaunch
from tasks.engines.local.slots import Slots, WorkspaceSlot
from tasks.engines.local.store import StoreEntry
from tasks.engines.local.toolchains.pinned import ToolchainConfig
from tasks.engines.local.toolchains.python import Pythons
from tasks.engines.local.toolchains.toolchain import Toolchains
from tasks.engines.local.variables import Packages, Variables
from tasks.engines.tokens import Tokens, located
from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.models import EngineFacts
from tasks.redaction.gate import redact
from tasks.steps import NONCE, Database, Environment, Image, Phase, Service, Step

VERSION = "1"  # it changes whenever the same step may have another result
NO_IMAGES = "it builds no images. Take --engine dagger"


class LocalEngine:
    """Use it with `async with`. It is no security boundary: the stack's code runs as the user, on this machine.
    `postgres` selects the Postgres: the host's, the one from a wheel, or the best one available.
    """

    provides = frozenset({"postgres", "node", "python"})

    def __init__(self, engine_context: EngineContext, *, postgres: Choice = "auto") -> None:
        self._context, self._choice, self._redactor = engine_context, postgres, engine_context.secrets.redactor
        self._stack = contextlib.AsyncExitStack()
        self._entries: list[StoreEntry] = []
        self._warnings: list[str] = []
        self.warnings: Sequence[str] = self._warnings

    @property
    def facts(self) -> EngineFacts:
        """Name, version and the reason for the choice."""
        return EngineFacts(name="local", version=VERSION, reason=self._context.reason, summary=self._context.summary)

    async def __aenter__(self) -> Self:
        context = self._context
        create = partial(create_run_dirs, large=context.fresh)
        self._run_dirs = dirs = await asyncio.to_thread(create, context.data, context.environ, context.cache)
        self._disks = (self._run_dirs.temp, self._run_dirs.disk, self._context.cache)
        self._stack.callback(self._clean_up)
        kept = self._run_dirs.disk if context.gate else context.cache  # code of earlier runs could change the cache
        self._variables = Variables(caller=self._context.environ, run_dirs=self._run_dirs, stores=kept / "stores")
        self._installer = Installer(variables=self._variables, redactor=self._redactor, marker=context.run_id)
        config = ToolchainConfig(
            base=self._context.cache / "toolchains",
            acquire=self._installer.fetch,
            note=self._context.note,
            hold=self._entries.append,
            warn=self._warnings.append,
            is_whole=self._context.fresh,
        )
        await asyncio.to_thread(config.base.mkdir, parents=True, exist_ok=True)
        pythons = Pythons(self._context.environ, config.base / "pythons")
        self._toolchains = Toolchains(config=config, pythons=pythons, install=self._installer.install)
        self._environments = Environments(
            context=self._context,
            config=config,
            toolchains=self._toolchains,
            install=self._installer.install_packages,
        )
        self._databases = Databases(
            DatabasesConfig(
                choice=self._choice,
                toolchains=config,
                run_dirs=self._run_dirs,
                variables=self._variables,
                templates=kept / "postgres",
                marker=self._context.run_id,
                redactor=self._redactor,
            )
        )
        self._slots = Slots(self._environments, context=context, outs=dirs.outs, disk=dirs.disk)
        for each in (self._slots, self._databases, self._toolchains, self._environments):
            self._stack.push_async_callback(each.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Installs an environment once per key, and appends the output to `log`."""
        try:
            prepared = await self._environments.prepare(environment, log)
        except OSError as error:
            return Prepared(exit=exit_of_error(error, *self._disks))
        if prepared.exit.code != 0 and not prepared.exit.trouble and (short := await self._shortage()):
            return replace(prepared, exit=replace(prepared.exit, trouble=short[0], detail=short[1]))
        return prepared

    async def run(self, step: Step, log: Path) -> Exit:
        """Runs a step with a prepared environment, and appends command, output and exit to `log`."""
        try:
            exit = await self._run(step, log)
        except (EngineError, OSError) as error:
            exit = exit_of_error(error, *self._disks)
        return redact(exit, self._redactor)

    async def answers(self, environment: Environment, log: Path) -> bool:
        """Does the control command of the environment succeed?"""
        try:
            toolchain = await self._toolchains.get(environment, log)
            exit = await self._environments.control(environment, toolchain, log)
        except (EngineError, OSError):
            return False
        return exit.code == 0

    async def leave(self, slots: Iterable[str]) -> None:
        """Other slots with the same packages get the workspaces."""
        await self._slots.leave(slots)

    async def trouble(self) -> tuple[str, str] | None:
        """Checks disk and database: None, or a reason code and a line of text."""
        return await self._shortage() or await self._databases.trouble()

    async def export_image(self, image: Image, path: Path) -> str:
        """Raises EngineError: this engine builds no images."""
        raise EngineError(f"the embedded engine cannot write the {image.title} to {path}: {NO_IMAGES}", "delivery")

    async def publish_image(self, image: Image, reference: str) -> str:
        """Raises EngineError: this engine builds no images."""
        raise EngineError(f"this engine cannot publish the {image.title} as {reference}: {NO_IMAGES}", "delivery")

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        """Copies a directory of the workspace."""
        source = (await self._slots.open(replace(step, begins=False))).tokens(None).replace(directory)
        try:
            await asyncio.to_thread(shutil.copytree, source, target, symlinks=True)
        except (OSError, shutil.Error) as error:
            raise EngineError(f"{directory} could not be copied to {target}: {error}", "delivery") from error

    async def warm_database(self, expected: Iterable[Database] = ()) -> None:  # noqa: ARG002
        """Starts Postgres. Databases are created on demand. Raises EngineError (`postgres`)."""
        await self._databases.start(self._run_dirs.logs / "postgres.log")

    async def identify(self, *_: object, **__: object) -> Mapping[str, str]:
        """Nothing: steps use no image."""
        return {}

    async def warm_image(self, step: Step) -> None:
        """Does nothing: this engine builds no images."""

    async def _run(self, step: Step, log: Path) -> Exit:
        packages = await self._packages(step.environment, log, step.phase)
        served = [await self._packages(each.environment, log, "execute") for each in step.services]
        slot, servers = await self._slots.open(step), list[ServerLaunch]()
        for each in (packages, *served):
            if each is not None and each.installed is not None and each.installed.environment.kind == "node":
                await self._slots.place(slot, each.installed)
        shared = {NONCE: secrets.token_hex(8)}
        generation = self._databases.generation
        for service, its_packages in zip(step.services, served, strict=True):
            servers.append(await self._serving(service, its_packages, slot, shared, log))
            shared |= located(service.name, LOOPBACK, servers[-1].port)
        tokens = (await self._tokens(slot, packages, step.database, log)).with_values(shared)
        launch = self._launch(step, tokens, packages, slot, log)
        with relaxed_manifests(step, slot.workspace, packages.toolchain.relaxed if packages else ""):
            exit = await self._slots.run(slot, step, launch, servers, self._installer.run_step)
        return await self._with_cause(replace(exit, root=str(slot.workspace)), step, generation)

    async def _packages(self, environment: Environment | None, log: Path, phase: Phase) -> Packages | None:
        """The environment of a step, installed now if necessary. Raises EngineError if the installation fails.

        A command that acquires gets the toolchain, and only those packages that are installed already.
        """
        if environment is None:
            return None
        if phase == "execute" and self._environments.installed(environment) is None:
            exit = (await self.prepare(environment, log)).exit
            if exit.code != 0:
                raise EngineError(exit.detail or f"the {environment.title} did not install", exit.trouble or "acquire")
        toolchain = await self._toolchains.get(environment, log)
        return Packages(toolchain=toolchain, installed=self._environments.installed(environment))

    async def _serving(
        self, service: Service, packages: Packages | None, slot: WorkspaceSlot, shared: Mapping[str, str], log: Path
    ) -> ServerLaunch:
        port = pick_port()
        tokens = await self._tokens(slot, packages, service.database, log)
        tokens = tokens.with_values({**shared, **located(service.name, LOOPBACK, port)})
        launch = self._launch(service, tokens, packages, slot, log.with_name(f"{log.name}.{service.name}"))
        return ServerLaunch(name=service.name, port=port, launch=launch)

    def _launch(
        self, of: Step | Service, tokens: Tokens, packages: Packages | None, slot: WorkspaceSlot, log: Path
    ) -> Launch:
        phase, limit = (of.phase, of.limit) if isinstance(of, Step) else ("execute", 0.0)
        env = self._variables.for_step(phase, packages, slot.workspace, of.cwd) | tokens.env(of.env)
        env |= self._context.secrets.only(of.secrets)
        self._slots.expose(slot, of.secrets)
        cwd, argv = slot.workspace / of.cwd, tokens.argv(of.argv)
        return Launch(argv=argv, cwd=cwd, env=env, log=log, limit=limit, redactor=self._redactor)

    async def _tokens(
        self, slot: WorkspaceSlot, packages: Packages | None, database: Database | None, log: Path
    ) -> Tokens:
        tokens = slot.tokens(packages.installed if packages else None)
        if database is None:
            return tokens
        return tokens.with_values(await self._databases.values(database, log.with_name("postgres.log")))

    async def _with_cause(self, exit: Exit, step: Step, generation: int) -> Exit:
        """A failed exit, with the engine's own facts on the cause."""
        if exit.code == 0 or exit.trouble:
            return exit
        found = await self._shortage()
        if found is None and (step.database or any(each.database for each in step.services)):
            found = await self._databases.trouble()
            if found is None and self._databases.generation != generation:
                found = ("service_lost", "the Postgres of this run broke down while the step ran")
        return exit if found is None else replace(exit, trouble=found[0], detail=found[1])

    async def _shortage(self) -> tuple[str, str] | None:
        return await asyncio.to_thread(shortage, *self._disks)

    def _clean_up(self) -> None:
        """Deletes everything of this run, and of killed runs."""
        sweep(self._context.run_id)
        for entry in self._entries:
            entry.close()
        self._run_dirs.remove()
        remove_abandoned_run_dirs(self._context.data)
        sweep_cache(self._context.cache)
