"""Programs that come as wheels: pinned by version and hash, installed when first needed."""

import os
import platform
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import uv

from tasks.engines.local.seal import SEAL, seal
from tasks.engines.local.store import StoreEntry, open_entry, open_sound
from tasks.engines.threads import in_thread
from tasks.errors import EngineError
from tasks.exits import Exit

LOCKS = Path(__file__).parent
LIMIT = 900.0


class Acquire(Protocol):
    """Runs a command that installs, with the user's access to package indexes."""

    async def __call__(
        self, argv: tuple[str, ...], cwd: Path, log: Path, *, path: tuple[Path, ...] = (), limit: float = LIMIT
    ) -> Exit:
        """`path` are directories to look for programs in before the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainConfig:
    """What installing needs: the directory for programs, how to run installers, whom to tell that we wait.

    `hold` keeps an entry of the store open until the engine closes. `warn` gets texts for the report. `is_whole`: every
    content of the programs is read before their first use. `sound` has the programs that were verified in this run.
    """

    base: Path
    acquire: Acquire
    note: Callable[[str], None]
    hold: Callable[[StoreEntry], None]
    warn: Callable[[str], None] = lambda _: None
    is_whole: bool = False
    sound: set[Path] = field(default_factory=set)

    def report(self, text: str) -> None:
        """Prints a text now, and puts it into the report."""
        self.note(text)
        self.warn(text)


def host() -> str:
    """The platform in a directory name: a cache may be shared between machines of different kinds."""
    return f"{sys.platform}-{platform.machine().lower()}"


async def install_wheel(
    config: ToolchainConfig, name: str, lock: str, log: Path, finish: Callable[[Path], None]
) -> Path:
    """The directory with what a lock of ours pins, installed at most once; raises EngineError (`toolchain`).

    `finish` gives a fresh installation its last touch.
    """

    async def build(path: Path) -> Exit:
        argv: tuple[str, ...] = (
            uv.find_uv_bin(),
            "pip",
            "install",
            "--target",
            str(path / "lib"),
            "--require-hashes",
            "--no-deps",
        )
        # the interpreter decides nothing but which tags fit: the wheels hold programs, not modules
        argv += ("--only-binary", ":all:", "--python-version", "3.12", "--python", base_python())
        exit = await config.acquire((*argv, "-r", str(LOCKS / lock)), path, log)
        if exit.code == 0:
            finish(path)
        return exit

    path, exit = await install(config, f"{name}-{host()}", build)
    if exit.code != 0:
        said = last_line(exit.stderr) or exit.detail or f"exit code {exit.code}"
        raise EngineError(
            f"{name} could not be installed: {said}. It comes from the Python package index: see that it can be "
            f"reached (proxy, certificates, UV_DEFAULT_INDEX). The whole output is in {log}",
            "toolchain",
        )
    return path


async def install(config: ToolchainConfig, name: str, build: Callable[[Path], Awaitable[Exit]]) -> tuple[Path, Exit]:
    """The directory `name`, filled by `build` unless it is there as it was sealed, and how building ended."""
    path = config.base / name
    entry = await open_program(config, path)
    exit = Exit(code=0)
    try:
        if not entry.ready:
            config.note(f"installing {name}")
            exit = await build(path)
            if exit.code == 0:
                parts = [each.name for each in path.iterdir()]
                await in_thread(seal, path, parts, path / SEAL, is_read_only=False)
                entry.complete()
    except BaseException:
        entry.close()
        raise
    if exit.code == 0:
        entry.touch()
        config.hold(entry)
    else:
        entry.close()
    return path, exit


async def open_program(config: ToolchainConfig, path: Path) -> StoreEntry:
    """The entry of a program. Before its first use in a run, its files are verified; a changed one is emptied."""

    def waiting() -> None:
        config.note(f"waiting for another run that installs {path.name}")

    if path in config.sound:
        return await open_entry(path, waiting)
    changed = f"{path.name} was changed after its installation ({{}}), and is installed again"
    entry = await open_sound(
        path, waiting, lambda found: config.report(changed.format(found)), is_whole=config.is_whole
    )
    config.sound.add(path)
    return entry


def base_python() -> str:
    """The interpreter below our own virtual environment: it runs, and knows none of our packages."""
    found = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.realpath(found) if not Path(found).exists() else str(found)


def last_line(text: str) -> str:
    """The last thing said."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
