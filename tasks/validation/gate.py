"""The gate, for deploys: a clean clone of a commit, the whole catalogue, and no earlier results."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.engines.private import private_directory, remove_abandoned
from tasks.engines.removal import remove_in_background
from tasks.errors import GateError, UsageError
from tasks.report.facts import counted, named
from tasks.settings import FLAGS, Settings
from tasks.source.clone import changes_of, clone_stack, find_commit
from tasks.source.tree import Tree

SHOWN = 20
"""How many changed files a message names."""


@contextmanager
def entered(stack: Path, settings: Settings, commit: str, data: Path) -> Iterator[Path]:
    """Yields the directory to validate: the stack as it is, or for a gate a clone below `data`.

    `commit` names the commit to clone. Without a name it is the current one, and the stack must not differ from it.
    A process of its own deletes the clone at the end.
    """
    if not settings.gate:
        if commit:
            raise UsageError("--commit goes with --gate: without it, the files are validated as they are.")
        yield stack
        return
    reject_less(settings)
    chosen = find_commit(stack, commit)
    if not commit:
        require_clean(stack)
    runs = data / "runs"
    remove_abandoned(runs)
    with private_directory(runs, remove=remove_in_background) as place:
        yield clone_stack(stack, chosen, place)


def reject_less(settings: Settings) -> None:
    """Raises UsageError if the settings narrow the catalogue, or name no engine."""
    narrowed = [name for name in ("stages", "only", "skip") if getattr(settings, name)]
    if narrowed:
        flags = ", ".join(FLAGS[name].name for name in narrowed)
        settings_file = f"{' and '.join(narrowed)} in predeploy.toml and the environment"
        raise UsageError(f"--gate runs all checks: leave out {flags}, and {settings_file}.")
    if settings.engine == "auto":
        ways = "--engine dagger (containers: only they give full proof), or --engine local"
        raise UsageError(f"--gate needs an explicit engine: {ways}.")


def require_clean(stack: Path) -> None:
    """Raises GateError if files differ from the commit: a deploy of the commit would lack the changes."""
    changes = changes_of(stack)
    if changes:
        differ = "differs" if len(changes) == 1 else "differ"
        what = f"{counted(len(changes), 'file')} here {differ} from the commit that would be deployed"
        way = "Commit them, stash them (git stash -u), or name the commit: --commit HEAD"
        raise GateError(f"{what}: {named(changes, SHOWN)}. {way}.")


def require_commit(tree: Tree) -> None:
    """Raises GateError if a tree that was read for the gate differs from its commit."""
    if tree.commit is None:
        raise UsageError(f"{tree.root} has no commit; --gate validates commits. Commit the stack first.")
    if tree.changed:
        require_clean(tree.root)
