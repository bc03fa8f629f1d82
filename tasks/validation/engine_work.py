"""Opens the engine of a run: the chosen one, or the embedded one if the containers that `auto` found cannot be used."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tasks.engines.choice import EngineChoice, choose_engine, embedded
from tasks.engines.construct import construct_engine
from tasks.engines.context import EngineContext
from tasks.engines.protocol import Engine
from tasks.errors import EngineError
from tasks.execution.work import EngineWork, Work
from tasks.validation.job import Job

Note = Callable[[str], None]
"""Reports what takes long."""
OpenWork = Callable[[Job, Path, Note], contextlib.AbstractAsyncContextManager[Work]]
"""Opens what does the checks of a job. The path is the directory of its logs."""


@contextlib.asynccontextmanager
async def open_engine_work(job: Job, logs: Path, note: Note) -> AsyncIterator[Work]:
    """The checks run here, on an engine of the run's own."""
    async with contextlib.AsyncExitStack() as opened:
        engine = await _open_engine(job, logs, note, opened)
        yield EngineWork(job.scope.plan, engine, job.scope.lowering, logs, whole=job.whole)


async def _open_engine(job: Job, logs: Path, note: Note, opened: contextlib.AsyncExitStack) -> Engine:
    def construct(choice: EngineChoice) -> Engine:
        context = _context(job, choice, note)
        return construct_engine(choice, context, job.settings, logs / "dagger.log", job.images)

    choice = await choose_engine(job.settings.engine, job.environ)
    try:
        return await opened.enter_async_context(construct(choice))
    except EngineError as error:
        if choice.name == "local" or choice.is_certain:
            raise
        note(f"no containers: {error}")
        instead = embedded("the container engine could not be opened", str(error))
    return await opened.enter_async_context(construct(instead))


def _context(job: Job, choice: EngineChoice, note: Note) -> EngineContext:
    scope = job.scope
    return EngineContext(
        tree=scope.tree,
        cache=job.user_dirs.cache,
        data=job.user_dirs.data,
        run_id=job.run_id,
        reason=choice.reason,
        summary=choice.summary,
        note=note,
        environ=job.environ,
        secrets=job.secrets,
        is_trusted=job.is_trusted,
        base=scope.base and scope.base[0],
        fresh=job.settings.gate,
    )
