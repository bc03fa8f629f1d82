"""Workspaces of steps: leased for the run, holding the step's files and the installed packages that it may import."""

import asyncio
import contextlib
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from tasks.engines.context import EngineContext
from tasks.engines.local.environments import InstalledEnvironment
from tasks.engines.local.tokens import engine_tokens
from tasks.engines.memo import AsyncMemo
from tasks.engines.threads import in_thread
from tasks.engines.tokens import Tokens
from tasks.engines.workspace import clone_tree, lease, remove_tree, sync
from tasks.source.tree import select
from tasks.steps import ENV, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSlot:
    """A workspace with what belongs to it. `stamps` is the file that says which packages lie in it."""

    workspace: Path
    out: Path
    cache: Path
    stamps: Path
    placing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tokens(self, installed: InstalledEnvironment | None) -> Tokens:
        """What a step in this slot may name."""
        tokens = engine_tokens(work=self.workspace, out=self.out, cache=self.cache)
        if installed is None:
            return tokens
        return tokens.with_values({ENV: str(installed.venv)})

    def placed(self) -> dict[str, dict[str, str]]:
        """By environment's root: for each node_modules directory the environment that it comes from."""
        try:
            stamps: dict[str, dict[str, str]] = json.loads(self.stamps.read_text())
        except (OSError, ValueError):
            return {}
        return stamps


# Tools that find no configuration in the stack look further up, as far as the user's home: here they find the end.
FENCES = {"ruff.toml": "", "mypy.ini": "[mypy]\n"}


class Slots:
    """The workspaces of one run on one stack, kept in the cache, or as short as the run: then they are on its `disk`.

    `outs` is a directory of the run, too.
    """

    def __init__(self, *, around: EngineContext, outs: Path, disk: Path) -> None:
        digest = hashlib.sha256(os.fsencode(around.tree.root)).hexdigest()[:16]
        self._context = around
        self._base = (disk if around.fresh else around.cache) / "stacks" / digest
        self._outs = outs
        self._open = AsyncMemo[str, WorkspaceSlot]()
        self._leases = contextlib.ExitStack()

    async def close(self) -> None:
        """Gives the workspaces back."""
        await self._open.close()
        self._leases.close()

    async def open(self, step: Step) -> WorkspaceSlot:
        """The workspace of a step, synced when the first of its steps in this run asks for it, or begins anew."""
        slot = self._open.result(step.slot)
        if slot is not None and step.begins:
            await in_thread(self._renew, step, slot)
        return slot or await self._open.get(step.slot, lambda: self._make(step))

    def _renew(self, step: Step, slot: WorkspaceSlot) -> None:
        """Takes away what an earlier attempt left."""
        remove_tree(slot.out)
        slot.out.mkdir()
        self._fill(step, slot)

    def _fill(self, step: Step, slot: WorkspaceSlot) -> None:
        keep = [path for stamps in slot.placed().values() for path in stamps]
        tree = self._context.files_of(step.tree)
        sync(tree, select(tree, step.inputs), slot.workspace, keep=keep)

    async def _make(self, step: Step) -> WorkspaceSlot:
        self._base.mkdir(parents=True, exist_ok=True)
        for name, text in FENCES.items():
            (self._base / name).write_text(text, encoding="utf-8")
        workspace = self._leases.enter_context(lease(self._base, step.slot))
        slot = WorkspaceSlot(
            workspace=workspace,
            out=self._outs / step.slot,
            cache=workspace.with_name(workspace.name + ".cache"),
            stamps=workspace.with_name(workspace.name + ".modules"),
        )
        for directory in (slot.out, slot.cache):
            directory.mkdir(parents=True, exist_ok=True)
        await in_thread(self._fill, step, slot)
        return slot

    async def place(self, slot: WorkspaceSlot, installed: InstalledEnvironment) -> None:
        """Puts an environment's node_modules where the workspace has the packages they belong to."""
        root = installed.environment.root
        async with slot.placing:
            placed = slot.placed()
            before = placed.get(root, {})
            wanted = {path: installed.name for path in installed.modules if (slot.workspace / path).parent.is_dir()}
            if before == wanted and all((slot.workspace / path).is_dir() for path in wanted):
                await in_thread(forget_caches, slot.workspace, installed)
                return
            # until all is in its place nothing is promised
            await in_thread(slot.stamps.write_text, json.dumps(placed | {root: dict.fromkeys([*before, *wanted], "")}))
            for path in before:
                if path not in wanted:
                    await in_thread(remove_tree, slot.workspace / path)
            for path, name in wanted.items():
                if before.get(path) != name or not (slot.workspace / path).is_dir():
                    await clone_tree(installed.stage / path, slot.workspace / path)
            await in_thread(slot.stamps.write_text, json.dumps(placed | {root: wanted}))


def forget_caches(workspace: Path, installed: InstalledEnvironment) -> None:
    """Deletes what tools left in node_modules (`.vite`, `.astro`, …): it may remember files that are gone."""
    for path in installed.modules:
        source, target = installed.stage / path, workspace / path
        if target.is_dir():
            for name in {each.name for each in os.scandir(target)} - {each.name for each in os.scandir(source)}:
                remove_tree(target / name)
