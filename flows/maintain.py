"""The flow `maintain`: keeps caches, reports and history within limits, and reports what that did to the disk."""

import os
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.history import prune_history
from tasks.engines.dagger.prune import prune_engine
from tasks.engines.local.prune import Limits, prune_cache, prune_reports
from tasks.engines.local.run_dirs import remove_abandoned_run_dirs
from tasks.user_dirs import UserDirs

GIGABYTE = 1 << 30


@flow(name="maintain", flow_run_name="maintain", persist_result=False)
async def maintain(days: float = 30, gigabytes: float = 20, history_days: float = 90) -> State[Any]:
    """Keep what runs leave on the disk within limits; nothing that a run holds is touched.

    Args:
        days: What no run has used for so many days goes from the cache of the worker's machine.
        gigabytes: So large that cache may be, and that of a Dagger engine; what was not used for longest goes first.
        history_days: Runs in Prefect that are older go, and their reports on the worker's disk.
    """
    user_dirs = UserDirs.of_user()
    size, age, now = int(gigabytes * GIGABYTE), timedelta(days=history_days), time.time()
    remove_abandoned_run_dirs(user_dirs.data)
    kept = [
        prune_cache(user_dirs.cache, Limits(days=days, size=size), now),
        await prune_engine(os.environ, user_dirs.cache / "maintain.log", size),
        prune_reports(user_dirs.data / "validations", history_days, now),
        await prune_history(datetime.now(UTC) - age),
    ]
    table: list[dict[str, Any]] = [{**asdict(each), "summary": each.summary} for each in kept]
    await acreate_table_artifact(table, key="maintain-disk", description="What upkeep did to the disk")
    return Completed(message="\n".join(each.summary for each in kept))
