"""What a run gives to its engine, whichever that is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.secrets import NO_SECRETS, Secrets
from tasks.source.tree import Tree
from tasks.steps import TreeName


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What steps run on, and where an engine keeps its own.

    `cache` is kept between runs and may be deleted if no run is active. `data` is for what must not be lost, and for
    what a run needs on a disk. `reason` is why this engine was chosen, and `summary` says it in a few words. `note`
    gets texts about steps that take long. `environ` is the environment of the user. A step gets those of the `secrets`
    that it names, and they are masked in what it prints. `base` is the tree of the deployed commit, if it is known.
    `fresh`: nothing of an earlier run is used, except what was installed from the same locks. What a tree that is not
    trusted leaves behind, no trusted one gets to use.
    """

    tree: Tree
    cache: Path
    data: Path
    run_id: str
    reason: str
    note: Callable[[str], None]
    environ: Mapping[str, str]
    summary: str = ""
    secrets: Secrets = NO_SECRETS
    is_trusted: bool = True
    base: Tree | None = None
    fresh: bool = False

    def files_of(self, name: TreeName) -> Tree:
        """The tree that a step or an environment names."""
        if name == "":
            return self.tree
        assert self.base is not None, "no step is of a base that nobody found"
        return self.base
