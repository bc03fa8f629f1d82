"""Starts a run for each accepted delivery, and cancels older runs of the same ref. Failures are tried again later."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from deployments.webhook.decision import Wanted
from deployments.webhook.inbox import DeliveryStage, Inbox, InboxEntry
from deployments.webhook.metrics import Metrics
from deployments.webhook.reasons import reason_of
from deployments.webhook.runs import Runs, commit_tag

PATIENCE = 30.0
"""Seconds that a delivery whose commit is not the head of its ref waits for the delivery of the head."""
PAUSE = 1.0
"""Seconds until waiting deliveries are tried again."""
LONGEST_PAUSE = 60.0
HEAD_SECONDS = 10.0
"""The time limit for asking the server for the head of a ref."""
AT_ONCE = 8
"""The most refs that are dispatched at the same time."""

_log = logging.getLogger("predeploy.webhook")


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Run `run` as a task, and call `wake` after each accepted delivery.

    `head_of` returns the head commit of a ref, or None if the ref is gone. It may raise. `trouble` is the last error.
    """

    inbox: Inbox
    metrics: Metrics
    connect: Callable[[], AbstractAsyncContextManager[Runs]]
    head_of: Callable[[Wanted], Awaitable[str | None]]
    trouble: str = ""
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Ends the pause of `run`."""
        self._awake.set()

    async def run(self) -> None:
        """Dispatches until it is cancelled. Errors of Prefect and the disk only lengthen the pause."""
        pause = PAUSE
        while True:
            self._awake.clear()
            try:
                waiting = await self.inbox.ask(self.inbox.waiting)
                is_left = bool(waiting) and await self._dispatch(waiting)
            except Exception as error:  # any error: the deliveries are still in the inbox
                self.trouble = reason_of(error)
                self.metrics.troubles.inc()
                _log.warning("no run could be started; next attempt in %g s: %s", pause, self.trouble)
                await self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.trouble, pause = "", PAUSE
                await self._rest(PAUSE if is_left else None)

    async def _rest(self, seconds: float | None) -> None:
        """Waits until a delivery is accepted, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()

    async def _dispatch(self, waiting: list[InboxEntry]) -> bool:
        """Tries all waiting deliveries, refs in parallel. Returns whether some still wait. Raises the first error."""
        refs: dict[tuple[str, str], list[InboxEntry]] = {}
        for entry in waiting:
            refs.setdefault((entry.wanted.repository, entry.wanted.ref), []).append(entry)
        slots = asyncio.Semaphore(AT_ONCE)
        async with self.connect() as runs:
            outcomes = await asyncio.gather(
                *(self._dispatch_ref(runs, entries, slots) for entries in refs.values()), return_exceptions=True
            )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return not all(outcomes)

    async def _dispatch_ref(self, runs: Runs, entries: list[InboxEntry], slots: asyncio.Semaphore) -> bool:
        async with slots:
            head = await self._head(entries[0].wanted)
            return all([await self._settle(runs, entry, head) for entry in entries])

    async def _head(self, wanted: Wanted) -> str | Exception | None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                return await self.head_of(wanted)
        except Exception as error:  # the newest commit is unknown: start all, cancel none
            _log.warning("the head of %s of %s is unknown: %s", wanted.ref, wanted.repository, reason_of(error))
            return error

    async def _settle(self, runs: Runs, entry: InboxEntry, head: str | Exception | None) -> bool:
        """Starts a run for a delivery or marks it as superseded. Returns False if it waits for a newer delivery."""
        wanted = entry.wanted
        is_head = head == wanted.commit
        # a server may return the old head for a moment after a push
        if head is None:
            return is_late(entry) and await self._mark(
                entry, DeliveryStage.SUPERSEDED, reason=f"{wanted.ref} was deleted"
            )
        if isinstance(head, str) and not is_head:
            number = await self.inbox.ask(self.inbox.last_of, wanted, head)
            if number > entry.number or (number and is_late(entry)):
                return await self._mark(entry, DeliveryStage.SUPERSEDED, reason=f"{wanted.ref}: {head[:10]} is newer")
            if not is_late(entry):
                return False
        unfinished = await runs.unfinished(wanted)
        same = next((run for run in unfinished if is_same(run.tags, run.parameters, wanted)), None)
        run = str(same.id) if same else await runs.start(entry)
        if is_head:
            older = [each for each in unfinished if commit_tag(wanted) not in each.tags]
            await runs.cancel(older, f"superseded by {wanted.commit[:10]}")
        return await self._mark(entry, DeliveryStage.STARTED, run=run)

    async def _mark(self, entry: InboxEntry, stage: DeliveryStage, *, run: str = "", reason: str = "") -> bool:
        await self.inbox.ask(self.inbox.mark, entry, stage, run=run, reason=reason)
        self.metrics.runs.labels(stage.value).inc()
        if stage is DeliveryStage.STARTED:
            self.metrics.started.observe(time.time() - entry.accepted)
        return True


def is_late(entry: InboxEntry) -> bool:
    """Whether a delivery has waited for `PATIENCE` seconds."""
    return time.time() - entry.accepted > PATIENCE


def is_same(tags: list[str], parameters: dict[str, Any], wanted: Wanted) -> bool:
    """Whether a run validates the same commit under the same policy."""
    return commit_tag(wanted) in tags and parameters.get("policy", "") == wanted.policy
