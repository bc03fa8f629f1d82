"""Prefect's worker for Docker, which takes each container away once it knows how that ended.

Docker's own removal (`auto_remove`) comes before the worker can ask, and a run whose container was killed would be
shown as running for ever.

usage: python -m deployments.docker_worker worker start --pool docker, with all options of `prefect worker start`
"""

import runpy
import warnings
from typing import Any

import docker
from docker.errors import NotFound
from prefect.utilities.asyncutils import run_sync_in_worker_thread
from prefect_docker.worker import DockerWorker, DockerWorkerResult

# the class takes the place of its parent for work pools of the type `docker`, which Prefect warns of
warnings.filterwarnings("ignore", message="Type 'RemovingWorker'")


class RemovingWorker(DockerWorker):  # type: ignore[misc]  # it has no types
    """Whatever becomes of a run, nothing of its container is left."""

    async def setup(self) -> None:
        """Begins with what a worker has left that was itself killed."""
        await super().setup()
        pool = self._work_pool_name
        await run_sync_in_worker_thread(remove_all, {"label": f"io.prefect.work-pool-name={pool}", "status": "exited"})

    async def run(self, *arguments: Any, **options: Any) -> DockerWorkerResult:
        """As its parent, up to the exit code."""
        result = await super().run(*arguments, **options)
        container = result.identifier.rpartition(":")[2]
        await run_sync_in_worker_thread(remove_all, {"id": container})
        return result


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
