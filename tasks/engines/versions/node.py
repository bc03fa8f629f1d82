"""Which of the pinned Nodes a stack gets. Pure."""

import re
from dataclasses import dataclass

from tasks.errors import EngineError
from tasks.node_range import Release, admits, is_range, lowest_major
from tasks.stack import Version

# The first that fits is taken: the release that most deploy on, then the newer, then the older one.
PINNED: dict[int, Release] = {22: (22, 20, 0), 24: (24, 19, 0), 20: (20, 18, 0)}


# The last releases of major versions. They come from npm's registry.
OTHERS: dict[int, Release] = {
    22: (22, 23, 5),
    24: (24, 22, 3),
    20: (20, 20, 2),
    18: (18, 20, 8),
    23: (23, 11, 1),
    25: (25, 9, 0),
    26: (26, 9, 0),
}
OLDEST: Release = (18, 17, 0)
"""The oldest Node that the npm of the pinned versions supports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoice:
    """A Node, and in what it differs from the one that was wanted. `is_pinned`: a wheel with a hash has it."""

    version: Release
    gaps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As people write it."""
        return ".".join(str(number) for number in self.version)

    @property
    def is_pinned(self) -> bool:
        """Whether a pinned wheel has it. Others come from npm's registry."""
        return self.version in PINNED.values()


def choose_node(version: Version) -> NodeChoice:
    """The Node for a stack: a pinned one that fits, else the exact one, else the last of a major version that fits."""
    bound, wanted = readable(version.accepts), readable(version.wanted)
    is_exact = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", wanted.strip())
    exact = (int(is_exact[1]), int(is_exact[2]), int(is_exact[3])) if is_exact else None
    known = [*PINNED.values(), *([exact] if exact and exact >= OLDEST else []), *OTHERS.values()]
    fitting = [each for each in known if admits(bound, each) and admits(wanted, each)]
    accepted = [each for each in fitting if all(admits(text, each) for text in version.packages)]
    found = next(iter(accepted or fitting), None) if wanted == version.wanted else None
    return NodeChoice(version=found) if found else nearest_pinned(version)


def nearest_pinned(version: Version) -> NodeChoice:
    """The pinned Node that is nearest to a stack's. Raises EngineError (`toolchain`) where none is of use."""
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
