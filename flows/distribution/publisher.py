"""Publishes the progress of a shard: signs of life while it runs, and each check's record as soon as there is one."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prefect import get_run_logger

from flows.distribution.shared_storage import SharedStorage
from tasks.distribution.records import FORMAT, RECORD, SIGNS, ShardFacts, ShardRecord, Signs, last_part, written
from tasks.distribution.settings import BEATS
from tasks.execution.executor import Run
from tasks.execution.log_names import log_names
from tasks.models import Status
from tasks.planning.plan import Plan
from tasks.steps import Check

SIGNS_NAME, CALLER_NAME = "signs.json", "caller.json"
LAST_WORDS = 5.0
"""Seconds that a shard which ends has for its last records and signs."""


def record_name(plan: Plan, check_id: str) -> str:
    """The file of a check's record, which is named like its log."""
    return f"{log_names(tuple(each.id for each in plan.checks))[check_id].removesuffix('.log')}.json"


class ShardPublisher:
    """As a context it writes a sign of life every `seconds`. A sign that the storage does not take is left out.

    The run that waits for the shard writes such signs as well. If they stop, the task of the shard is cancelled.
    """

    def __init__(self, storage: SharedStorage, seconds: float) -> None:
        self._storage, self._seconds = storage, seconds
        self._caller: tuple[bytes | None, float] = (None, time.monotonic())
        self._task: asyncio.Task[Any] | None = None
        self._signs = Signs(format=FORMAT, beat=0)
        self._turn = asyncio.Lock()
        self._following: list[asyncio.Task[None]] = []
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._beating is not None
        self._beating.cancel()
        if self._following:
            await asyncio.wait(self._following, timeout=LAST_WORDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._write_signs()
        for task in self._following:
            task.cancel()

    def follow(self, run: Run, whole: Plan, keys: Mapping[str, str], logs: Path) -> None:
        """Begins to publish the checks of a run. `whole` is the plan that they are a part of."""
        for check in run.checks:
            name = record_name(whole, check.id)
            self._following.append(asyncio.create_task(self._follow(run, check, name, keys[check.id], logs)))

    async def settled(self) -> None:
        """Returns when all records are stored. They need the logs, which are removed with the run's directory."""
        await asyncio.gather(*self._following)

    def conclude(self, *, facts: ShardFacts | None = None, trouble: tuple[str, str] | None = None) -> None:
        """Sets the content of the last sign of life."""
        self._signs = replace(self._signs, facts=facts, trouble=trouble)

    async def _follow(self, run: Run, check: Check, name: str, key: str, logs: Path) -> None:
        await run.started(check.id)
        self._signs = replace(self._signs, begun=(*self._signs.begun, check.id))
        await self._write_signs()
        result = await run.finished(check.id)
        record = ShardRecord(
            format=FORMAT,
            check=check.id,
            key=key,
            result=result,
            log=_read_log(logs.parent / result.log) if result.log else "",
            images=run.work.facts.images,
            owners=() if result.status is Status.PASSED else tuple(run.work.owners(check)),
        )
        try:
            await self._storage.write(name, written(RECORD, record))
        except Exception as error:  # each kind of storage has its own
            get_run_logger().error("the result of %s cannot be stored: %s", check.id, error)
            return
        self._signs = replace(self._signs, ended=(*self._signs.ended, check.id))
        await self._write_signs()

    async def _beat(self) -> None:
        while True:
            await self._write_signs()
            if await self._is_orphan():
                get_run_logger().error("the run that started this shard gives no sign of life any more: the shard ends")
                assert self._task is not None
                self._task.cancel()
                return
            await asyncio.sleep(self._seconds)

    async def _is_orphan(self) -> bool:
        content, now = await self._storage.read_above(CALLER_NAME), time.monotonic()
        if content is not None and content != self._caller[0]:
            self._caller = (content, now)
        # without a shared storage there is no first sign: then the waiting run finds the shard lost, and cancels it
        return self._caller[0] is not None and now - self._caller[1] > BEATS * self._seconds

    async def _write_signs(self) -> None:
        async with self._turn:
            self._signs = replace(self._signs, beat=self._signs.beat + 1)
            try:
                await self._storage.write(SIGNS_NAME, written(SIGNS, self._signs))
            except Exception as error:  # each kind of storage has its own
                get_run_logger().warning("no sign of life can be stored: %s", error)


def _read_log(path: Path) -> str:
    try:
        return last_part(path.read_bytes())
    except OSError:
        return ""
