"""The results of a distributed run, with fake shards and a real storage."""

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.filesystems import LocalFileSystem

from flows.distribution.parameters import Distribution
from flows.distribution.publisher import SIGNS_NAME, record_name
from flows.distribution.shard_runs import Pool, ShardRun, ShardRuns, ShardState
from flows.distribution.sharded_work import POLL, Sending, ShardedWork
from flows.distribution.shared_storage import SharedStorage
from tasks.distribution.records import FORMAT, RECORD, SIGNS, ShardFacts, ShardRecord, Signs, written
from tasks.execution.executor import Policy, Run
from tasks.models import Diagnostic, EngineFacts, Result, SecretsFacts, Status
from tasks.source.origin import find_origin
from tasks.validation.scope import Scope, keys_of, read_scope
from tests.support.fakes import Witness

POLICY = "".join(
    f'[[check]]\nname = "{name}"\nstage = "{stage}"\nrun = "true"\n'
    for name, stage in (("bundle", "build"), ("lint", "quality"), ("form", "integration"))
)
BUNDLE, LINT, FORM = "bundle", "lint", "form"
BROKEN = Diagnostic(tool="uv", message="the lock does not fit", file="uv.lock")
FACTS = ShardFacts(
    engine=EngineFacts(name="local", version="1", reason="it was asked for"),
    warnings=("a note",),
    secrets=SecretsFacts(source="the environment", names=("KEY",)),
)
Played = ShardRecord | bytes | None


@dataclass(kw_only=True)
class Acted(ShardRuns):
    """Fake shards that store given records. Shards in `silent` write one sign of life and hang."""

    home: Path
    keys: Mapping[str, str]
    plays: Mapping[str, Any]
    scope: Scope
    is_silent: bool = False
    is_slow_to_end: bool = False
    crashed: list[str] = field(default_factory=list)
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    acting: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)

    async def open(self) -> Pool:
        return Pool(name="shards", workers=2)

    async def storage(self, place: str) -> SharedStorage:
        return SharedStorage(block=LocalFileSystem(basepath=str(self.home)), place=place)

    async def create(self, parameters: Mapping[str, Any], *, name: str, tag: str) -> ShardRun:
        self.sent.append(parameters)
        run = ShardRun(id=uuid4())
        self.acting[run.id] = asyncio.create_task(self.act(parameters, await self.storage(parameters["results"])))
        return run

    async def state(self, run: ShardRun) -> ShardState:
        return ShardState(message="Completed", is_final=self.acting[run.id].done(), is_running=True)

    async def crash(self, run: ShardRun, reason: str) -> None:
        self.crashed.append(reason)
        self.acting[run.id].cancel()

    async def close(self) -> None:
        for task in self.acting.values():
            task.cancel()

    async def act(self, parameters: Mapping[str, Any], storage: SharedStorage) -> None:
        ended = []
        for check in () if self.is_silent else parameters["checks"]:
            played: Played = self.plays.get(check, self.record(check))
            if played is not None:
                content = played if isinstance(played, bytes) else written(RECORD, played)
                await storage.write(record_name(self.scope.plan, check), content)
                ended.append(check)
        signs = Signs(format=FORMAT, beat=1, ended=tuple(ended))
        if self.is_silent or self.is_slow_to_end:
            await storage.write(SIGNS_NAME, written(SIGNS, signs))
        if self.is_silent:
            await asyncio.Event().wait()
        if self.is_slow_to_end:
            await asyncio.sleep(2 * POLL)
        await storage.write(SIGNS_NAME, written(SIGNS, replace(signs, facts=FACTS)))

    def record(self, check: str, status: Status = Status.PASSED, **over: Any) -> ShardRecord:
        """The record of a shard for a check."""
        red = (BROKEN,) if status is Status.FAILED else ()
        result = Result(check=check, status=status, duration=2.5, diagnostics=red)
        return ShardRecord(
            **{"format": FORMAT, "check": check, "key": self.keys[check], "result": result, "log": "", **over}
        )


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """Three checks, one of each stage."""
    stack = tmp_path / "stack"
    stack.mkdir()
    (stack / "predeploy.toml").write_text(POLICY)
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=one")):
        subprocess.run(["git", "-C", stack, *arguments], check=True)
    return read_scope(stack, {}, {}, tmp_path / "cache")


def make_runs(scope: Scope, tmp_path: Path, **over: Any) -> Acted:
    return Acted(home=tmp_path / "shared", keys=keys_of(scope), scope=scope, **{"plays": {}, **over})


