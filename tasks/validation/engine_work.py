"""Opens the engine of a run: the chosen one, or the embedded one if the containers that `auto` found cannot be used."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tasks.engines.context import EngineContext
from tasks.engines.opening import EngineConfig, open_engine
from tasks.engines.protocol import Engine
from tasks.execution.reuse.work import ReusingWork
from tasks.execution.work import EngineWork, Work
from tasks.report.parts import part
from tasks.trust import trust_of
from tasks.validation.job import Job
from tasks.validation.reused import open_reuse

Note = Callable[[str], None]
"""Reports a step that takes long."""
OpenWork = Callable[[Job, Path, Note], contextlib.AbstractAsyncContextManager[Work]]
"""Opens the executor of a job's checks. The path is the directory of its logs."""


@contextlib.asynccontextmanager
async def open_engine_work(job: Job, logs: Path, note: Note) -> AsyncIterator[Work]:
    """The checks run here, on an engine of the run's own."""
    async with contextlib.AsyncExitStack() as opened:
        with part("engine"):
            engine = await _open_engine(job, logs, note, opened)
        scope = job.scope
        with part("keys"):
            reuse = await open_reuse(job, engine)
        has_exports = bool(scope.handovers)
        if reuse:
            yield ReusingWork(scope.plan, engine, scope.lowering, logs, reuse, has_exports=has_exports)
        else:
            yield EngineWork(scope.plan, engine, scope.lowering, logs, whole=job.whole, has_exports=has_exports)


async def _open_engine(job: Job, logs: Path, note: Note, opened: contextlib.AsyncExitStack) -> Engine:
    settings, scope = job.settings, job.scope
    context = EngineContext(
        tree=scope.tree,
        cache=job.user_dirs.cache,
        data=job.user_dirs.data,
        run_id=job.run_id,
        note=note,
        environ=job.environ,
        secrets=job.secrets,
        trust=trust_of(job.is_trusted),
        base=scope.base and scope.base[0],
        fresh=settings.gate or settings.fresh,
        gate=settings.gate,
    )
    config = EngineConfig(log=logs / "dagger.log", images=scope.images, resolved=job.images, postgres=settings.postgres)
    return await open_engine(opened, settings.engine, context, config)
