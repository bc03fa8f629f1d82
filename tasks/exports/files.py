"""Hands on what a run built for a deploy, bundles and pages: exactly the files that its checks have seen."""

import asyncio
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import EngineError, UsageError
from tasks.files import remove_tree
from tasks.models import BuiltFiles
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.source.tree import FILE, PROGRAM, SYMLINK, TreeFile, digest_of
from tasks.steps import Step

FLAG = "--export-built"
ROOT = "root"
"""What a component at the root of the stack is called, so that something can lie beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a component's build left: a directory, with tokens, of the workspace that the step ran in.

    `path` is where it goes: that of the component, or one beside it.
    """

    component: str
    path: str
    step: Step
    directory: str


def plan_handovers(plan: Plan, lowering: Lowering, target: Path) -> tuple[Handover, ...]:
    """What goes below `target`. Raises UsageError where there is nothing, or where it cannot go."""
    found = tuple(
        Handover(
            component=check.component,
            path=f"{ROOT if check.component == '.' else check.component}{beside}",
            step=lowering.step(check, check.commands[-1]),
            directory=directory,
        )
        for check in plan.checks
        for beside, directory in check.outputs
        if check.commands
    )
    if not found:
        raise UsageError(f"{FLAG}: no check of this run builds a Worker or a site. Leave it out.")
    if target.exists() or not target.parent.is_dir():
        why = "is there already" if target.exists() else f"cannot be made: there is no directory {target.parent}"
        raise UsageError(f"{FLAG} {target}: {why}. Name a directory that is not there yet, in one that is.")
    return found


async def hand_over(engine: Engine, handovers: tuple[Handover, ...], target: Path) -> tuple[BuiltFiles, ...]:
    """Puts them below `target`, each at its component's path: all of them, or none. Raises EngineError."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        for each in handovers:
            place = partial / each.path
            await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
            await engine.export_directory(each.step, each.directory, place)
        digests = [await asyncio.to_thread(digest_below, partial / each.path) for each in handovers]
        partial.rename(target)
    except OSError as error:
        raise EngineError(f"what was built could not be written to {target}: {error.strerror}", "delivery") from error
    finally:
        await asyncio.to_thread(remove_tree, partial)
    return tuple(
        BuiltFiles(component=each.component, path=str(target / each.path), digest=f"sha256:{digest}")
        for each, digest in zip(handovers, digests, strict=True)
    )


def digest_below(root: Path) -> str:
    """Of names, modes and contents, as of a tree."""
    files = {}
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or each.is_file()):
        facts, name = path.lstat(), path.relative_to(root).as_posix()
        is_link = stat.S_ISLNK(facts.st_mode)
        content = os.fsencode(path.readlink()) if is_link else path.read_bytes()
        mode = SYMLINK if is_link else PROGRAM if facts.st_mode & stat.S_IXUSR else FILE
        digest = hashlib.sha256(content).hexdigest()
        files[name] = TreeFile(path=name, mode=mode, digest=digest, size=len(content))
    return digest_of(files)
