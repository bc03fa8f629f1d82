"""Reads what a page shows beyond the report: lines of code, the ends of logs, and earlier runs."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tasks.models import Outcome, Report, Status
from tasks.report.folding import findings

EXCERPTS = 10
"""The findings of a check that a page shows with their code."""
AROUND = 2
"""Lines before and after the one of a finding."""
LONGEST = 1_000_000
"""Bytes of a file whose lines are shown."""
LOG_BYTES = 20_000
"""The bytes at the end of the log of a red check."""
RUNS = 20
_RED = (Status.FAILED, Status.ERRORED)

Excerpt = tuple[tuple[int, str], ...]
"""Lines of a file, each with its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """An earlier run. `duration` is in seconds."""

    id: str
    outcome: Outcome
    started_at: str
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a page shows beyond the report: code by file and line, ends of logs by check, runs from old to new."""

    excerpts: Mapping[tuple[str, int], Excerpt] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[PastRun, ...] = ()


NO_SOURCES = Sources()


def read_sources(report: Report, root: Path, files: Collection[str], directory: Path, runs: Path) -> Sources:
    """Reads them. `files` are those of the tree below `root`; no other file is opened. `directory` has the logs."""
    return Sources(
        excerpts=dict(_excerpts(report, root, files)),
        logs=dict(_logs(report, directory)),
        runs=past_runs(runs),
    )


def past_runs(runs: Path) -> tuple[PastRun, ...]:
    """The newest runs that a directory has, from old to new. Names of runs sort by time."""
    found = []
    for path in sorted(runs.glob("*/summary.json"))[-RUNS:]:
        with suppress(OSError, ValueError, KeyError, TypeError):
            summary = json.loads(path.read_text(encoding="utf-8"))
            run = PastRun(
                id=path.parent.name,
                outcome=Outcome(summary["result"]),
                started_at=str(summary["started_at"]),
                duration=float(summary["duration_seconds"]),
            )
            found.append(run)
    return tuple(found)


def _excerpts(report: Report, root: Path, files: Collection[str]) -> Iterator[tuple[tuple[str, int], Excerpt]]:
    texts: dict[str, list[str]] = {}
    for check in report.checks:
        if check.result.status not in _RED:
            continue
        for finding in findings(check.result.diagnostics)[:EXCERPTS]:
            diagnostic = finding.diagnostic
            if not diagnostic.file or not diagnostic.line or diagnostic.file not in files:
                continue
            if diagnostic.file not in texts:
                texts[diagnostic.file] = _lines(root, diagnostic.file)
            if excerpt := _around(texts[diagnostic.file], diagnostic.line):
                yield (diagnostic.file, diagnostic.line), excerpt


def _lines(root: Path, file: str) -> list[str]:
    """The lines of a file of the tree. A link leads out of the tree, or to a file that is named by itself."""
    path = root / file
    with suppress(OSError):
        if not path.is_symlink() and path.is_file() and path.stat().st_size <= LONGEST:
            return path.read_text(encoding="utf-8", errors="replace").split("\n")
    return []


def _around(lines: list[str], line: int) -> Excerpt:
    if not 1 <= line <= len(lines):
        return ()
    first = max(1, line - AROUND)
    return tuple(enumerate(lines[first - 1 : line + AROUND], first))


def _logs(report: Report, directory: Path) -> Iterator[tuple[str, str]]:
    for check in report.checks:
        if check.result.status in _RED and check.result.log:
            with suppress(OSError):
                yield check.id, _tail(directory / check.result.log)


def _tail(path: Path) -> str:
    """The end of a file, from the beginning of a line."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    return text if size <= LOG_BYTES else f"…\n{text.partition(chr(10))[2]}"
