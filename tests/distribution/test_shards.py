"""Shards: how a plan is divided, which records are accepted, and when a shard counts as lost."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.distribution.liveness import ShardLiveness
from tasks.distribution.records import (
    FORMAT,
    LONGEST_LOG,
    RECORD,
    SIGNS,
    ShardFacts,
    ShardRecord,
    Signs,
    last_part,
    read_record,
    read_signs,
    written,
)
from tasks.distribution.settings import BEATS, ShardSettings
from tasks.distribution.shards import make_shards
from tasks.errors import PredeployError, UsageError
from tasks.models import Diagnostic, EngineFacts, Proof, Result, SecretsFacts, Stage, Status, TestCounts
from tasks.source.origin import find_origin
from tests.support.factories import make_check, make_some_plan

IMAGE = make_check("image", stage=Stage.BUILD)
BUNDLE = make_check("bundle", stage=Stage.BUILD)
SITE = make_check("site", stage=Stage.BUILD)
LINT, TYPES = make_check("lint"), make_check("types", needs=(BUNDLE.id,))
MIGRATE = make_check("migrate", stage=Stage.INTEGRATION, needs=(IMAGE.id,))
FORM = make_check("form", stage=Stage.INTEGRATION, needs=(MIGRATE.id, BUNDLE.id))
PLAN = make_some_plan(IMAGE, BUNDLE, SITE, LINT, TYPES, MIGRATE, FORM)
SECONDS = {each.id: 10.0 for each in PLAN.checks}
REFERENCE = "docker.io/library/python@sha256:" + "1f" * 32


def names(ids: tuple[str, ...]) -> list[str]:
    return [each.partition("[")[0] for each in ids]


@pytest.mark.parametrize("most", range(1, 9))
@pytest.mark.parametrize("seconds", [{}, SECONDS, {LINT.id: 300.0}, {MIGRATE.id: 300.0, SITE.id: 90.0}])
def test_shards_are_closed_under_needs_and_every_check_has_one_owner(most: int, seconds: dict[str, float]) -> None:
    shards = make_shards(PLAN, seconds, most)

    assert 1 <= len(shards) <= most
    for shard in shards:
        assert all({*PLAN[check].needs} <= {*shard.checks} for check in shard.checks)
    assert sorted(check for shard in shards for check in shard.owns) == sorted(check.id for check in PLAN.checks)
    (whole,) = [shard for shard in shards if MIGRATE.id in shard.checks]
    assert FORM.id in whole.checks


def test_a_cheap_build_is_repeated_in_both_shards() -> None:
    first, second = make_shards(PLAN, SECONDS, 2)

    assert names(first.checks) == names(first.owns) == ["image", "bundle", "migrate", "form"]
    assert names(second.checks) == ["bundle", "site", "lint", "types"]
    assert names(second.owns) == ["site", "lint", "types"]


def test_there_are_no_more_shards_than_shorten_the_run() -> None:
    assert len(make_shards(PLAN, {MIGRATE.id: 300.0}, 8)) == 2
    assert len(make_shards(make_some_plan(MIGRATE, IMAGE), {}, 8)) == 1
    assert make_shards(PLAN, SECONDS, 0) == make_shards(PLAN, SECONDS, 1)


def make_record(**over: object) -> ShardRecord:
    result = Result(
        check=LINT.id,
        status=Status.PASSED,
        summary="24 passed",
        duration=3.5,
        proof=Proof(gaps=("no image",)),
        tests=TestCounts(passed=24),
        diagnostics=(Diagnostic(tool="lint", message="größe", file="a.py", line=3),),
        log="logs/lint.log",
    )
    facts = {"format": FORMAT, "check": LINT.id, "key": "k1", "result": result, "log": "said", "owners": (IMAGE.id,)}
    return ShardRecord(**{**facts, "images": (("python", REFERENCE),), **over})  # type: ignore[arg-type]


def read(content: bytes, **images: str) -> ShardRecord:
    return read_record(content, LINT.id, "k1", images)


def test_a_record_survives_the_round_trip() -> None:
    assert read(written(RECORD, make_record())) == make_record()


def test_invalid_unicode_is_replaced() -> None:
    record = make_record(result=replace(make_record().result, reason="name\udce9"))

    assert read(written(RECORD, record)).result.reason == "name?"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "shard_result", "is not a valid result"),
        (b'{"format": 1}', "shard_result", "check Field required"),
        (written(RECORD, make_record())[:-40], "shard_result", "is not a valid result"),
        (written(RECORD, make_record()).replace(b'"passed", ', b'"green", '), "shard_result", "result.status"),
        (written(RECORD, make_record()).replace(b"3.5", b'"3.5"'), "shard_result", "result.duration"),
        (written(RECORD, make_record()).replace(b"3.5", b"-3.5"), "shard_result", "its duration is -3.5 s"),
        (written(RECORD, make_record()).replace(b"3.5", b"NaN"), "shard_result", "its duration is nan s"),
        (written(RECORD, make_record(format=2)), "shard_result", "belongs to another check or format"),
        (written(RECORD, make_record(check=TYPES.id)), "shard_result", "belongs to another check or format"),
        (
            written(RECORD, make_record(result=Result(check="x", status=Status.PASSED))),
            "shard_result",
            "belongs to another check or format",
        ),
        (written(RECORD, make_record(key="k2")), "shard_plan", "another version of predeploy"),
        (
            written(RECORD, make_record(images=(("python", "other"),))),
            "base_image",
            "another image of python than the rest",
        ),
    ],
)
def test_any_other_content_is_rejected(content: bytes, code: str, says: str) -> None:
    with pytest.raises(PredeployError, match=says) as caught:
        read(content, python=REFERENCE)

    assert caught.value.reason_code == code


def test_incomplete_signs_are_ignored() -> None:
    facts = ShardFacts(engine=EngineFacts(name="local", version="1", reason=""), warnings=(), secrets=SecretsFacts())
    signs = Signs(format=FORMAT, beat=3, begun=(LINT.id,), facts=facts, trouble=("usage", "no such check"))
    content = written(SIGNS, signs)

    assert read_signs(content) == signs
    assert [read_signs(content[:length]) for length in range(len(content))] == [None] * len(content)
    assert read_signs(json.dumps({**json.loads(content), "format": 2}).encode()) is None


def test_the_end_of_a_long_log_is_kept() -> None:
    assert last_part(b"short") == "short"
    assert (
        last_part(b"x" * 10 + b"y" * LONGEST_LOG) == "… 10 bytes before this stayed on the worker\n" + "y" * LONGEST_LOG
    )


LIMITS = ShardSettings(lost=60, unclaimed=300, queued=3600)


def make_liveness() -> ShardLiveness:
    return ShardLiveness(settings=LIMITS, pool="shards", begun=1000.0)


def test_a_shard_without_a_worker_is_lost_after_five_minutes() -> None:
    liveness = make_liveness()

    assert liveness.lost(1299.0, is_running=False, is_served=False) is None
    assert liveness.lost(1301.0, is_running=False, is_served=False) == (
        "shard_unclaimed",
        "no worker of the pool shards took the shard within 301 s. Start one: ./just worker shards",
    )


def test_a_shard_whose_workers_are_busy_is_lost_after_an_hour() -> None:
    liveness = make_liveness()

    assert [liveness.lost(1000.0 + 60 * minute, is_running=False, is_served=True) for minute in range(60)] == [
        None
    ] * 60
    late = liveness.lost(4601.0, is_running=False, is_served=True)
    assert late is not None
    assert "all workers of the pool shards were busy" in late[1]


def test_the_five_minutes_start_when_the_last_worker_leaves() -> None:
    liveness = make_liveness()

    assert liveness.lost(1500.0, is_running=False, is_served=True) is None
    assert liveness.lost(1799.0, is_running=False, is_served=False) is None
    assert liveness.lost(1801.0, is_running=False, is_served=False) is not None


def test_a_silent_shard_is_lost_even_if_prefect_shows_it_running() -> None:
    liveness = make_liveness()
    liveness.hear(1010.0, beat=1)
    liveness.hear(1050.0, beat=2)
    liveness.hear(1100.0, beat=2)  # an old sign, read again

    assert liveness.lost(1110.0, is_running=True, is_served=False) is None
    lost = liveness.lost(1111.0, is_running=True, is_served=False)
    assert lost == (
        "shard_lost",
        "the shard gave no sign of life for 60 s: its worker died or lost its connection",
    )


def test_the_silence_of_a_late_shard_counts_from_its_start() -> None:
    liveness = make_liveness()

    assert liveness.lost(1200.0, is_running=True, is_served=False) is None
    assert liveness.lost(1260.0, is_running=True, is_served=False) is None
    lost = liveness.lost(1261.0, is_running=True, is_served=False)
    assert lost is not None
    assert "writes nothing to the result storage" in lost[1]


def test_a_shard_gives_several_signs_within_the_limit() -> None:
    assert LIMITS.beat * BEATS == LIMITS.lost
    assert ShardSettings().lost == 60


def git(place: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", place, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository with one commit."""
    source = tmp_path / "source"
    (source / "apps").mkdir(parents=True)
    (source / "apps/manage.py").write_text("x")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", source], check=True)
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message=one")
    subprocess.run(["git", "clone", "--quiet", source, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


def test_the_origin_of_a_commit_is_the_remote_with_the_directory(clone: Path) -> None:
    origin = find_origin(clone / "apps")

    assert (origin.repository, origin.directory) == (str(clone.parent / "source"), "apps")
    assert origin.commit == git(clone, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://user:secret@git.example/acme/cafe.git", "https://git.example/acme/cafe.git"),
        ("https://ghp_token@git.example/acme/cafe.git", "https://git.example/acme/cafe.git"),
        ("ssh://git@git.example/acme/cafe.git", "ssh://git@git.example/acme/cafe.git"),
        ("git@git.example:acme/cafe.git", "git@git.example:acme/cafe.git"),
        ("../source", "{parent}/source"),
    ],
)
def test_a_remote_is_named_without_its_credentials(clone: Path, url: str, repository: str) -> None:
    git(clone, "remote", "set-url", "origin", url)

    assert find_origin(clone).repository == repository.format(parent=clone.parent)


def test_without_a_remote_the_origin_is_the_directory_itself(clone: Path) -> None:
    source = clone.parent / "source"

    assert find_origin(source / "apps").repository == str(source)


def test_a_commit_that_was_not_pushed_is_refused(clone: Path) -> None:
    (clone / "apps/manage.py").write_text("y")
    with pytest.raises(UsageError, match=r"1 file here differs from the commit .*: apps/manage.py\. Commit"):
        find_origin(clone)

    git(clone, "commit", "--quiet", "--all", "--message=two")
    with pytest.raises(UsageError, match=r"workers do not find .* that it was pushed\. Push it"):
        find_origin(clone)
    assert find_origin(clone, "HEAD~1").commit == git(clone, "rev-parse", "HEAD~1")
    with pytest.raises(UsageError, match="--commit gone: git does not have this commit here"):
        find_origin(clone, "gone")
