"""The toolchain of an environment: which interpreter and package manager run its code, brought where need be."""

import os
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.toolchains.node import ensure_manager, ensure_node
from tasks.engines.local.toolchains.pinned import LIMIT, ToolchainConfig, host
from tasks.engines.local.toolchains.python import Interpreter, Pythons, missing
from tasks.engines.memo import AsyncMemo
from tasks.exits import Exit
from tasks.stack import Version
from tasks.steps import Command, Environment

WELL = Exit(code=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCommand:
    """A command that installs. Its directory `cwd` is created if necessary.

    `path` are directories of programs, `env` variables on top of the usual ones.
    """

    argv: tuple[str, ...]
    cwd: Path
    log: Path
    path: tuple[Path, ...] = ()
    env: Mapping[str, str]
    limit: float


Install = Callable[[InstallCommand], Awaitable[Exit]]
"""Runs a command that installs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What runs an environment's code: directories of programs, variables for installers, differences from production.

    `exit` is how bringing the package manager ended, `command` what was run for it. `relaxed` is the version of an
    interpreter that `requires-python` does not admit: manifests are changed for it where packages are installed.
    """

    tag: str
    version: str
    path: tuple[Path, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    gaps: tuple[str, ...] = ()
    exit: Exit = WELL
    command: Command | None = None
    relaxed: str = ""

    @property
    def is_node(self) -> bool:
        """Node, not Python."""
        return self.tag.startswith("node")


class Toolchains:
    """Brings toolchains, each once. One whose package manager did not install is tried again if asked for."""

    def __init__(self, *, config: ToolchainConfig, pythons: Pythons, install: Install) -> None:
        self._kit = config
        self._pythons = pythons
        self._install = install
        self._brought = AsyncMemo[str, Toolchain]()

    async def close(self) -> None:
        """Stops what is still being installed."""
        await self._brought.close()

    async def get(self, environment: Environment, log: Path) -> Toolchain:
        """The toolchain of an environment; raises EngineError (`toolchain`, `unsupported`) where there is none."""
        name = f"{environment.kind} {environment.version} {environment.manager}"
        make = self._python if environment.kind == "python" else self._node
        return await self._brought.get(
            name, lambda: make(environment, log), again=lambda brought: brought.exit.code != 0
        )

    async def _python(self, environment: Environment, log: Path) -> Toolchain:
        version = environment.version
        found = await self._pythons.find(version)
        if (found is None or found.gaps) and await self._fetched(version, log):
            found = await self._pythons.find(version)
        if found is None:
            raise missing(version)
        return python_toolchain(found)

    async def _fetched(self, version: Version, log: Path) -> bool:
        """Lets uv fetch a Python, where the user has said that it may."""
        wanted = version.wanted or version.accepts
        if not self._pythons.downloads or not wanted:
            return False
        self._kit.note(f"fetching Python {wanted}")
        extra = self._pythons.extra
        argv = ("uv", "python", "install", "--install-dir", str(extra), "--no-bin", wanted)
        env = {"UV_PYTHON_DOWNLOADS": "automatic"}
        return (await self._install(InstallCommand(argv=argv, cwd=extra, log=log, env=env, limit=LIMIT))).code == 0

    async def _node(self, environment: Environment, log: Path) -> Toolchain:
        node, choice = await ensure_node(self._kit, environment.version, log)
        manager, exit, argv = await ensure_manager(self._kit, environment.manager, node, log)
        label = f"install {environment.manager}"
        return Toolchain(
            tag=f"node{choice.text}-{environment.manager.partition('+')[0] or 'npm'}-{host()}",
            version=f"Node {choice.text}",
            path=(manager, node) if manager else (node,),
            gaps=choice.gaps,
            exit=exit,
            command=Command(argv=argv, label=label, parser="npm", phase="acquire") if argv else None,
        )


def python_toolchain(found: Interpreter) -> Toolchain:
    """An interpreter as a toolchain. Its place is in the tag: a virtual environment is of no use without it."""
    place = format(zlib.crc32(os.path.realpath(found.path).encode()), "08x")
    return Toolchain(
        tag=f"py{found.version}-{place}-{host()}",
        version=f"Python {found.version}",
        env=(("UV_PYTHON", str(found.path)),),
        gaps=found.gaps,
        relaxed=found.version if found.relaxed else "",
    )
