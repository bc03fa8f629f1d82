"""The result of pruning a cache, reports or the history."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Bytes before and after, and the number of removed items, if known.

    `held` items were due, but a run has locked them. `undone` is the reason if nothing was pruned.
    """

    what: str
    before: int | None = None
    after: int | None = None
    removed: int | None = None
    held: int = 0
    undone: str = ""

    @property
    def summary(self) -> str:
        """All facts in one line."""
        if self.undone:
            return f"{self.what}: left as it is: {self.undone}"
        facts = []
        if self.before is not None and self.after is not None:
            facts.append(f"{megabytes(self.after)}, {megabytes(self.before)} before")
        if self.removed is not None:
            facts.append(f"{self.removed} gone" + (f", {self.held} held by runs" if self.held else ""))
        return f"{self.what}: {'; '.join(facts)}"


def megabytes(size: int) -> str:
    """A size as people read it."""
    return f"{size / (1 << 20):,.0f} MB"
