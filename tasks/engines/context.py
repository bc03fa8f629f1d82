"""What a run gives to its engine, whichever that is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.secrets import NO_SECRETS, Secrets
from tasks.source.tree import Tree
from tasks.steps import TreeName
from tasks.trust import TRUSTED, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What steps run on, and where an engine keeps its own.

    `cache` is kept between runs and may be deleted whenever none runs; `data` is for what must not be lost, and for
    what a run needs on a disk while it lasts; `reason` is why this engine was chosen; `note` is told what takes long;
    `environ` is the environment that the user started us with. A step gets those of the `secrets` that it names, and
    what it prints of any is masked. `base` is the tree of what is taken for deployed, where that is known.
    `fresh`: nothing that an earlier run left is used or believed, but for what was installed from the same locks.
    What a tree that is not trusted leaves behind, no trusted one gets to use.
    """

    tree: Tree
    cache: Path
    data: Path
    run_id: str
    note: Callable[[str], None]
    environ: Mapping[str, str]
    secrets: Secrets = NO_SECRETS
    reason: str = ""
    trust: Trust = TRUSTED
    base: Tree | None = None
    fresh: bool = False

    def files_of(self, name: TreeName) -> Tree:
        """The tree that a step or an environment names."""
        if name == "":
            return self.tree
        assert self.base is not None, "no step is of a base that nobody found"
        return self.base