async def results_of(scope: Scope, runs: Acted, tmp_path: Path, **images: str) -> tuple[dict[str, Result], ShardedWork]:
    sending = Sending(run_id="r1", logs=tmp_path, seconds={}, images=images)
    work = ShardedWork(scope, Distribution(origin=find_origin(scope.home)), sending, lambda _: None, runs)
    run = Run(scope.plan, work, Witness(), Policy(jobs=8))
    run.start()
    async with asyncio.timeout(20):
        return await run.wait(), work


def codes(results: Mapping[str, Result]) -> dict[str, tuple[Status, str]]:
    return {check: (result.status, result.reason_code) for check, result in results.items()}


@pytest.mark.parametrize("is_slow_to_end", [False, True])
async def test_every_check_has_the_result_of_its_shard(scope: Scope, tmp_path: Path, *, is_slow_to_end: bool) -> None:
    runs = make_runs(scope, tmp_path, is_slow_to_end=is_slow_to_end)

    results, work = await results_of(scope, runs, tmp_path)

    assert {*codes(results).values()} == {(Status.PASSED, "")}
    assert {result.duration for result in results.values()} == {2.5}
    assert len(runs.sent) == 2
    assert sorted(check for sent in runs.sent for check in sent["checks"]) == sorted([BUNDLE, LINT, FORM])
    assert (work.facts.name, work.facts.reason) == ("local", "2 shards on workers: it was asked for")
    assert not [*(tmp_path / "shared").rglob("*.json")]


@pytest.mark.parametrize(
    ("played", "code"), [(b"{}", "shard_result"), (b"", "shard_result"), (None, "shard_ended")], ids=str
)
async def test_missing_or_invalid_results_are_errored_and_others_kept(
    scope: Scope, tmp_path: Path, played: Played, code: str
) -> None:
    results, _ = await results_of(scope, make_runs(scope, tmp_path, plays={FORM: played}), tmp_path)

    assert codes(results) == {BUNDLE: (Status.PASSED, ""), LINT: (Status.PASSED, ""), FORM: (Status.ERRORED, code)}
    assert "shard 1 of 2: " in results[FORM].reason


async def test_a_result_of_another_plan_is_errored(scope: Scope, tmp_path: Path) -> None:
    runs = make_runs(scope, tmp_path)
    runs.plays = {LINT: runs.record(LINT, key="another")}

    results, _ = await results_of(scope, runs, tmp_path)

    assert codes(results)[LINT] == (Status.ERRORED, "shard_plan")


@pytest.mark.parametrize("images", [{}, {"python": "python@sha256:1"}], ids=["the first decides", "resolved"])
async def test_shards_with_different_images_are_no_pass(scope: Scope, tmp_path: Path, images: dict[str, str]) -> None:
    runs = make_runs(scope, tmp_path)
    runs.plays = {
        check: runs.record(check, images=(("python", reference),))
        for check, reference in ((FORM, "python@sha256:1"), (BUNDLE, "python@sha256:2"), (LINT, "python@sha256:2"))
    }

    results, _ = await results_of(scope, runs, tmp_path, **images)

    found = codes(results)
    assert (Status.ERRORED, "base_image") in found.values()
    if images:
        assert found[FORM] == (Status.PASSED, "")
        assert runs.sent[0]["images"] == images


async def test_broken_lock_is_one_red_check_in_shards_too(scope: Scope, tmp_path: Path) -> None:
    runs = make_runs(scope, tmp_path)
    red = {check: runs.record(check, Status.FAILED) for check in (BUNDLE, FORM)}
    runs.plays = {BUNDLE: red[BUNDLE], FORM: replace(red[FORM], owners=(BUNDLE, "gone"))}

    results, _ = await results_of(scope, runs, tmp_path)

    assert codes(results) == {
        BUNDLE: (Status.FAILED, ""),
        LINT: (Status.PASSED, ""),
        FORM: (Status.SKIPPED, "needs"),
    }


async def test_silent_shard_is_lost_and_reported(scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDEPLOY_SHARD_LOST", "0.2")
    runs = make_runs(scope, tmp_path, is_silent=True)

    results, work = await results_of(scope, runs, tmp_path)

    assert {*codes(results).values()} == {(Status.ERRORED, "shard_lost")}
    assert len(runs.crashed) == 2
    assert work.facts.name == "none"
