"""The flow runs of shards on Prefect's server: created, watched, and cancelled when their run has ended."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State, StateType, WorkerStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from flows.distribution.shared_storage import SharedStorage
from tasks.errors import EngineError

ENDING = 5.0
"""Seconds that a run which ends has for cancelling its shards."""
ANSWER = 10.0
"""Seconds that the server has for an answer. Signs of life must not wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A work pool, and the number of its workers that are online."""

    name: str
    workers: int


@dataclass(slots=True, kw_only=True)
class ShardRun:
    """A run of the deployment."""

    id: UUID
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """The state of a run in Prefect. `is_served`: a worker of its pool is online."""

    message: str = "Prefect's server does not answer"
    is_final: bool = False
    is_running: bool = False
    is_served: bool = False


class ShardRuns:
    """Open it first. `close` cancels what has not ended, also a run that was just being created."""

    def __init__(self, deployment: str) -> None:
        self._deployment = deployment
        self._opened = AsyncExitStack()
        self._creating: list[asyncio.Task[ShardRun]] = []
        self._client: PrefectClient | None = None
        self._deployment_id = UUID(int=0)
        self._pool = ""

    async def open(self) -> Pool:
        """The work pool of the deployment. Raises EngineError where there is none."""
        self._client = await self._opened.enter_async_context(get_client())
        try:
            deployment = await self._client.read_deployment_by_name(self._deployment)
        except ObjectNotFound as error:
            text = f"Prefect's server has no deployment {self._deployment}. Make it: ./just deploy"
            raise EngineError(text, "shard_deployment") from error
        except httpx.HTTPError as error:
            text = f"Prefect's server does not answer ({type(error).__name__}). Is it what PREFECT_API_URL says?"
            raise EngineError(text, "prefect") from error
        self._deployment_id, self._pool = deployment.id, deployment.work_pool_name or ""
        return Pool(name=self._pool, workers=await self._count_workers())

    async def create(self, parameters: Mapping[str, Any], *, name: str, tag: str) -> ShardRun:
        """Creates a run for a worker. A run that is created during a cancellation is cancelled by `close`."""
        task = asyncio.create_task(self._create(dict(parameters), name, tag))
        self._creating.append(task)
        return await asyncio.shield(task)

    async def storage(self, place: str) -> SharedStorage:
        """A place that the run and its shards share."""
        return await SharedStorage.at(place)

    async def state(self, run: ShardRun) -> ShardState:
        """Returns the state of a run. A server that does not answer is no sign: signs of life are in the storage."""
        assert self._client is not None
        try:
            async with asyncio.timeout(ANSWER):
                state = (await self._client.read_flow_run(run.id)).state
                is_waiting = state is None or state.type in {StateType.SCHEDULED, StateType.PENDING}
                is_served = is_waiting and await self._count_workers() > 0
        except ObjectNotFound:
            run.is_final = True
            return ShardState(message="Prefect's server has no such run any more", is_final=True)
        except (httpx.HTTPError, TimeoutError):
            return ShardState()
        if state is None:
            return ShardState(message="no state", is_served=is_served)
        run.is_final = state.is_final()
        return ShardState(
            message=": ".join(filter(None, [state.name, state.message])),
            is_final=run.is_final,
            is_running=state.type in {StateType.RUNNING, StateType.CANCELLING},
            is_served=is_served,
        )

    async def crash(self, run: ShardRun, reason: str) -> None:
        """Sets the state of a run whose process has ended without one."""
        await self._set(run, State(type=StateType.CRASHED, name="Lost", message=reason), is_forced=True)

    async def close(self) -> None:
        """Ends within a few seconds, even if the server does not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING):
                created = await asyncio.gather(*self._creating, return_exceptions=True)
                runs = [each for each in created if isinstance(each, ShardRun) and not each.is_final]
                state = State[Any](type=StateType.CANCELLING, message="the run that it is a shard of has ended")
                await asyncio.gather(*(self._set(run, state) for run in runs))
        await self._opened.aclose()

    async def _create(self, parameters: dict[str, Any], name: str, tag: str) -> ShardRun:
        assert self._client is not None
        run = await self._client.create_flow_run_from_deployment(
            self._deployment_id, parameters=parameters, name=name, tags=[tag], state=Scheduled()
        )
        return ShardRun(id=run.id)

    async def _set(self, run: ShardRun, state: State[Any], *, is_forced: bool = False) -> None:
        assert self._client is not None
        run.is_final = True  # this process waits for it no longer
        with suppress(httpx.HTTPError, ObjectNotFound, TimeoutError):
            async with asyncio.timeout(ANSWER):
                await self._client.set_flow_run_state(run.id, state, force=is_forced)

    async def _count_workers(self) -> int:
        assert self._client is not None
        workers = await self._client.read_workers_for_work_pool(self._pool)
        return sum(worker.status is WorkerStatus.ONLINE for worker in workers)
