"""The gate: what a deploy may rely on. A clean clone of a commit, the whole catalogue, and nothing remembered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.engines.private import private_directory, remove_abandoned
from tasks.errors import GateError, UsageError
from tasks.report.facts import counted, named
from tasks.settings import FLAGS, Settings
from tasks.source.clone import changes_of, clone_stack, find_commit
from tasks.source.tree import Tree

SHOWN = 20
"""Changed files that are named."""


@contextmanager
def entered(stack: Path, settings: Settings, commit: str, data: Path) -> Iterator[Path]:
    """The directory that is validated: a clone below `data` for the length of the block, or the stack as it lies there.

    `commit` names the one that is cloned; without a name it is the one that the stack is, and has to be exactly.
    """
    if not settings.gate:
        if commit:
            raise UsageError("--commit goes with --gate: without that, the files are validated as they lie there.")
        yield stack
        return
    reject_less(settings)
    chosen = find_commit(stack, commit)
    if not commit:
        require_clean(stack)
    runs = data / "runs"
    remove_abandoned(runs)
    with private_directory(runs) as place:
        yield clone_stack(stack, chosen, place)


def reject_less(settings: Settings) -> None:
    """Raises UsageError where the settings ask for less than a gate is, or leave the engine to chance."""
    narrowed = [name for name in ("stages", "only", "skip") if getattr(settings, name)]
    if narrowed:
        flags = ", ".join(FLAGS[name].name for name in narrowed)
        settings_file = f"{' and '.join(narrowed)} in predeploy.toml and the environment"
        raise UsageError(f"--gate takes the whole catalogue: leave out {flags}, and {settings_file}.")
    if settings.engine == "auto":
        ways = "--engine dagger (containers: only they give full proof), or --engine local"
        raise UsageError(f"--gate leaves the engine to no chance. Name it: {ways}.")


def require_clean(stack: Path) -> None:
    """Raises GateError where the files are not those of the commit: a deploy of it would not have them."""
    changes = changes_of(stack)
    if changes:
        what = f"{counted(len(changes), 'file')} here differ from the commit that would be deployed"
        way = "Commit them, put them aside (git stash -u), or name the commit that is meant: --commit HEAD"
        raise GateError(f"{what}: {named(changes, SHOWN)}. {way}.")


def require_commit(tree: Tree) -> None:
    """Raises GateError where a tree that was read for the gate is not that of a commit, whoever brought it."""
    if tree.commit is None:
        raise UsageError(f"--gate speaks of a commit, and git has none of {tree.root}. Commit the stack first.")
    if tree.changed:
        require_clean(tree.root)
