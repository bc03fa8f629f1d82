"""Reads the reports of earlier runs: the newest ones, as far as a comparison needs them."""

import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.models import Outcome, Status, TestCounts
from tasks.report.authentic import foreign_part

MOST_RUNS, MOST_BYTES = 20, 20_000_000
"""The reports that are read, and the bytes of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierFinding:
    """A finding of an earlier run. `seen`: in how many runs in a row it had come."""

    seen: int
    location: str
    message: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCheck:
    """A check of an earlier run. `findings` has fingerprints as keys. `seconds` is 0 if the result was cached.

    `key` is empty if the run did not reuse results, or the check always runs.
    """

    status: Status
    key: str = ""
    seconds: float = 0.0
    tests: TestCounts | None = None
    findings: Mapping[str, EarlierFinding] = field(default_factory=dict)

    @property
    def is_decided(self) -> bool:
        """Whether the check gave a verdict on the code."""
        return self.status in {Status.PASSED, Status.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """An earlier run. `is_whole`: all checks ran. `is_narrowed`: of one check, only chosen tests ran."""

    id: str
    outcome: Outcome
    engine: str
    tree: str
    commit: str
    is_whole: bool
    is_narrowed: bool
    checks: Mapping[str, EarlierCheck]


def read_earlier(runs: Path) -> tuple[EarlierRun, ...]:
    """Returns the runs in a directory, the newest first. A report that predeploy cannot have written is left out."""
    found: list[EarlierRun] = []
    left = MOST_BYTES
    for path in _newest_first(runs)[:MOST_RUNS]:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            facts = path.lstat()
            left -= facts.st_size
            if left < 0:
                break
            if stat.S_ISREG(facts.st_mode) and not foreign_part(document := json.loads(path.read_bytes())):
                found.append(_run(path.parent.name, document))
    return tuple(found)


def _newest_first(runs: Path) -> list[Path]:
    """The reports by the time of their publication: names of runs have whole seconds only."""
    times: dict[Path, int] = {}
    for path in runs.glob("[!.]*/report.json"):
        with suppress(OSError):
            times[path] = path.lstat().st_mtime_ns
    return sorted(times, key=lambda path: (times[path], path.parent.name), reverse=True)


def _run(name: str, document: Mapping[str, Any]) -> EarlierRun:
    comparison = document.get("comparison") or {"whole": False, "narrowed": False}  # of an older version
    checks = [check for stage in document["stages"].values() for check in stage["checks"]]
    return EarlierRun(
        id=name,
        outcome=Outcome(document["result"]),
        engine=str(document["engine"]["name"]),
        tree=str(document["tree"]),
        commit=document["commit"] or "",
        is_whole=comparison["whole"] is True,
        is_narrowed=comparison["narrowed"] is True,
        checks={str(check["id"]): _check(check) for check in checks},
    )


def _check(check: Mapping[str, Any]) -> EarlierCheck:
    status = Status(check["status"])
    counts = check["tests_passed"], check["tests_failed"], check["tests_skipped"]
    passed, failed, skipped = (int(each or 0) for each in counts)
    return EarlierCheck(
        status=status,
        key=str(check.get("key") or ""),
        seconds=0.0 if check["cached"] else float(check["duration_seconds"]),
        tests=None if counts[0] is None else TestCounts(passed=passed, failed=failed, skipped=skipped),
        findings=dict(_findings(check["diagnostics"])),
    )


def _findings(diagnostics: list[Mapping[str, Any]]) -> Iterator[tuple[str, EarlierFinding]]:
    for each in diagnostics:
        place = [str(each[part]) for part in ("file", "line", "column") if each[part] is not None]
        yield (
            str(each["fingerprint"]),
            EarlierFinding(
                seen=int(each.get("seen") or 1),
                location=":".join(place),
                message=str(each["message"]),
                is_error=each["severity"] == "error",
            ),
        )
