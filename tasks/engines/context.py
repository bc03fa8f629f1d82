"""The input of an engine, the same for every engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.secrets import NO_SECRETS, Secrets
from tasks.source.tree import Tree
from tasks.steps import TreeName
from tasks.trust import TRUSTED, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """The tree of a run, and the directories and facts that an engine needs.

    `cache` is kept between runs and may be deleted while no run is active. `data` must not be lost; it also has the
    large temporary directories of a run. `note` reports work that takes long. `environ` is the environment of the
    user's command. A step gets the `secrets` that it names, and all secrets are masked in its output. `base` is the
    tree of the deployed commit, if it is known. `fresh`: no result of an earlier run is used, only packages installed
    from the same locks. `gate`: only packages that a gate has installed. `reason` says why this engine was chosen,
    `summary` in at most eight words. `trust` says what the tree's code gets, and whether it shares caches with other
    runs.
    """

    tree: Tree
    cache: Path
    data: Path
    run_id: str
    note: Callable[[str], None]
    environ: Mapping[str, str]
    summary: str = ""
    secrets: Secrets = NO_SECRETS
    reason: str = ""
    trust: Trust = TRUSTED
    base: Tree | None = None
    fresh: bool = False
    gate: bool = False

    def files_of(self, name: TreeName) -> Tree:
        """The tree for a name in a step or an environment."""
        if name == "":
            return self.tree
        assert self.base is not None, "a step names the base, and this run has none"
        return self.base
