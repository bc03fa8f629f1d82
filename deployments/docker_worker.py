"""Prefect's worker for Docker, which removes each container after it has read the container's exit code.

Docker's own removal (`auto_remove`) is too early: the worker could no longer read the exit code. A run whose container
was killed would then stay in the state "running" forever.

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

# the class replaces its parent for work pools of the type `docker`, and Prefect warns about that
warnings.filterwarnings("ignore", message="Type 'RemovingWorker'")


class RemovingWorker(DockerWorker):  # type: ignore[misc]  # prefect_docker has no types
    """Removes the container of every run, and sets a final commit status for a run that ended with an error."""

    async def setup(self) -> None:
        """Also removes the exited containers that an earlier, killed worker left."""
        await super().setup()
        pool = self._work_pool_name
        await run_sync_in_worker_thread(remove_all, {"label": f"io.prefect.work-pool-name={pool}", "status": "exited"})

    async def run(self, flow_run: FlowRun, *arguments: Any, **options: Any) -> DockerWorkerResult:
        """Runs the container, removes it, and reports a non-zero exit code as the commit's status."""
        result = await super().run(flow_run, *arguments, **options)
        container = result.identifier.rpartition(":")[2]
        await run_sync_in_worker_thread(remove_all, {"id": container})
        if result.status_code:
            await report_crash(flow_run.id, result.status_code)
        return result


async def report_crash(run_id: UUID, code: int) -> None:
    """Sets the commit status of a run that ended without a final state. Uses the worker's own `PREDEPLOY_GITHUB_*`."""
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
    if run.state is None or not run.state.is_final():
        await set_final_status(None, run, Crashed(message=f"its container ended with exit code {code}"))


def remove_all(filters: dict[str, str]) -> None:
    """Removes the containers that match Docker's `filters`. Ignores containers that are already gone."""
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
