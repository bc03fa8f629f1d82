"""The tables and the JSON document of the benchmark. Pure."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measuring import Sample, spread

WAYS = ("plain", "limit", "ours")
NOTHING = "-"
Parts = Mapping[str, float]
"""The seconds of each part of a run, from its trace."""


@dataclass(slots=True, kw_only=True)
class Measured:
    """A row: the samples of each way that it has, and the parts of each run of ours."""

    case: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    parts: list[Parts] = field(default_factory=list)

    def seconds(self, way: str) -> list[float]:
        """The wall seconds of a way."""
        return [each.seconds for each in self.samples.get(way, ())]

    def cpu(self, way: str, *, of_machine: bool) -> list[float]:
        """The CPU seconds of a way. An engine of containers is no child of it, so there they are the machine's."""
        return [each.machine if of_machine else each.cpu for each in self.samples.get(way, ())]


def parts_of(trace: Mapping[str, Any]) -> Parts:
    """Returns the seconds of each part in a trace, and the sum of the phases of all checks, which run side by side."""
    found: dict[str, float] = {}
    for event in trace["traceEvents"]:
        name = {"part": event["name"], "prepare": "all `prepare`", "command": "all `command`"}.get(event["cat"])
        if name:
            found[name] = found.get(name, 0.0) + event["dur"] / 1e6
    return found


def time_table(rows: Iterable[Measured], *, of_machine: bool) -> Iterator[str]:
    """Returns the lines of the table with wall and CPU seconds."""
    kind = "CPU s of the machine" if of_machine else "CPU s"
    heads = [*(f"{way} s" for way in WAYS), "ours / plain", "over the limit", *(f"{way} {kind}" for way in WAYS)]
    yield from _head("case", *heads)
    for row in rows:
        wall, cpu = [row.seconds(way) for way in WAYS], [row.cpu(way, of_machine=of_machine) for way in WAYS]
        plain, limit, ours = (statistics.median(each) if each else None for each in wall)
        ratio = f"{ours / plain:.2f}" if ours and plain else NOTHING
        over = f"{ours - limit:+.1f} s" if ours and limit else NOTHING
        cells = [*map(_cell, wall), ratio, over, *map(_cell, cpu)]
        yield _line(row.case, *cells)


def parts_table(rows: Sequence[Measured]) -> Iterator[str]:
    """Returns the lines of the table with the median seconds of each part, a column for each row of the other table."""
    traced = [row for row in rows if row.parts]
    if not traced:
        return
    names = dict.fromkeys(name for row in traced for parts in row.parts for name in parts)
    yield from _head("part of ours", *(row.case for row in traced))
    for name in sorted(names, key=lambda name: name.startswith("all ")):
        cells = [statistics.median(parts.get(name, 0.0) for parts in row.parts) for row in traced]
        yield _line(name, *(f"{each:.2f}" for each in cells))


def document_of(rows: Iterable[Measured]) -> list[dict[str, Any]]:
    """Returns the rows as JSON values."""
    return [asdict(row) for row in rows]


def _cell(values: Sequence[float]) -> str:
    return spread(values) if values else NOTHING


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield f"|{' --- |' * len(names)}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
