"""A validation that runs in the loop of the flow that records it: the flow of a deployment has no command line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flows.recording.run_events import RunEvents, enter_run_events
from tasks.execution.executor import Run
from tasks.redaction.streams import masked_errors
from tasks.report.directory import create_run_directory
from tasks.report.live import Silent
from tasks.report.publish import publish
from tasks.validation.engine_work import OpenWork
from tasks.validation.job import Job
from tasks.validation.report_files import report_files
from tasks.validation.validation import Validation


@asynccontextmanager
async def running(job: Job, open_work: OpenWork) -> AsyncIterator[RunEvents]:
    """Opens the engine, begins the checks of a job, and yields their events. At the end, the report is published.

    The checks run in a task of their own. They are cancelled if an error or a cancellation ends the block. Raises the
    error that keeps the checks from beginning, and the error that keeps the report from being made or published.
    """
    begun: asyncio.Future[RunEvents] = asyncio.get_running_loop().create_future()
    with masked_errors(job.secrets.redactor):
        validation = asyncio.create_task(_validate(job, open_work, begun))
        try:
            first: set[asyncio.Future[Any]] = {begun, validation}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not begun.done():
                await validation
            events = begun.result()
            enter_run_events(events)
            yield events
            await validation
        finally:
            validation.cancel()
            await asyncio.gather(validation, return_exceptions=True)


async def _validate(job: Job, open_work: OpenWork, begun: asyncio.Future[RunEvents]) -> None:
    def follow(run: Run) -> None:
        events = RunEvents(run)
        events.follow()
        begun.set_result(events)

    with create_run_directory(job.scope.home, job.run_id) as directory:
        validation = Validation(job=job, directory=directory, progress=Silent(), begun=follow, open_work=open_work)
        try:
            report = await validation.run()
            publish(directory, await asyncio.to_thread(report_files, report, job, directory))
        except Exception as error:
            if begun.done():
                await begun.result().close(error)
            raise
