"""Workspaces of steps, leased for the run: they have the step's files and its installed packages."""

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tasks.engines.context import EngineContext
from tasks.engines.local.bounds import mark_grown
from tasks.engines.local.build_outputs import BuildOutputs
from tasks.engines.local.environments import Environments
from tasks.engines.local.exposed import clean_workspace, forget_workspace, marker_of
from tasks.engines.local.installed import InstalledEnvironment
from tasks.engines.local.repository import WorkspaceRepository
from tasks.engines.local.seal import SEAL, damage, seal, sealed_digests
from tasks.engines.local.services import Launch, ServerLaunch
from tasks.engines.local.tokens import engine_tokens
from tasks.engines.memo import AsyncMemo
from tasks.engines.threads import in_thread
from tasks.engines.tokens import Tokens
from tasks.engines.workspace import clone_tree, lease, remove_tree, sync
from tasks.exits import Exit
from tasks.files import copy_file
from tasks.packages.own_wrangler import ROOT
from tasks.packages.package_managers import is_yarn_file
from tasks.source.selection import select
from tasks.steps import ENV, Step

LAST = "workspace"
"""The file in a slot's own directory with the number of its last workspace."""
RunStep = Callable[[Step, Launch, Sequence[ServerLaunch], Path], Awaitable[Exit]]
"""Runs a step with its servers in a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSlot:
    """A workspace with its other directories. The file `stamps` records which packages are in it.

    `own` is the slot's own directory in the cache. Without packages of Node it is the workspace, too.
    """

    own: Path
    workspace: Path
    out: Path
    cache: Path
    stamps: Path
    placing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tokens(self, installed: InstalledEnvironment | None) -> Tokens:
        """The token values for a step in this slot."""
        tokens = engine_tokens(work=self.workspace, out=self.out, cache=self.cache)
        if installed is None:
            return tokens
        return tokens.with_values({ENV: str(installed.venv)})

    def seal_of(self, root: str) -> Path:
        """The seal of the packages that were copied for an environment."""
        return self.stamps.with_name(f"{self.stamps.name}.{hashlib.sha256(root.encode()).hexdigest()[:8]}")

    def packages(self, root: str) -> tuple[dict[str, str], Path]:
        """The packages of an environment in the workspace, and their seal."""
        return self.placed().get(root, {}), self.seal_of(root)

    def placed(self) -> dict[str, dict[str, str]]:
        """By root of the environment: the path of its packages, and the environment that it was copied from."""
        try:
            stamps: dict[str, dict[str, str]] = json.loads(self.stamps.read_text())
        except (OSError, ValueError):
            return {}
        return stamps


# Without a configuration in the stack, tools search its parent directories. These files end the search.
FENCES = {"ruff.toml": b"", "mypy.ini": b"[mypy]\n"}


class Slots:
    """The workspaces of one run on one stack. They are kept in the cache; those of a fresh run are on its `disk`.

    Slots with the same packages of Node use the same workspaces, one after the other, in one run and in those on other
    stacks: the packages are some ten thousand files, and their copy takes longer than most checks. `outs` is the run's
    directory for outputs of checks.
    """

    def __init__(self, environments: Environments, *, context: EngineContext, outs: Path, disk: Path) -> None:
        self._environments, self._context = environments, context
        self._stacks = (disk if context.fresh else context.cache) / "stacks"
        self._base = self._stacks / hashlib.sha256(os.fsencode(context.tree.root)).hexdigest()[:16]
        self._outs = outs
        self._open = AsyncMemo[str, WorkspaceSlot]()
        self._leases: dict[Path, contextlib.ExitStack] = {}
        self._exposed: set[Path] = set()
        self._built = BuildOutputs(disk / "built")
        self._repository = WorkspaceRepository(context.tree, disk)

    async def close(self) -> None:
        """Returns the leases of the workspaces. Those whose steps had secrets are deleted first."""
        await self._open.close()
        for workspace in self._exposed:
            with contextlib.suppress(OSError):  # the next run deletes it
                await in_thread(clean_workspace, workspace, self._context.secrets.redactor)
        for each in self._leases.values():
            each.close()

    async def leave(self, slots: Iterable[str]) -> None:
        """No later step is in these slots: others may use the workspaces with their packages."""
        for name in slots:
            slot = self._open.result(name)
            if slot is not None and slot.workspace != slot.own and slot.workspace not in self._exposed:
                self._open.forget(name)
                self._leases.pop(slot.workspace).close()

    def expose(self, slot: WorkspaceSlot, names: Collection[str]) -> None:
        """A program in this workspace gets the values of these secrets. It may write them anywhere in it."""
        if slot.workspace not in self._exposed and self._context.secrets.only(tuple(names)):
            for directory in {slot.own, slot.workspace}:
                marker_of(directory).touch()
                self._exposed.add(directory)

    async def open(self, step: Step) -> WorkspaceSlot:
        """The workspace of a step. It is synced for its first step in the run, and for a restarted step."""
        slot = self._open.result(step.slot)
        if slot is not None and step.begins:
            await in_thread(self._renew, step, slot)
        return slot or await self._open.get(step.slot, lambda: self._make(step))

    def _renew(self, step: Step, slot: WorkspaceSlot) -> None:
        """Deletes the results of an earlier attempt."""
        remove_tree(slot.out)
        slot.out.mkdir()
        self._fill(step, slot)

    def _fill(self, step: Step, slot: WorkspaceSlot) -> None:
        keep = [path for stamps in slot.placed().values() for path in stamps]
        tree = self._context.files_of(step.tree)
        sync(tree, select(tree, step.inputs), slot.workspace, keep=keep)

    def _lease(self, base: Path, name: str, first: int = 0) -> Path:
        """A directory of the cache for this run alone, until it is given back."""
        base.mkdir(parents=True, exist_ok=True)
        for fence, content in FENCES.items():
            # a run at the same time reads them
            if not (base / fence).is_file() or (base / fence).read_bytes() != content:
                (base / fence).write_bytes(content)
        held = contextlib.ExitStack()
        directory = held.enter_context(lease(base, name, first))
        self._leases[directory] = held
        if marker_of(directory).exists():  # of a run that was killed
            forget_workspace(directory)
            directory.mkdir()
        return directory

    def _workspace_of(self, step: Step, own: Path) -> Path:
        """A workspace with the packages of the step, the one of the last run if it is free: caches name its files."""
        if not step.packages:
            return own
        last = own / LAST
        number = last.read_text() if last.is_file() else ""
        if not number:  # it was the workspace, with packages of its own
            remove_tree(own)
            own.mkdir()
        workspace = self._lease(self._stacks / step.packages, "packages", int(number) if number.isdecimal() else 0)
        last.write_text(workspace.name.rpartition("-")[2])
        return workspace

    async def _make(self, step: Step) -> WorkspaceSlot:
        own = await in_thread(self._lease, self._base, step.slot)
        workspace = await in_thread(self._workspace_of, step, own)
        slot = WorkspaceSlot(
            own=own,
            workspace=workspace,
            out=self._outs / step.slot,
            cache=own.with_name(own.name + ".cache"),
            stamps=workspace.with_name(workspace.name + ".modules"),
        )
        for directory in (slot.out, slot.cache):
            directory.mkdir(parents=True, exist_ok=True)
        await in_thread(self._fill, step, slot)
        return slot

    async def run(
        self, slot: WorkspaceSlot, step: Step, launch: Launch, servers: Sequence[ServerLaunch], run_step: RunStep
    ) -> Exit:
        """Runs a step. The checks of a run share the files of a step that says so."""
        run = partial(run_step, step, launch, servers, slot.workspace)
        if not step.shared or step.environment is None:
            return await run()
        return await self._built.run(step, launch, slot.workspace, slot.packages(step.environment.root), run)

    async def place(self, slot: WorkspaceSlot, installed: InstalledEnvironment) -> None:
        """Copies an environment's packages into the workspace, to the same places, and the repository of git."""
        root = installed.environment.root
        async with slot.placing:
            if installed.environment.tree == "":
                await in_thread(self._repository.place, slot.workspace)
            placed = slot.placed()
            before = placed.get(root, {})
            packages = [path for path in installed.modules if (slot.workspace / package_of(path)).is_dir()]
            wanted = dict.fromkeys(packages, installed.name)
            if before == wanted and all((slot.workspace / path).exists() for path in wanted):
                await in_thread(forget_caches, slot.workspace, installed)
                if not await in_thread(damage, slot.workspace, slot.seal_of(root), is_whole=False):
                    return
                before = {}  # a check has changed its packages: they are copied again
            installed = await self._environments.sound(installed)
            # until the copies are complete, the record claims nothing
            await in_thread(slot.stamps.write_text, json.dumps(placed | {root: dict.fromkeys([*before, *wanted], "")}))
            for path in before:
                if path not in wanted:
                    await in_thread(remove_tree, slot.workspace / path)
            for path, name in wanted.items():
                if before.get(path) != name or not (slot.workspace / path).exists():
                    await copy_packages(installed.stage / path, slot.workspace / path)
            known = await in_thread(sealed_digests, installed.directory / SEAL, "stage")
            await in_thread(seal, slot.workspace, wanted, slot.seal_of(root), is_read_only=False, known=known)
            await in_thread(slot.stamps.write_text, json.dumps(placed | {root: wanted}))
            await in_thread(mark_grown, self._context.cache, slot.workspace)


def package_of(path: str) -> Path:
    """The directory of the package that has these node_modules, or one of yarn's files."""
    above = Path(path).parent
    return above.parent if above.name in {".yarn", ROOT} else above


async def copy_packages(source: Path, target: Path) -> None:
    """Copies a directory, or one of yarn's files."""
    if not is_yarn_file(source.name):
        await clone_tree(source, target, has_links=False)
        return
    await in_thread(os.makedirs, target.parent, exist_ok=True)
    await in_thread(remove_tree, target)
    await in_thread(copy_file, os.fspath(source), os.fspath(target))


def forget_caches(workspace: Path, installed: InstalledEnvironment) -> None:
    """Deletes caches of tools in node_modules (`.vite`, `.astro`, …): they may refer to deleted files."""
    for path in installed.modules:
        source, target = installed.stage / path, workspace / path
        if target.is_dir() and target.name == "node_modules":
            for name in {each.name for each in os.scandir(target)} - {each.name for each in os.scandir(source)}:
                remove_tree(target / name)
