"""Starts a run for what was accepted, and ends older ones of the same ref. What it has not done yet it does later."""

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
from deployments.webhook.runs import Runs, commit_tag

PATIENCE = 30.0
"""Seconds that a commit which is not the head of its ref waits for the delivery of the one that is."""
PAUSE = 1.0
"""Seconds until what waits is looked at again."""
LONGEST_PAUSE = 60.0
HEAD_SECONDS = 10.0
"""Within which a server says where a ref stands."""
AT_ONCE = 8
"""Refs that are seen to side by side."""

_log = logging.getLogger("predeploy.webhook")


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Call `run` as a task, and `wake` when something was accepted. `head_of` tells where a ref stands; it may fail."""

    inbox: Inbox
    metrics: Metrics
    connect: Callable[[], AbstractAsyncContextManager[Runs]]
    head_of: Callable[[Wanted], Awaitable[str | None]]
    trouble: str = ""
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Something is to be done."""
        self._awake.set()

    async def run(self) -> None:
        """Goes on until it is cancelled, whatever happens to Prefect and the disk meanwhile."""
        pause = PAUSE
        while True:
            self._awake.clear()
            try:
                waiting = await self.inbox.ask(self.inbox.waiting)
                is_left = bool(waiting) and await self._dispatch(waiting)
            except Exception as error:  # of all kinds that there are; what waits is still there
                self.trouble = f"{type(error).__name__}: {error}"
                self.metrics.troubles.inc()
                _log.warning("no run could be started, trying again in %g s: %s", pause, self.trouble)
                await self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.trouble, pause = "", PAUSE
                await self._rest(PAUSE if is_left else None)

    async def _rest(self, seconds: float | None) -> None:
        """Until something was accepted, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()

    async def _dispatch(self, waiting: list[InboxEntry]) -> bool:
        """Tries all that waits, ref beside ref; tells whether some still does. Raises what kept one from its run."""
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
        except Exception as error:  # nobody knows then which one is the newest: all run, and none is cancelled
            _log.warning("where %s of %s stands is not known: %s", wanted.ref, wanted.repository, error)
            return error

    async def _settle(self, runs: Runs, entry: InboxEntry, head: str | Exception | None) -> bool:
        """One delivery: it is started, or a newer one takes its place, or it waits for that one: then False."""
        wanted = entry.wanted
        is_head = head == wanted.commit
        # servers take a moment to say what was just pushed: a head that came before may be the old one still
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
    """Whether a delivery has waited long enough for another one."""
    return time.time() - entry.accepted > PATIENCE


def is_same(tags: list[str], parameters: dict[str, Any], wanted: Wanted) -> bool:
    """Whether a run is one on the same commit, under the same policy."""
    return commit_tag(wanted) in tags and parameters.get("policy", "") == wanted.policy
