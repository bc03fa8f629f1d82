"""Chooses where the checks of a run are executed: on an engine of this process, or in shards on other workers."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from flows.distribution.base_images import resolve_images
from flows.distribution.parameters import Distribution
from tasks.execution.durations import read_history
from tasks.execution.work import Work
from tasks.validation.engine_work import Note, OpenWork, open_engine_work
from tasks.validation.job import Job


def choose_work(distribution: Distribution | None) -> OpenWork:
    """Returns what opens the work: shards if the run is distributed, otherwise an engine."""
    return open_engine_work if distribution is None else partial(open_sharded_work, distribution)


@contextlib.asynccontextmanager
async def open_sharded_work(distribution: Distribution, job: Job, logs: Path, note: Note) -> AsyncIterator[Work]:
    """The checks run in shards. All shards get the same base images, if an engine of containers is in reach here."""
    from flows.distribution.sharded_work import Sending, ShardedWork  # Prefect's client takes long to load

    seconds = read_history(job.user_dirs.cache, job.scope.home).seconds
    images = await resolve_images(job.scope, job.environ, logs / "dagger.log", note)
    sending = Sending(run_id=job.run_id, logs=logs, seconds=seconds, images=images)
    yield ShardedWork(job.scope, distribution, sending, note)
