"""Foresees for `--plan` which checks would not run again, and what has changed for the others."""

import asyncio
import os
import time
from collections.abc import Mapping

from tasks.engines.choice import choose_engine
from tasks.engines.local.engine import VERSION
from tasks.errors import EngineError
from tasks.execution.reuse.keys import CheckKey, changed_parts
from tasks.execution.reuse.store import Record, ResultStore, open_store
from tasks.models import EngineFacts
from tasks.report.facts import span
from tasks.user_dirs import UserDirs
from tasks.validation.reused import KeyMaker, allows_reuse, records_for
from tasks.validation.scope import Scope


def foresee(scope: Scope, environ: Mapping[str, str], user_dirs: UserDirs) -> dict[str, str]:
    """Returns a text for each check that runs commands, by id. It is empty if the run would reuse nothing."""
    settings = scope.settings
    if settings.fresh or not allows_reuse(scope):
        return {}
    try:
        choice = asyncio.run(choose_engine(settings.engine, environ))
    except EngineError:
        return {}
    store = open_store(user_dirs.cache, user_dirs.data)
    if choice.name != "local" or store is None:
        return {}
    facts = EngineFacts(name="local", version=VERSION, reason="")
    keys = KeyMaker(scope=scope, environ=environ, values={}, engine=facts, store=store).keys(scope.tree)
    records = records_for(scope, keys, store)
    latest = store.latest(os.fspath(scope.home))
    has_secret = {check.id for check in scope.plan.checks if any(program.secrets for program in check.programs)}
    return {
        check.id: "its secrets, which --plan does not read, decide whether it runs"
        if check.id in has_secret and keys[check.id].key
        else _text(keys[check.id], records.get(check.id), latest.get(check.id), store, time.time())
        for check in scope.plan.checks
        if check.commands
    }


def _text(
    key: CheckKey, record: Record | None, earlier: Mapping[str, str] | None, store: ResultStore, now: float
) -> str:
    if record is not None:
        return f"cached: it passed in the run {record.run}, {span(max(now - record.at, 0.0))} ago"
    if key.never:
        return f"runs: {key.never}"
    if store.is_flaky(key.key):
        return "runs: it has failed before with the same key"
    if earlier is None:
        return "runs: no earlier pass is known"
    if changed := changed_parts(key, earlier):
        return f"runs: changed since its last pass: {', '.join(changed)}"
    return "runs: its last pass is too old, or a check that uses it runs"
