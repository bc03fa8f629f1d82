"""What the service asks of Prefect: runs of one deployment, which are known by their tags."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments.flow_runs import arun_deployment
from prefect.states import Cancelling
from prefect.utilities.urls import url_for

from deployments.webhook.decision import Wanted
from deployments.webhook.inbox import InboxEntry

UNFINISHED = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of a deployment, on the server that Prefect is set to."""

    deployment: str
    server_url: str
    client: PrefectClient

    async def start(self, entry: InboxEntry) -> str:
        """The run for a delivery, by its id: however often asked for, it is the same one."""
        wanted = entry.wanted
        run = await arun_deployment(
            self.deployment,
            client=self.client,
            parameters=parameters(wanted, self.server_url),
            timeout=0,
            tags=[*place(wanted), commit_tag(wanted)],
            idempotency_key=entry.digest,
            as_subflow=False,
        )
        return str(run.id)

    async def unfinished(self, wanted: Wanted) -> list[FlowRun]:
        """Runs of the same ref that have not ended yet."""
        return await self.client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=place(wanted)),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
            )
        )

    async def cancel(self, runs: Iterable[FlowRun], reason: str) -> None:
        """Has runs end; one that has ended meanwhile stays as it is."""
        for run in runs:
            await self.client.set_flow_run_state(run.id, Cancelling(message=reason))


@asynccontextmanager
async def connected(deployment: str, server_url: str) -> AsyncIterator[Runs]:
    """A connection to Prefect's server."""
    async with get_client() as client:
        yield Runs(deployment=deployment, server_url=server_url, client=client)


def parameters(wanted: Wanted, server_url: str) -> dict[str, object]:
    """What the flow is told. The URL is ours: no payload says where a token goes."""
    told: dict[str, object] = {"repository": f"{server_url}/{wanted.repository}.git", "ref": wanted.commit}
    return told if wanted.is_trusted else {**told, "trusted": False, "policy": wanted.policy}


def place(wanted: Wanted) -> list[str]:
    """The tags of all runs of one ref that the service has started."""
    return ["webhook", f"repository:{wanted.repository}", f"ref:{wanted.ref}"]


def commit_tag(wanted: Wanted) -> str:
    """The tag of all runs on one commit."""
    return f"commit:{wanted.commit}"


def run_url(run: str) -> str | None:
    """Where people look at a run."""
    return url_for("flow-run", UUID(run)) if run else None
