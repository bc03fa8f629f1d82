"""Makes the keys of a run's checks, and decides which results of earlier runs stand for them."""

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import EngineError, PredeployError
from tasks.execution.reuse.decision import choose_reused
from tasks.execution.reuse.keys import CheckKey, KeyFacts, digest, keys_of
from tasks.execution.reuse.machine import caller_digest, machine_digest, own_code, secret_digest
from tasks.execution.reuse.store import Record, ResultStore, open_store
from tasks.execution.reuse.work import Reuse
from tasks.models import EngineFacts
from tasks.planning.lowering import environments_of
from tasks.source.selection import FileSelection
from tasks.source.tree import Tree, read_tree
from tasks.steps import Environment
from tasks.validation.base_images import base_images
from tasks.validation.job import Job
from tasks.validation.scope import Scope

IDENTITY_LIMIT = 90.0
"""Seconds for the digests of base images. Without them, the run only reuses nothing."""


async def open_reuse(job: Job, engine: Engine) -> Reuse | None:
    """Returns the reuse of a run; None if the run neither takes results from the store nor adds to it."""
    if not may_reuse(job):
        return None
    identity: Mapping[str, str] = {}
    if "image" in engine.provides:
        images = await asyncio.to_thread(base_images, job.scope)
        if images is None:  # no digest says what would be built
            return None
        environments = _environments(job.scope)
        has_database = any(check.database for check in job.scope.plan.checks)
        try:
            async with asyncio.timeout(IDENTITY_LIMIT):
                identity = await engine.identify(environments, images, has_database=has_database)
        except (EngineError, TimeoutError):  # the checks that need the image report it
            return None
    return await asyncio.to_thread(_open, job, engine, identity)


def _environments(scope: Scope) -> list[Environment]:
    """Returns the environments of all checks, and those that images without a Dockerfile are made of."""
    found: dict[str, Environment] = {}
    for check in scope.plan.checks:
        found |= {each.key: each for each in environments_of(check, scope.lowering)}
        with contextlib.suppress(PredeployError):  # the check itself reports it
            image = scope.lowering.image(check)
            found |= {image.environment.key: image.environment} if image and image.environment else {}
    return list(found.values())


def _open(job: Job, engine: Engine, identity: Mapping[str, str]) -> Reuse | None:
    """It blocks: it reads the store and the programs on PATH."""
    store = open_store(job.user_dirs.cache, job.user_dirs.data)
    if store is None:
        return None
    maker = KeyMaker(
        scope=job.scope,
        environ=job.environ,
        values=job.secrets,
        engine=engine.facts,
        store=store,
        has_images="image" in engine.provides,
        identity=identity,
    )
    before, keys = stamps_of(job.scope.tree), maker.keys(job.scope.tree)
    records = {} if job.settings.fresh else records_for(job.scope, keys, store)
    return Reuse(
        store=store,
        stack=os.fspath(job.scope.home),
        run_id=job.run_id,
        now=time.time,
        keys=keys,
        records=records,
        changed=partial(changed_checks, job, maker, keys, before),
        redactor=job.secrets.redactor,
    )


def may_reuse(job: Job) -> bool:
    """Whether the run may use the store: of trusted code, for a person, and without a gate, an export or a shard."""
    is_alone = job.is_trusted and job.whole is None and not job.secrets.stale
    return job.reuses and is_alone and allows_reuse(job.scope)


def allows_reuse(scope: Scope) -> bool:
    """Whether the settings and the outputs of a run let it use the store."""
    settings = scope.settings
    exports = bool(scope.deliveries or scope.handovers)
    has_server = settings.mysql_url is not None  # nothing says what it is, and which version
    return settings.reuse and not (settings.gate or exports or has_server)


def records_for(scope: Scope, keys: Mapping[str, CheckKey], store: ResultStore) -> dict[str, Record]:
    """Returns the records that stand for checks of this run, by check id."""
    now = time.time()
    known = {check_id: each for check_id, each in keys.items() if each.key}
    flaky = {check_id for check_id, each in known.items() if store.is_flaky(each.key)}
    found = {
        check_id: record
        for check_id, each in known.items()
        if check_id not in flaky and (record := store.find(each.key, check_id, each.limit, now))
    }
    return {check_id: found[check_id] for check_id in choose_reused(scope.plan, found, flaky)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMaker:
    """Makes the keys of a scope's checks for a state of its tree. `values` are those of the secrets.

    `identity` has the digests of base images and the platform of an engine that has images.
    """

    scope: Scope
    environ: Mapping[str, str]
    values: Mapping[str, str]
    engine: EngineFacts
    store: ResultStore
    has_images: bool = False
    identity: Mapping[str, str] = field(default_factory=dict)

    def keys(self, tree: Tree) -> dict[str, CheckKey]:
        """Returns the key of each check, by id."""
        scope, secret = self.scope, self.store.secret

        base = (scope.deployed, scope.base[0].digest) if scope.base else ()
        facts = KeyFacts(
            predeploy=own_code(),
            engine=f"{self.engine.name} {self.engine.version} {platform.system()} {platform.machine()}",
            machine=(caller_digest if self.has_images else machine_digest)(self.environ, secret),
            settings=digest([scope.images, scope.settings.postgres, dict(self.identity)]),
            files=FileSelection(tree).digest,
            lowering=scope.lowering,
            base=digest(base),
            secret=lambda name: secret_digest(self.values[name], secret) if name in self.values else "",
            day=f"{datetime.now(UTC):%Y-%m-%d}",
            has_images=self.has_images,
        )
        return keys_of(scope.plan, facts)


def changed_checks(
    job: Job, maker: KeyMaker, keys: Mapping[str, CheckKey], before: Mapping[str, tuple[int, ...]]
) -> frozenset[str]:
    """Returns the checks whose key has changed since the run began, or one of whose files was written meanwhile."""
    everything = frozenset(keys)
    try:
        tree = read_tree(job.scope.tree.root, job.user_dirs.cache / "digests")
    except PredeployError:
        return everything
    if stamps_of(tree) != before:
        return everything
    after = maker.keys(tree)
    return frozenset(check_id for check_id, each in keys.items() if after[check_id].key != each.key)


def stamps_of(tree: Tree) -> dict[str, tuple[int, ...]]:
    """Returns mode, size, times and inode of each file of the tree: a write changes them, even one that is undone."""
    return {path: _stamp(tree.root / path) for path in tree.files}


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    return (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
