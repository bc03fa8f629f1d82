"""Runs the checks whose result is not known on an engine, and takes the others from the store."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.execution.log_names import log_names
from tasks.execution.reuse.keys import CheckKey
from tasks.execution.reuse.store import FORMAT, Record, ResultStore, plain_time
from tasks.execution.work import EngineWork
from tasks.models import Outcome, Report, Result, Status
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.redaction.gate import redact
from tasks.redaction.redactor import Redactor
from tasks.steps import Check

Changed = Callable[[], frozenset[str]]
"""Returns the ids of the checks whose key is another one than at the start of the run."""
TROUBLES = frozenset({Status.FAILED, Status.ERRORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What a run takes from the store, and how it adds to it.

    `records` are the results that are used, by check id. `changed` looks at the keys again when the checks have ended.
    """

    store: ResultStore
    stack: str
    run_id: str
    now: Callable[[], float]
    keys: Mapping[str, CheckKey]
    records: Mapping[str, Record]
    changed: Changed
    redactor: Redactor


class ReusingWork(EngineWork):
    """As EngineWork. A check with a record does not run, and nothing is prepared for it."""

    def __init__(
        self, plan: Plan, engine: Engine, lowering: Lowering, logs: Path, reuse: Reuse, *, has_exports: bool = False
    ) -> None:
        part = replace(plan, checks=tuple(check for check in plan.checks if check.id not in reuse.records))
        super().__init__(part, engine, lowering, logs, whole=plan, has_exports=has_exports)
        self._reuse, self._logs = reuse, logs
        self._names = log_names(tuple(check.id for check in plan.checks))
        self._done: dict[str, Result] = {}
        self._changed: frozenset[str] | None = None

    async def ready(self, check: Check) -> None:
        if check.id not in self._reuse.records:
            await super().ready(check)

    async def do(self, check: Check) -> Result:
        if record := self._reuse.records.get(check.id):
            return self._remembered(check, record)
        result = await super().do(check)
        self._done[check.id] = redact(result, self._reuse.redactor)
        return result

    async def stop(self) -> None:
        await super().stop()
        if self._changed is None:
            self._changed = await asyncio.to_thread(self._reuse.changed)
            images = self.engine.facts.images
            await asyncio.to_thread(remember, self._reuse, self._done, self._changed, images)

    def keys(self) -> Mapping[str, str]:
        if self._changed is None:
            return {}
        found = {check_id: each.key for check_id, each in self._reuse.keys.items() if check_id not in self._changed}
        return {check_id: key for check_id, key in found.items() if key}

    def completed(self, report: Report) -> Report:
        until = certain_until(self._reuse, report) if self._changed == frozenset() else 0.0
        return replace(super().completed(report), certain_until=until)

    def _remembered(self, check: Check, record: Record) -> Result:
        """Returns the earlier result, with a log that says where it is from."""
        name, at = self._names[check.id], plain_time(record.at)
        text = f"This check did not run. It passed at {at} in the run {record.run}, with the same key {record.key}.\n"
        (self._logs / name).write_text(f"{text}To run it again: --fresh\n", encoding="utf-8")
        return replace(
            record.result,
            cached=True,
            cached_run=record.run,
            cached_at=at,
            log=f"logs/{name}",
            started=0.0,
            duration=0.0,
        )


def remember(
    reuse: Reuse, done: Mapping[str, Result], changed: frozenset[str], images: tuple[tuple[str, str], ...]
) -> None:
    """Stores the passes among the results, and marks the keys of the others that gave a verdict.

    A pass at the second attempt counts as a failure: the check is flaky. So is a check that failed. A check without a
    verdict says nothing about its key.
    """
    failed = {check_id for check_id, result in done.items() if is_doubtful(result)}
    for check_id in failed:
        if key := reuse.keys[check_id].key:
            reuse.store.mark_flaky(key)
    kept = {check_id for check_id, result in done.items() if result.passed and check_id not in failed}
    kept = {check_id for check_id in kept if (key := reuse.keys[check_id].key) and not reuse.store.is_flaky(key)}
    kept -= changed
    now = reuse.now()
    for check_id in sorted(kept):
        result, key = replace(done[check_id], log=None), reuse.keys[check_id].key
        record = Record(format=FORMAT, key=key, check=check_id, run=reuse.run_id, at=now, result=result, images=images)
        reuse.store.keep(record)
    if kept:
        reuse.store.keep_latest(reuse.stack, {check_id: reuse.keys[check_id].parts for check_id in kept})
    reuse.store.prune(now)


def certain_until(reuse: Reuse, report: Report) -> float:
    """Returns the time until which each result of a green run counts as that of a new run; 0 if one never does.

    A check without commands was skipped, and would be again. Every other one passed at its first attempt, with a key
    that has not failed before.
    """
    if report.verdict.outcome is not Outcome.PASSED:
        return 0.0
    ends = []
    for each in report.checks:
        key, result = reuse.keys[each.id], each.result
        if result.status is Status.SKIPPED and not key.key:
            continue
        if not key.key or not result.passed or is_doubtful(result) or reuse.store.is_flaky(key.key):
            return 0.0
        record = reuse.records.get(each.id)
        ends.append((record.at if record else reuse.now()) + key.limit)
    return min(ends, default=0.0)


def is_doubtful(result: Result) -> bool:
    """Whether the check failed, or passed only at the second attempt."""
    return result.status is Status.FAILED or (result.status in {*TROUBLES, Status.PASSED} and result.attempts > 1)
