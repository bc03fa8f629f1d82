"""Which of the pinned Nodes a stack gets. Pure."""

import re
from dataclasses import dataclass

from tasks.errors import EngineError
from tasks.node_range import Release, admits, is_range, lowest_major
from tasks.stack import Version

# The first that fits is taken: the release that most deploy on, then the newer, then the older one.
PINNED: dict[int, Release] = {22: (22, 20, 0), 24: (24, 19, 0), 20: (20, 18, 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoice:
    """Which of the pinned Nodes, and in what it differs from the one that was wanted."""

    version: Release
    gaps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As people write it."""
        return ".".join(str(number) for number in self.version)


def choose_node(version: Version) -> NodeChoice:
    """The pinned Node for a stack. Pure. Raises EngineError (`toolchain`) where none is of use."""
    bound = readable(version.accepts)
    usable = [pinned for pinned in PINNED.values() if admits(bound, pinned)]
    if not usable:
        raise EngineError(
            f"no Node for {version.accepts} ({version.source or 'engines'}): those that can be brought "
            f"here are {', '.join('.'.join(map(str, pinned)) for pinned in PINNED.values())}. Widen the range",
            "toolchain",
        )
    wanted = readable(version.wanted)
    fitting = [pinned for pinned in usable if admits(wanted, pinned)]
    if fitting and wanted == version.wanted:
        return NodeChoice(version=fitting[0])
    goal = lowest_major(wanted)
    nearest = min(usable, key=lambda pinned: (abs(pinned[0] - goal), -pinned[0]))
    choice = NodeChoice(version=fitting[0] if fitting else nearest)
    source = f" ({version.source})" if version.source else ""
    return NodeChoice(version=choice.version, gaps=(f"Node {choice.text} instead of {plain(version.wanted)}{source}",))


def readable(text: str) -> str:
    """The range itself; everything where it is none (`engines` may hold any words)."""
    return text if is_range(text) else "*"


def plain(text: str) -> str:
    """`22` for `22.x`."""
    return re.sub(r"(\.[xX*])+$", "", text)
