"""Prefect's worker for Docker, which takes each container away once it knows how that ended.

Docker's own removal (`auto_remove`) comes before the worker can ask, and a run whose container was killed would be
shown as running for ever.

usage: python -m deployments.docker_worker worker start --pool docker, with all options of `prefect worker start`
"""

import runpy
import warnings
from typing import Any
from uuid import UUID

import docker
from docker.errors import NotFound
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed
from prefect.utilities.asyncutils import run_sync_in_worker_thread
from prefect_docker.worker import DockerWorker, DockerWorkerResult

from flows.commits.status import set_final_status

# the class takes the place of its parent for work pools of the type `docker`, which Prefect warns of
warnings.filterwarnings("ignore", message="Type 'RemovingWorker'")


class RemovingWorker(DockerWorker):  # type: ignore[misc]  # it has no types
    """Whatever becomes of a run, nothing of its container is left, and its commit's status does not stay pending."""

    async def setup(self) -> None:
        """Begins with what a worker has left that was itself killed."""
        await super().setup()
        pool = self._work_pool_name
        await run_sync_in_worker_thread(remove_all, {"label": f"io.prefect.work-pool-name={pool}", "status": "exited"})

    async def run(self, flow_run: FlowRun, *arguments: Any, **options: Any) -> DockerWorkerResult:
        """As its parent, up to the exit code."""
        result = await super().run(flow_run, *arguments, **options)
        container = result.identifier.rpartition(":")[2]
        await run_sync_in_worker_thread(remove_all, {"id": container})
        if result.status_code:
            await tell_of_end(flow_run.id, result.status_code)
        return result


async def tell_of_end(run_id: UUID, code: int) -> None:
    """Sets the status of the commit of a run that cannot do so any more; `PREDEPLOY_GITHUB_*` are the worker's own."""
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
    if run.state is None or not run.state.is_final():
        await set_final_status(None, run, Crashed(message=f"its container ended with exit code {code}"))


def remove_all(filters: dict[str, str]) -> None:
    """Takes away the containers that fit; one that somebody else has taken away is no matter."""
    client = docker.from_env()
    try:
        for container in client.containers.list(all=True, filters=filters, ignore_removed=True):
            try:
                container.remove()
            except NotFound:
                continue
    finally:
        client.close()


if __name__ == "__main__":
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
