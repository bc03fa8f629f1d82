"""Exports the bundles and sites that a run built, for a deploy: exactly the files that its checks have validated."""

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
"""Stands for the path of a component at the stack's root, so that its export can have siblings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One directory that a component's build made. `directory` has tokens, in the workspace that `step` ran in.

    `path` is relative to the target of the export: the path of the component, or a sibling such as `worker.assets`.
    """

    component: str
    path: str
    step: Step
    directory: str


def plan_handovers(plan: Plan, lowering: Lowering, target: Path) -> tuple[Handover, ...]:
    """Returns the directories to export below `target`. Raises UsageError if there are none or `target` is unusable."""
    found = tuple(
        Handover(
            component=check.component,
            path=f"{ROOT if check.component == '.' else check.component}{suffix}",
            step=lowering.step(check, check.commands[-1]),
            directory=directory,
        )
        for check in plan.checks
        for suffix, directory in check.outputs
        if check.commands
    )
    if not found:
        raise UsageError(f"{FLAG}: no check of this run builds a Worker or a site. Leave the flag out.")
    if target.exists() or not target.parent.is_dir():
        why = "exists already" if target.exists() else f"cannot be created: there is no directory {target.parent}"
        raise UsageError(f"{FLAG} {target}: {why}. Name a new directory inside an existing one.")
    return found


async def hand_over(engine: Engine, handovers: tuple[Handover, ...], target: Path) -> tuple[BuiltFiles, ...]:
    """Exports all directories below `target`, each at its `path`. Raises EngineError, and then leaves nothing there."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        for each in handovers:
            place = partial / each.path
            await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
            await engine.export_directory(each.step, each.directory, place)
        digests = [await asyncio.to_thread(digest_below, partial / each.path) for each in handovers]
        partial.rename(target)
    except OSError as error:
        raise EngineError(f"the built files could not be written to {target}: {error.strerror}", "delivery") from error
    finally:
        await asyncio.to_thread(remove_tree, partial)
    return tuple(
        BuiltFiles(component=each.component, path=str(target / each.path), digest=f"sha256:{digest}")
        for each, digest in zip(handovers, digests, strict=True)
    )


def digest_below(root: Path) -> str:
    """Returns the digest of all files below `root`: of names, modes and contents, as for a source tree."""
    files = {}
    for path in sorted(each for each in root.rglob("*") if each.is_symlink() or each.is_file()):
        facts, name = path.lstat(), path.relative_to(root).as_posix()
        is_link = stat.S_ISLNK(facts.st_mode)
        content = os.fsencode(path.readlink()) if is_link else path.read_bytes()
        mode = SYMLINK if is_link else PROGRAM if facts.st_mode & stat.S_IXUSR else FILE
        digest = hashlib.sha256(content).hexdigest()
        files[name] = TreeFile(path=name, mode=mode, digest=digest, size=len(content))
    return digest_of(files)
