"""Shares what builds of packages make among the checks of one run: with equal inputs a build runs once.

The inputs are all files of the workspace, the packages, the variables and the command. Nothing is kept for later runs.
The digests of the outputs stay in this process, so that no program can change an output unnoticed.
"""
# ruff: noqa: PTH115
# (plain strings and os: making a Path for every file takes longer than everything else)

import asyncio
import hashlib
import json
import os
import shlex
import stat
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engines.local.seal import damage
from tasks.engines.local.services import Launch
from tasks.engines.threads import in_thread
from tasks.exits import Exit
from tasks.steps import Step

LIMIT = 128 * 1024 * 1024
"""Bytes of outputs of one build that are kept."""
_PLACE = "\0workspace\0"
State = dict[str, tuple[int, str]]
"""The mode and the digest of each file of a workspace, without its packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBuild:
    """What a build made: its files, and those that it deleted. In the texts of `exit` the workspace has no name."""

    exit: Exit
    files: State
    removed: tuple[str, ...]


class BuildOutputs:
    """Keeps the files of builds below `base`, by their digest, until the run ends."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._locks: dict[str, asyncio.Lock] = {}
        self._kept: dict[str, KeptBuild] = {}

    async def run(
        self,
        step: Step,
        launch: Launch,
        workspace: Path,
        packages: tuple[Mapping[str, object], Path],
        build: Callable[[], Awaitable[Exit]],
    ) -> Exit:
        """Runs a build, unless the run has its outputs. `packages` are those of the workspace, and their seal."""
        has_secrets = any(name in launch.env for name in step.secrets)
        if has_secrets or step.services or step.database:
            return await build()
        before = await in_thread(state_of, workspace, *packages)
        if before is None:
            return await build()
        key = _key(step, launch, workspace, before)
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is not None and await in_thread(self._restore, kept, workspace):
                with launch.log.open("a") as log:
                    log.write(f"$ {shlex.join(step.argv)}\n# it ran before in this run, on the same files\n")
                return _named(kept.exit, _PLACE, str(workspace))
            exit = await build()
            if exit.code == 0:
                made = await in_thread(self._keep, exit, before, workspace, packages)
                self._kept |= {key: made} if made else {}
            return exit

    def _keep(
        self, exit: Exit, before: State, workspace: Path, packages: tuple[Mapping[str, object], Path]
    ) -> KeptBuild | None:
        """Copies what a build made. None if it also changed packages, or if a file names the workspace."""
        after = state_of(workspace, *packages)
        if after is None:
            return None
        files = {path: facts for path, facts in after.items() if before.get(path) != facts}
        size = 0
        with suppress(OSError):
            self._base.mkdir(parents=True, exist_ok=True)
            for path, (mode, digest) in files.items():
                content = _content(f"{workspace}/{path}", mode)
                size += len(content)
                if size > LIMIT or os.fsencode(workspace) in content or _digest(content) != digest:
                    return None
                (self._base / digest).write_bytes(content)
            removed = tuple(path for path in before if path not in after)
            return KeptBuild(exit=_named(exit, str(workspace), _PLACE), files=files, removed=removed)
        return None

    def _restore(self, kept: KeptBuild, workspace: Path) -> bool:
        """Makes the files of a build in a workspace. Before the first one, the contents of all are compared."""
        contents: dict[str, bytes] = {}
        for path, (_, digest) in kept.files.items():
            with suppress(OSError):
                contents[path] = (self._base / digest).read_bytes()
            if path not in contents or _digest(contents[path]) != digest:
                return False
        for path in (*kept.removed, *kept.files):
            (workspace / path).unlink(missing_ok=True)
        for path, (mode, _) in kept.files.items():
            file = workspace / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                file.symlink_to(os.fsdecode(contents[path]))
            else:
                file.write_bytes(contents[path])
                file.chmod(stat.S_IMODE(mode))
        return True


def state_of(workspace: Path, packages: Mapping[str, object], seal: Path) -> State | None:
    """Returns all files of a workspace but its packages; None if these are not as they were installed."""
    if damage(workspace, seal, is_whole=False):
        return None
    root, found = os.fspath(workspace), State()
    try:
        for path, mode in _walk(root, packages.keys()):
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                return None
            found[path] = (mode, _digest(_content(f"{root}/{path}", mode)))
    except OSError:
        return None
    return found


def _walk(root: str, without: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yields each file and symlink, without those below some directories, and its mode."""
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(f"{root}/{directory}") as entries:
            for entry in entries:
                path = f"{directory}{entry.name}"
                if path in without:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{path}/")
                else:
                    yield path, entry.stat(follow_symlinks=False).st_mode


def _content(path: str, mode: int) -> bytes:
    return os.fsencode(os.readlink(path)) if stat.S_ISLNK(mode) else Path(path).read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _key(step: Step, launch: Launch, workspace: Path, before: State) -> str:
    assert step.environment is not None
    facts = [
        step.environment.key,
        launch.argv,
        os.fspath(launch.cwd),
        sorted(launch.env.items()),
        sorted(before.items()),
    ]
    return _digest(json.dumps(facts).replace(json.dumps(str(workspace))[1:-1], "").encode())


def _named(exit: Exit, old: str, new: str) -> Exit:
    return replace(exit, stdout=exit.stdout.replace(old, new), stderr=exit.stderr.replace(old, new))
