"""What a session builds: uploads, environments and images, once each, and the workspaces between steps."""

import asyncio
import secrets as random_tokens
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks import steps
from tasks.engines.dagger.images import BaseImageResolver, ImageChoice, choose_node, choose_python, with_manager
from tasks.engines.dagger.paths import CACHE, ENV, OUT, PROBES, TOKENS, WITH_ENV, WORK, pattern
from tasks.engines.dagger.postgres import LOST, PostgresService
from tasks.engines.dagger.session import CacheVolume, Container, DaggerSession, Directory, File, Secret, with_cached_id
from tasks.engines.dagger.variables import plain_variables, secret_name
from tasks.engines.dagger.wrapper import NONCE, RUN
from tasks.engines.memo import AsyncMemo
from tasks.engines.tokens import Tokens
from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.packages.own_wrangler import ROOT
from tasks.redaction.redactor import Redactor
from tasks.secrets import Secrets
from tasks.stack import Version
from tasks.steps import Environment, Image, Inputs, Phase, Step, TreeName
from tasks.trust import TRUSTED, Trust

PROBE_FILES = Path(steps.__file__).parent / "probes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesConfig:
    """The facts of a run, for each of its sessions. `snapshot` has the files of the tree, and `base` those of the base.
    `volume_key` identifies machine and snapshot in the names of volumes. `lost` has the names of the workspaces and the
    databases that were lost with an earlier session."""

    snapshot: Path
    volume_key: str
    run_id: str
    caller: Mapping[str, str]
    secrets: Secrets
    secret_key: bytes
    overrides: Mapping[str, str]
    trust: Trust = TRUSTED
    pinned: dict[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    base: Path | None = None
    fresh: bool = False
    lost: frozenset[str] = frozenset()

    def files_of(self, tree: TreeName) -> Path:
        """The directory with the files of a tree."""
        directory = self.base if tree == "base" else self.snapshot
        assert directory is not None, "a step names the base, and this run has none"
        return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotDirectories:
    """The state of a workspace between two steps."""

    work: Directory
    out: Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledContainer:
    """An installed environment: its container, and the directories and files of its packages, which steps mount."""

    toolchain: Container
    packages: tuple[tuple[str, Directory], ...]
    files: tuple[tuple[str, File], ...] = ()


class SessionResources:
    """The objects of a session, which are lost with it."""

    def __init__(self, session: DaggerSession, config: ResourcesConfig) -> None:
        self.session, self.config, self.client = session, config, session.client
        self.images = BaseImageResolver(session, config.overrides, config.pinned, config.known)
        self.postgres = PostgresService(session, self.images, config.run_id, config.lost)
        self.prepared = AsyncMemo[str, Prepared]()
        self.built = AsyncMemo[Image, tuple[Exit, Container | None]]()
        self.early: set[Image] = set()
        self.installed: dict[str, InstalledContainer] = {}
        self.slots: dict[str, SlotDirectories] = {}
        self._bases = AsyncMemo[tuple[str, Phase, bool], Container]()
        self._uploads: dict[tuple[TreeName, Inputs], Directory] = {}
        self._volumes: dict[str, CacheVolume] = {}
        self._nothing = with_cached_id(self.client.directory())
        self._probes = with_cached_id(self.client.host().directory(str(PROBE_FILES), include=["**/*.py", "**/*.mjs"]))

    async def close(self) -> None:
        """Cancels running work, and waits for its end."""
        for once in (self.prepared, self.built, self.postgres, self._bases):
            await once.close()

    @property
    def redactor(self) -> Redactor:
        """The redactor of the run's secrets."""
        return self.config.secrets.redactor

    @staticmethod
    def fresh_nonce() -> str:
        """A value that no exec has had before."""
        return random_tokens.token_hex(8)

    def upload(self, inputs: Inputs, tree: TreeName = "") -> Directory:
        """The selected files of a tree. The engine uploads only what has changed since the last upload."""
        if (tree, inputs) not in self._uploads:
            include = None if "." in inputs.include else [pattern(path) for path in inputs.include]
            exclude = [pattern(path) for path in inputs.exclude]
            files = str(self.config.files_of(tree))
            self._uploads[tree, inputs] = with_cached_id(
                self.client.host().directory(files, include=include, exclude=exclude)
            )
        return self._uploads[tree, inputs]

    def slot(self, step: Step) -> SlotDirectories:
        """The workspace of a step, with the results of earlier steps."""
        if not step.begins and step.slot not in self.slots and step.slot in self.config.lost:
            raise EngineError(LOST.format("the files of earlier steps"), "engine_lost")
        if step.begins or step.slot not in self.slots:
            self.slots[step.slot] = SlotDirectories(work=self.upload(step.inputs, step.tree), out=self._nothing)
        return self.slots[step.slot]

    def names(self, environment: Environment | None) -> Tokens:
        """The token values for a container with that environment, or without one."""
        is_there = environment is not None and environment.key in self.installed
        return WITH_ENV if is_there else TOKENS

    def choice(self, environment: Environment) -> ImageChoice:
        """The base image of an environment."""
        version = environment.version
        return choose_python(version) if environment.kind == "python" else choose_node(version)

    async def toolchain(self, environment: Environment) -> Container:
        """The base image of an environment with its package manager."""
        choice = self.choice(environment)
        base, uv = await asyncio.gather(self.images.get(environment.kind, choice.version), self.images.get("uv"))
        if environment.kind == "python":
            return base.with_file("/usr/local/bin/uv", uv.file("/uv"))
        return with_manager(base, environment.manager, self.client.directory())

    def secret(self, name: str, value: str) -> Secret:
        """Puts a value into the engine's secret store."""
        return self.client.set_secret(secret_name(self.config.secret_key, name, value), value)

    def with_variables(self, container: Container, variables: Mapping[str, str]) -> Container:
        """Adds variables, in the given order."""
        for name, value in variables.items():
            container = container.with_env_variable(name, value)
        return container

    def with_secrets(self, container: Container, names: tuple[str, ...]) -> Container:
        """Adds the values of declared secrets."""
        for name, value in self.config.secrets.only(names).items():
            container = container.with_secret_variable(name, self.secret(name, value))
        return container

    def public_variables(self, variables: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, str]:
        """The variables without those that a secret replaces. A secret without a value replaces nothing."""
        hidden = self.config.secrets.only(secrets)
        return {name: value for name, value in variables.items() if name not in hidden}

    @staticmethod
    def with_run(container: Container, marker: str, nonce: str = "") -> Container:
        """Adds the run's marker. It is not part of the cache key. A nonce is, and forces an execution."""
        container = container.with_volatile_variable(RUN, marker)
        return container.with_env_variable(NONCE, nonce) if nonce else container

    def volume(self, name: str) -> CacheVolume:
        """A cache volume. Code that writes to it may affect other runs, so each untrusted run has its own volumes."""
        name = name if self.config.trust.shares_caches else f"{name}-untrusted-{self.config.run_id}"
        if name not in self._volumes:
            self._volumes[name] = with_cached_id(self.client.cache_volume(name))
        return self._volumes[name]

    async def base(self, environment: Environment | None, phase: Phase) -> tuple[Container, InstalledContainer | None]:
        """The container in which a step of the phase starts, with the common variables of such steps."""
        container, installed = await self._bare(environment)
        is_node = environment is not None and environment.kind == "node"
        variables = plain_variables(phase, node=is_node)
        base = await self._bases.get(
            (environment.key if environment else "", phase, installed is not None),
            lambda: self.session.known(self.with_variables(container, variables)),
        )
        return base, installed

    async def _bare(self, environment: Environment | None) -> tuple[Container, InstalledContainer | None]:
        """The container of an environment. Without one: the Python image."""
        if environment is None:
            return await self.images.get("python", choose_python(Version()).version), None
        installed = self.installed.get(environment.key)
        if installed is None:
            return await self.toolchain(environment), None
        if environment.kind == "node":
            return installed.toolchain, installed
        return installed.toolchain.with_mounted_directory(ENV, dict(installed.packages)[ENV]), installed

    def with_workspace(
        self, container: Container, slot: SlotDirectories, installed: InstalledContainer | None, step_slot: str
    ) -> Container:
        """Mounts the workspace, the packages and everything else that a step's tokens name."""
        container = (
            container.with_mounted_directory(WORK, slot.work)
            .with_mounted_directory(OUT, slot.out)
            .with_mounted_directory(PROBES, self._probes, read_only=True)
            .with_mounted_cache(CACHE, self.volume(f"predeploy-{self.config.volume_key}-{step_slot}"))
        )
        for path, packages in installed.packages if installed else ():
            if path != ENV:  # it is mounted in the base already
                container = container.with_mounted_directory(path, packages)
        for path, file in installed.files if installed else ():
            container = container.with_mounted_file(path, file)
        return container

    @staticmethod
    def on_path(
        container: Container, environment: Environment | None, cwd: str, installed: InstalledContainer | None
    ) -> Container:
        """Puts the environment's programs first on PATH."""
        if environment is None:
            return container
        if environment.kind == "python":
            if installed is None:
                return container
            container = container.with_env_variable("VIRTUAL_ENV", ENV)
            return container.with_env_variable("PATH", f"{ENV}/bin:${{PATH}}", expand=True)
        here = Path(cwd)
        directories = [f"{WORK}/{each.as_posix()}/node_modules/.bin" for each in (here, *here.parents, Path(ROOT))]
        return container.with_env_variable("PATH", ":".join([*directories, "${PATH}"]), expand=True)

    def keep(self, step: Step, container: Container) -> None:
        """Keeps the workspace after a step, for the next step of its slot."""
        self.slots[step.slot] = replace(
            self.slots[step.slot], work=container.directory(WORK), out=container.directory(OUT)
        )
