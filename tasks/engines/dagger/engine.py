"""The engine of containers: it runs each step in a container, through a local or remote Dagger engine."""

import asyncio
import contextlib
import hashlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.engines.context import EngineContext
from tasks.engines.dagger import delivering, environments, pins
from tasks.engines.dagger.building import build_early, ensure_image
from tasks.engines.dagger.execution import no_exit
from tasks.engines.dagger.reach import Reach, find_engine
from tasks.engines.dagger.resources import ResourcesConfig, SessionResources
from tasks.engines.dagger.running import run_step
from tasks.engines.dagger.session import DaggerSession, EngineRefusedError, ExecFailedError, open_session
from tasks.engines.dagger.variables import secret_key
from tasks.engines.private import private_directory
from tasks.engines.threads import in_thread
from tasks.engines.workspace import lease, sync
from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.models import EngineFacts
from tasks.redaction.gate import redact
from tasks.source.selection import select
from tasks.steps import Database, Environment, Image, Inputs, Step

CONNECT_LIMIT, START_LIMIT, RENEW_LIMIT = 20.0, 180.0, 8.0
"""Seconds to connect to a running engine, to one that must be started, and again to a lost one."""


class DaggerEngine:
    """Use it with `async with`. `reach` says how to connect. `log` is the file for the output of Dagger's command line.

    `images` replace base images of the table. `known` are tags and digests that are resolved already. The engine has
    one session, and replaces a lost one once.
    """

    provides = frozenset({"image", "postgres", "node", "python"})

    def __init__(
        self,
        engine_context: EngineContext,
        *,
        reach: Reach,
        log: Path,
        images: Mapping[str, str] | None = None,
        known: Mapping[str, str] | None = None,
    ) -> None:
        self._context, self._reach, self._log, self._images = engine_context, reach, log, dict(images or {})
        self._known = dict(known or {})
        self._redactor = engine_context.secrets.redactor
        self._stack = contextlib.AsyncExitStack()
        self._renewing = asyncio.Lock()
        self._is_renewed = False
        self.warnings: Sequence[str] = ()

    @property
    def facts(self) -> EngineFacts:
        """Name, version, the reason for the choice, and the base images."""
        resources = getattr(self, "_resources", None)
        version = resources.session.version if resources else "?"
        images = tuple(sorted(resources.config.pinned.items())) if resources else ()
        return EngineFacts(
            name="dagger", version=version, reason=self._context.reason, summary=self._context.summary, images=images
        )

    async def __aenter__(self) -> Self:
        if self._reach.starts:
            self._context.note(f"starting {self._reach.by}: the first time takes its download")
        tree, cache = self._context.tree, self._context.cache
        base = cache / "snapshots" / hashlib.sha256(os.fsencode(tree.root)).hexdigest()[:16]
        if self._context.fresh:  # the names of its volumes have a digest of this path, so they are new as well
            base = self._stack.enter_context(private_directory(self._context.data / "runs"))
        snapshot = self._stack.enter_context(lease(base, "tree"))
        opening = asyncio.ensure_future(self._open(START_LIMIT if self._reach.starts else CONNECT_LIMIT))
        try:
            await in_thread(sync, tree, select(tree, Inputs()), snapshot)
            session = await opening
        except BaseException:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await self._stack.aclose()
            raise
        config = ResourcesConfig(
            snapshot=snapshot,
            # a tree of a commit never changes
            base=None if self._context.base is None else self._context.base.root,
            volume_key=hashlib.sha256(f"{socket.gethostname()}:{snapshot}".encode()).hexdigest()[:16],
            run_id=self._context.run_id,
            caller=self._context.environ,
            secrets=self._context.secrets,
            secret_key=await asyncio.to_thread(secret_key, self._context.data),
            overrides=self._images,
            trust=self._context.trust,
            known=self._known,
            fresh=self._context.fresh,
        )
        self._enter(session, config)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.close()
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        if trouble := await self._resources.session.close():
            self.warnings = (trouble,)
        await self._stack.aclose()

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Installs an environment once per key and session, and appends the output to `log`."""
        return await environments.prepare(self._resources, environment, log)

    async def run(self, step: Step, log: Path) -> Exit:
        """Runs a step with a prepared environment, and appends command, output and exit to `log`."""
        try:
            exit = await run_step(self._resources, step, log)
        except (EngineError, EngineRefusedError, ExecFailedError) as error:
            exit = no_exit(error)
        return redact(exit, self._redactor)

    async def answers(self, environment: Environment, log: Path) -> bool:
        """Does the control command of the environment succeed?"""
        try:
            return await environments.answers(self._resources, environment, log)
        except (EngineError, EngineRefusedError, ExecFailedError):
            return False

    async def export_image(self, image: Image, path: Path) -> str:
        """Writes the validated image as an OCI archive; returns its digest."""
        container = await ensure_image(self._resources, image, self._log)
        return await delivering.export(self._resources.session, container, path, self._context.run_id)

    async def publish_image(self, image: Image, reference: str) -> str:
        """Pushes the validated image; returns the reference with its digest."""
        return await delivering.publish(
            self._resources.session, await ensure_image(self._resources, image, self._log), reference
        )

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        """Writes a directory of the engine's workspace to `target`."""
        slot = self._resources.slot(replace(step, begins=False))
        await delivering.export_directory(self._resources.session, slot, directory, target)

    async def leave(self, slots: Iterable[str]) -> None:
        """Does nothing: each slot has a directory of its own."""

    async def trouble(self) -> tuple[str, str] | None:
        """Checks the session and its Postgres. A lost session is replaced, once per run."""
        if self._resources.session.lost.done():
            async with self._renewing:
                if self._resources.session.lost.done():
                    return await self._renew()
        return await self._resources.postgres.trouble()

    async def warm_database(self, expected: Iterable[Database] = ()) -> None:
        """Starts Postgres before the first step needs it, with the expected databases."""
        await self._resources.postgres.start(expected)

    async def identify(
        self, environments: Iterable[Environment], images: Iterable[str], *, has_database: bool
    ) -> Mapping[str, str]:
        """The digests of base images, and the platform."""
        return await pins.identify(self._resources, environments, images, has_database=has_database)

    async def warm_image(self, step: Step) -> None:
        """Builds the image of a step before its turn. The step itself reports a failed build."""
        if step.image is not None:
            await build_early(self._resources, step.image, step)

    async def _open(self, limit: float) -> DaggerSession:
        context = self._context
        return await open_session(context.environ, self._log, self._redactor, limit=limit, trust=context.trust)

    def _enter(self, session: DaggerSession, config: ResourcesConfig) -> None:
        self._resources = SessionResources(session, config)
        self._watching = asyncio.create_task(session.watch(lambda: find_engine(self._context.environ).trouble))

    async def _renew(self) -> tuple[str, str] | None:
        """Replaces the lost session. Its containers are built again, or come from the engine's cache."""
        old = self._resources
        lost = ("engine_lost", old.session.lost.result())
        if self._is_renewed:
            return lost
        self._is_renewed = True
        reach = await asyncio.to_thread(find_engine, self._context.environ)
        if not reach.is_there:
            return lost
        try:
            session = await self._open(RENEW_LIMIT)
        except EngineError:
            return lost
        self._watching.cancel()
        await old.session.close()
        self._enter(session, replace(old.config, lost=old.config.lost | old.slots.keys() | old.postgres.used))
        return None
