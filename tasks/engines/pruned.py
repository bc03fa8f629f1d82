"""What a cleaning of a cache, of reports or of a history came to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Bytes before and after, and the number of removed items, where these are known.

    `held` counts the items that were due and that runs hold. `undone` is the reason why nothing was done.
    """

    what: str
    before: int | None = None
    after: int | None = None
    removed: int | None = None
    held: int = 0
    undone: str = ""

    @property
    def said(self) -> str:
        """All of it in a line."""
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
