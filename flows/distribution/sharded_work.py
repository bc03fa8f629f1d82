"""Runs the checks of a plan in shards on other workers: starts them through Prefect, and reads their records."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from flows.distribution.parameters import Distribution, parameters_of
from flows.distribution.publisher import CALLER_NAME, LAST_WORDS, SIGNS_NAME, record_name
from flows.distribution.shard_runs import Pool, ShardRun, ShardRuns
from flows.distribution.shared_storage import SharedStorage
from tasks.distribution.liveness import ShardLiveness
from tasks.distribution.records import ShardFacts, Signs, read_record, read_signs
from tasks.distribution.settings import read_shard_settings
from tasks.distribution.shards import Shard, make_shards
from tasks.errors import EngineError, PredeployError
from tasks.execution.log_names import log_names
from tasks.models import EngineFacts, Report, Result, SecretsFacts, Status
from tasks.report.facts import counted
from tasks.steps import Check
from tasks.validation.scope import Scope, keys_of

POLL = 0.5
"""Seconds between two looks at a shard."""
UNWATCHED = 2
"""The number of shards if no worker of the pool is online yet: some may start later."""


@dataclass(slots=True, kw_only=True)
class Awaited:
    """The state of a check in its shard, as far as it is known here."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    result: asyncio.Future[Result]
    owners: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class Followed:
    """A shard, its run in Prefect, and the storage of its signs and records."""

    title: str
    shard: Shard
    run: ShardRun
    storage: SharedStorage
    watch: ShardLiveness
    facts: ShardFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The facts of a run that its shards depend on: the durations of the last run, and the base images by tag."""

    run_id: str
    logs: Path
    seconds: Mapping[str, float]
    images: Mapping[str, str]


class ShardedWork:
    """The work of a distributed run: no engine here. Every check gets a result, even if its shard is lost."""

    def __init__(
        self,
        scope: Scope,
        distribution: Distribution,
        sending: Sending,
        note: Callable[[str], None],
        runs: ShardRuns | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._scope, self._distribution, self._sending, self._note = scope, distribution, sending, note
        self._settings = read_shard_settings()
        self._keys = keys_of(scope)
        self._awaited = {check.id: Awaited(result=loop.create_future()) for check in scope.plan.checks}
        self._place = f"predeploy/{sending.run_id}-{token_hex(8)}"
        self._runs = runs or ShardRuns(self._settings.deployment)
        self._shards: list[Followed] = []
        self._images = dict(sending.images)
        self._taken: dict[str, str] = {}
        self._following: asyncio.Task[None] | None = None

    @property
    def facts(self) -> EngineFacts:
        """The facts of all shards, merged."""
        found = [each.facts.engine for each in self._shards if each.facts is not None]
        reasons = "; ".join(dict.fromkeys(each.reason for each in found)) or "no shard has reported its engine"
        summary = f"{counted(len(self._shards), 'shard')} on workers"
        return EngineFacts(
            name="+".join(dict.fromkeys(each.name for each in found)) or "none",
            version=", ".join(dict.fromkeys(each.version for each in found)),
            reason=f"{summary}: {reasons}",
            summary=summary,
            images=tuple(sorted(self._taken.items())),
        )

    def completed(self, report: Report) -> Report:
        """The report with the warnings of the shards, and the secrets that they had."""
        facts = [each.facts for each in self._shards if each.facts is not None]
        warnings = dict.fromkeys([*report.warnings, *(text for each in facts for text in each.warnings)])
        secrets = SecretsFacts(
            source=", ".join(dict.fromkeys(each.secrets.source for each in facts if each.secrets.source)),
            names=tuple(sorted({name for each in facts for name in each.secrets.names})),
            stale="; ".join(dict.fromkeys(each.secrets.stale for each in facts if each.secrets.stale)),
        )
        return replace(report, warnings=tuple(warnings), secrets=secrets)

    def start(self) -> None:
        """Starts all shards."""
        self._following = asyncio.create_task(self._follow_all())

    async def ready(self, check: Check) -> None:
        """Returns when the check has begun in its shard, or is decided without a start."""
        await self._awaited[check.id].begun.wait()

    async def do(self, check: Check) -> Result:
        """Returns the result from the shard."""
        return await asyncio.shield(self._awaited[check.id].result)

    def owners(self, check: Check) -> Sequence[str]:
        """The durations that the shard has reported."""
        return self._awaited[check.id].owners

    async def stop(self) -> None:
        """Cancels the shards that still run, and removes their records from the storage."""
        if self._following is not None:
            if self._decided == self._awaited.keys():
                # the last sign of a shard has its facts: engine and secrets
                await asyncio.wait([self._following], timeout=LAST_WORDS)
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._runs.close()
        for each in self._shards[:1]:
            each.storage.remove(self._place)

    async def _follow_all(self) -> None:
        try:
            pool = await self._runs.open()
            shards = make_shards(self._scope.plan, self._sending.seconds, pool.workers or UNWATCHED)
            self._note(f"{counted(len(shards), 'shard')} for the work pool {pool.name}")
            titles = [f"shard {number} of {len(shards)}" for number in range(1, len(shards) + 1)]
            beating = asyncio.create_task(self._beat(await self._runs.storage(self._place)))
            try:
                doing = (self._do_shard(shard, title, pool) for shard, title in zip(shards, titles, strict=True))
                await asyncio.gather(*doing)
            finally:
                beating.cancel()
        except PredeployError as error:
            self._give_up(self._awaited, error.reason_code, str(error))
        except Exception as error:
            self._give_up(self._awaited, "prefect", f"Prefect's server: {type(error).__name__}: {error}")

    async def _beat(self, storage: SharedStorage) -> None:
        """Writes signs of life of this run. A shard that reads no new sign ends."""
        for number in itertools.count():
            with suppress(Exception):  # each kind of storage has its own
                await storage.write(CALLER_NAME, b"%d" % number)
            await asyncio.sleep(self._settings.beat)

    async def _do_shard(self, shard: Shard, title: str, pool: Pool) -> None:
        try:
            followed = await self._begin(shard, title, pool)
            self._shards.append(followed)
            code, reason = await self._follow(followed)
        except PredeployError as error:
            code, reason = error.reason_code, str(error)
        except Exception as error:
            code, reason = "prefect", f"Prefect's server: {type(error).__name__}: {error}"
        self._give_up(shard.owns, code, f"{title}: {reason}")

    async def _begin(self, shard: Shard, title: str, pool: Pool) -> Followed:
        number = title.split()[1]
        storage = await self._runs.storage(f"{self._place}/{number}")
        parameters = parameters_of(self._scope, self._distribution, shard.checks, self._images)
        name = f"{self._scope.tree.root.name} {self._distribution.origin.commit[:12]} {title}"
        channel = {"results": storage.place, "beat": self._settings.beat}
        run = await self._runs.create({**parameters, **channel}, name=name, tag=f"predeploy:{self._sending.run_id}")
        watch = ShardLiveness(settings=self._settings, pool=pool.name, begun=time.monotonic())
        return Followed(title=title, shard=shard, run=run, storage=storage, watch=watch)

    async def _follow(self, followed: Followed) -> tuple[str, str]:
        """Reads signs and records until the shard has ended or is lost. Returns why results are missing."""
        while True:
            # the state is read first: if the run has ended, all its records are stored
            state = await self._runs.state(followed.run)
            signs = await self._take(followed)
            if signs is not None and signs.trouble is not None:
                return signs.trouble
            if (signs is not None and self._is_complete(followed, signs)) or state.is_final:
                return "shard_ended", f"it has ended without a result ({state.message})"
            lost = followed.watch.lost(time.monotonic(), is_running=state.is_running, is_served=state.is_served)
            if lost is not None:
                await self._runs.crash(followed.run, lost[1])
                return lost
            await asyncio.sleep(POLL)

    def _is_complete(self, followed: Followed, signs: Signs) -> bool:
        """Returns whether all records are here. A storage may show a record later than the sign that announces it."""
        on_its_way = {*signs.ended} & {*followed.shard.owns} - self._decided
        return signs.facts is not None and not on_its_way

    @property
    def _decided(self) -> set[str]:
        return {check_id for check_id, awaited in self._awaited.items() if awaited.result.done()}

    async def _take(self, followed: Followed) -> Signs | None:
        content = await followed.storage.read(SIGNS_NAME)
        signs = read_signs(content) if content is not None else None
        if signs is None:
            return None
        followed.watch.hear(time.monotonic(), signs.beat)
        followed.facts = signs.facts or followed.facts
        owned = {*followed.shard.owns}
        for check_id in owned & {*signs.begun}:
            self._awaited[check_id].begun.set()
        for check_id in sorted(owned & {*signs.ended} - self._decided):
            await self._take_record(followed, check_id)
        return signs

    async def _take_record(self, followed: Followed, check_id: str) -> None:
        content = await followed.storage.read(record_name(self._scope.plan, check_id))
        if content is None:
            return  # announced, and not visible yet: the next look finds it, or the end of the shard makes it missing
        awaited = self._awaited[check_id]
        try:
            record = read_record(content, check_id, self._keys[check_id], self._images)
        except EngineError as error:
            self._give_up([check_id], error.reason_code, f"{followed.title}: {error}")
            return
        for tag, reference in record.images:
            self._images.setdefault(tag, reference)
            self._taken[tag] = reference
        name = log_names(tuple(check.id for check in self._scope.plan.checks))[check_id]
        (self._sending.logs / name).write_text(record.log, encoding="utf-8")
        awaited.owners = [each for each in record.owners if each in self._awaited]
        awaited.begun.set()
        awaited.result.set_result(replace(record.result, log=f"logs/{name}" if record.log else None))

    def _give_up(self, checks: Iterable[str], code: str, reason: str) -> None:
        """Decides the checks without a result as errored."""
        for check_id in checks:
            awaited = self._awaited[check_id]
            if not awaited.result.done():
                result = Result(check=check_id, status=Status.ERRORED, reason_code=code, reason=reason)
                awaited.result.set_result(result)
                awaited.begun.set()
