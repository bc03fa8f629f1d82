"""The runs of one Prefect deployment, which the service starts, finds by their tags, and cancels."""

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
    """Runs of a deployment, on the Prefect server of the settings. `server_url` is GitHub's."""

    deployment: str
    server_url: str
    client: PrefectClient

    async def start(self, entry: InboxEntry) -> str:
        """Starts the run of a delivery, and returns its id. Repeated calls return the same run."""
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
        """Returns the runs of the same ref that have not ended."""
        return await self.client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=place(wanted)),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
            )
        )

    async def cancel(self, runs: Iterable[FlowRun], reason: str) -> None:
        """Cancels runs. A run that has ended meanwhile keeps its state."""
        for run in runs:
            await self.client.set_flow_run_state(run.id, Cancelling(message=reason))


@asynccontextmanager
async def connected(deployment: str, server_url: str) -> AsyncIterator[Runs]:
    """Opens a client of Prefect's server."""
    async with get_client() as client:
        yield Runs(deployment=deployment, server_url=server_url, client=client)


def parameters(wanted: Wanted, server_url: str) -> dict[str, object]:
    """Returns the flow's parameters. The server is that of the settings, so that no payload can redirect the token."""
    commit: dict[str, object] = {"repository": f"{server_url}/{wanted.repository}.git", "ref": wanted.commit}
    return commit if wanted.is_trusted else {**commit, "trusted": False, "policy": wanted.policy}


def place(wanted: Wanted) -> list[str]:
    """Returns the tags that all of the service's runs of one ref have."""
    return ["webhook", f"repository:{wanted.repository}", f"ref:{wanted.ref}"]


def commit_tag(wanted: Wanted) -> str:
    """Returns the tag that all runs of one commit have."""
    return f"commit:{wanted.commit}"


def run_url(run: str) -> str | None:
    """Returns the URL of a run in Prefect's UI, or None without a run."""
    return url_for("flow-run", UUID(run)) if run else None
