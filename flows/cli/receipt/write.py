"""Writes the receipt of a green run."""

import json
import os
import time
from pathlib import Path

from flows.cli.receipt.answer import ASKED
from flows.cli.receipt.facts import facts_of, git_facts, request_file, request_of, stack_file
from flows.cli.receipt.kept import drop_old, kept_report, serves_others
from tasks.engines.dagger.reach import containers_of
from tasks.errors import PredeployError
from tasks.execution.reuse.sealed import make_secret, write_sealed
from tasks.models import Report, SkipReason
from tasks.source.base import base_commit
from tasks.stack import Kind
from tasks.validation.job import Job
from tasks.validation.scope import Scope


def write_receipt(report: Report, job: Job, text: str, place: Path) -> None:
    """Writes the receipt if a new run could give no other report. `place` is the directory of the report."""
    if not serves_others(job) or not report.certain_until or not has_certain_engine(job, report) or not job.reuses:
        return
    if not report.directory or job.settings.base or job.settings.fresh:  # a receipt would be a result of an earlier run
        return
    scope, secret = job.scope, make_secret(job.user_dirs.data)
    if not secret or not is_base_certain(scope):
        return
    receipt = {
        "root": os.fsencode(scope.tree.root).decode("utf-8", "surrogateescape"),
        "facts": facts_of(scope.tree, job.environ, secret),
        "at": time.time(),
        "until": report.certain_until,
        **kept_report(report, text, job, place),
    }
    content = json.dumps(receipt).encode()
    file = request_file(job.user_dirs.cache, request_of(ASKED.command, secret))
    write_sealed(file, secret, content)
    drop_old(file.parent)  # each one ends at midnight
    if scope.plan.whole:
        write_sealed(stack_file(job.user_dirs.cache, scope.home), secret, content)


def has_certain_engine(job: Job, report: Report) -> bool:
    """Whether a new run would take the engine of this one: nothing but the choice and what is within reach decides."""
    asked, engine, containers = job.settings.engine, report.engine.name, containers_of(job.environ)
    if engine == "local":
        return asked == "local" or (asked == "auto" and containers == "none")
    return asked != "local" and containers not in {"", "none"}


def is_base_certain(scope: Scope) -> bool:
    """Whether git still names the deployed commit that the run had, and the tree has a stable history meanwhile."""
    if scope.tree.commit is None:
        return True
    before = git_facts(scope.tree)
    try:
        chosen = base_commit(scope.tree, "")
    except PredeployError:
        return False
    if scope.deployed is not None:
        is_same = chosen == scope.deployed
    else:
        is_same = isinstance(chosen, SkipReason) or not scope.stack.of(Kind.WEB)
    return is_same and git_facts(scope.tree) == before
