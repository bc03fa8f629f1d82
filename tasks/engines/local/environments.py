"""The store of installed dependencies: each lock is installed once per machine."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tasks.engines.context import EngineContext
from tasks.engines.local.bounds import mark_grown
from tasks.engines.local.installed import InstalledEnvironment
from tasks.engines.local.manifests import relax_manifests
from tasks.engines.local.node_modules import drop_install_scripts, find_modules
from tasks.engines.local.seal import SEAL, damage, seal
from tasks.engines.local.store import StoreEntry, open_entry, open_sound
from tasks.engines.local.tokens import engine_tokens
from tasks.engines.local.toolchains.pinned import ToolchainConfig
from tasks.engines.local.toolchains.toolchain import InstallCommand, Toolchain, Toolchains
from tasks.engines.memo import AsyncMemo
from tasks.engines.threads import in_thread
from tasks.engines.workspace import sync
from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.packages.credentialed import is_manifest
from tasks.steps import ENV, Environment

ATTEMPTS = 2
GATE = "-gate"
"""The end of the name of an environment that was installed without the stores of earlier runs."""
FACTS = "facts.json"
"""The file with further facts on a complete environment."""


InstallPackages = Callable[[InstallCommand, tuple[Path, ...]], Awaitable[Exit]]
"""Runs a command that installs packages. The paths are copies of files that may name an index."""


class Environments:
    """Installs environments in the cache, once per key and run. Gates have environments of their own."""

    def __init__(
        self,
        *,
        context: EngineContext,
        config: ToolchainConfig,
        toolchains: Toolchains,
        install: InstallPackages,
    ) -> None:
        self._context, self._files_of = context, context.files_of
        self._base = context.cache / "environments"
        self._config = config
        self._toolchains = toolchains
        self._install_packages = install
        self._made = AsyncMemo[str, Prepared]()
        self._attempts: dict[str, int] = {}
        self._installed: dict[str, InstalledEnvironment] = {}
        self._entries: dict[str, tuple[StoreEntry, Path]] = {}
        self._verified = AsyncMemo[str, InstalledEnvironment]()

    async def close(self) -> None:
        """Stops all running installations."""
        await self._made.close()
        await self._verified.close()

    def installed(self, environment: Environment) -> InstalledEnvironment | None:
        """The environment, if it is ready."""
        return self._installed.get(environment.key)

    def directory(self, environment: Environment, toolchain: Toolchain) -> Path:
        """The directory of an environment in the store."""
        return self._base / f"{environment.key}-{toolchain.tag}{GATE if self._context.gate else ''}"

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Installs an environment, or waits for a running installation. A failed one is repeated once, on demand."""
        key = environment.key
        return await self._made.get(
            key,
            lambda: self._make(environment, log),
            again=lambda made: made.exit.code != 0 and self._attempts[key] < ATTEMPTS,
        )

    async def sound(self, installed: InstalledEnvironment) -> InstalledEnvironment:
        """An environment that may be copied. A damaged one is installed again. Raises EngineError if that fails."""
        return await self._verified.get(installed.environment.key, lambda: self._verify(installed))

    def _is_verified_late(self, environment: Environment) -> bool:
        """Steps use copies of Node's packages only, so a run without a new copy spares their verification."""
        return environment.kind == "node" and not self._context.fresh

    async def _verify(self, installed: InstalledEnvironment) -> InstalledEnvironment:
        environment, path = installed.environment, installed.directory
        if not self._is_verified_late(environment):
            return installed
        if not (found := await asyncio.to_thread(damage, path, path / SEAL, is_whole=False)):
            return installed
        entry, log = self._entries[environment.key]
        self._report_damage(environment, path, found)
        entry.invalidate()
        await asyncio.to_thread(entry.close)
        exit = (await self._enter(environment, installed.toolchain, log)).exit
        if exit.code != 0:
            raise EngineError(exit.detail or f"the {environment.title} did not install", exit.trouble or "acquire")
        return self._installed[environment.key]

    async def _make(self, environment: Environment, log: Path) -> Prepared:
        self._attempts[environment.key] = self._attempts.get(environment.key, 0) + 1
        try:
            toolchain = await self._toolchains.get(environment, log)
            if toolchain.exit.code != 0:
                return Prepared(exit=toolchain.exit, command=toolchain.command, gaps=toolchain.gaps)
            return await self._enter(environment, toolchain, log)
        except EngineError as error:
            return Prepared(exit=Exit(code=None, trouble=error.reason_code, detail=str(error)))

    async def _enter(self, environment: Environment, toolchain: Toolchain, log: Path) -> Prepared:
        path = self.directory(environment, toolchain)
        title = environment.title
        entry = await self._open_entry(environment, path)
        made = Prepared(exit=Exit(code=0), gaps=toolchain.gaps, version=toolchain.version, reused=entry.ready)
        try:
            if not entry.ready:
                self._config.note(f"installing the {title}")
                made = await self._build(environment, toolchain, entry, log, made)
        except BaseException:
            await asyncio.to_thread(entry.close)
            raise
        if made.exit.code != 0:
            await asyncio.to_thread(entry.close)
            return made
        entry.touch()
        self._config.hold(entry)
        self._entries[environment.key] = (entry, log)
        facts = json.loads((path / FACTS).read_text())
        self._installed[environment.key] = InstalledEnvironment(
            name=path.name,
            environment=environment,
            toolchain=toolchain,
            directory=path,
            modules=tuple(facts["modules"]),
        )
        return replace(made, gaps=(*made.gaps, *facts["gaps"]))

    async def _open_entry(self, environment: Environment, path: Path) -> StoreEntry:
        """The entry at `path`. If its packages are not as they were installed, it is empty, to install them again."""

        def wait() -> None:
            self._config.note(f"waiting for another run that installs the {environment.title}")

        if self._is_verified_late(environment):
            return await open_entry(path, wait)
        damaged = partial(self._report_damage, environment, path)
        return await open_sound(path, wait, damaged, is_whole=self._context.fresh)

    def _report_damage(self, environment: Environment, path: Path, found: str) -> None:
        if (path / SEAL).exists():  # without a seal, it is of an earlier version
            text = f"the {environment.title} were changed after their installation ({found}), and are installed again"
            self._config.report(text)

    async def _build(
        self, environment: Environment, toolchain: Toolchain, entry: StoreEntry, log: Path, made: Prepared
    ) -> Prepared:
        stage = entry.path / "stage"
        tree = self._files_of(environment.tree)
        absent = [path for path in environment.inputs if path not in tree.files]
        if absent:
            raise EngineError(f"{environment.title}: {absent[0]} is not among the files of the tree", "internal")
        await in_thread(sync, tree, {path: tree.files[path] for path in environment.inputs}, stage)
        (stage / environment.root).mkdir(parents=True, exist_ok=True)
        for name, text in environment.files:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text, encoding="utf-8")
        if toolchain.relaxed:
            relax_manifests(stage, environment.inputs, toolchain.relaxed)
        gaps: list[str] = []
        if environment.kind == "node":
            drop_install_scripts(stage, environment.inputs)
        for command in environment.commands:
            cwd = stage / command.cwd
            exit = await self._command(
                environment, toolchain, command.argv, log, cwd=cwd, limit=command.limit, env=command.env
            )
            if exit.code != 0 and exit.code not in command.empty:
                return replace(made, exit=exit, command=command)
            gaps += [] if exit.code == 0 else [f"{command.label} failed on this machine"]
        modules = await asyncio.to_thread(find_modules, stage, environment) if environment.kind == "node" else []
        (entry.path / FACTS).write_text(json.dumps({"modules": modules, "gaps": gaps}))
        is_python = environment.kind == "python"
        parts = ["venv"] if is_python else [f"stage/{path}" for path in modules]
        await in_thread(seal, entry.path, parts, entry.path / SEAL, is_read_only=is_python)
        entry.complete()
        mark_grown(self._base.parent, entry.path)
        return made

    async def control(self, environment: Environment, toolchain: Toolchain, log: Path) -> Exit:
        """Runs the control command of an environment, with few retries: the installer has retried before."""
        impatient = (("UV_HTTP_RETRIES", "1"), ("npm_config_fetch_retries", "1"), ("npm_config_fetch_timeout", "15000"))
        argv = environment.control
        return await self._command(environment, toolchain, argv, log, cwd=self._base, limit=60, env=impatient)

    async def _command(
        self,
        environment: Environment,
        toolchain: Toolchain,
        argv: tuple[str, ...],
        log: Path,
        *,
        cwd: Path,
        limit: float,
        env: tuple[tuple[str, str], ...] = (),
    ) -> Exit:
        directory = self.directory(environment, toolchain)
        stage, venv = directory / "stage", directory / "venv"
        tokens = engine_tokens(work=stage, out=directory / "out", cache=directory / "cache").with_values(
            {ENV: str(venv)}
        )
        variables = {**dict(toolchain.env), "VIRTUAL_ENV": str(venv), "UV_PROJECT_ENVIRONMENT": str(venv)}
        command = InstallCommand(
            argv=tokens.argv(argv),
            cwd=cwd,
            log=log,
            path=toolchain.path,
            env=variables | tokens.env(env),
            limit=limit,
        )
        return replace(await self._install_packages(command, manifests_of(environment, stage)), root=str(stage))


def manifests_of(environment: Environment, stage: Path) -> tuple[Path, ...]:
    """The staged files that may name an index."""
    paths = (*environment.inputs, *(name for name, _ in environment.files))
    return tuple(stage / path for path in paths if is_manifest(path) and (stage / path).is_file())
