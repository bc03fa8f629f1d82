"""The store of passed results: only whole, own, young records of passes count."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution.reuse.keys import DAY, WEEK
from tasks.execution.reuse.sealed import write_sealed
from tasks.execution.reuse.store import CLOCK_ERROR, FORMAT, Record, ResultStore, open_store
from tasks.models import Diagnostic, Proof, Result, Severity, Status, TestCounts

KEY, NOW = "ab" * 32, 1_000_000.0
RESULT = Result(
    check="tests[apps/web]",
    status=Status.PASSED,
    proof=Proof(gaps=("another Python",)),
    summary="3 passed",
    tests=TestCounts(passed=3),
    exit_code=0,
    diagnostics=(Diagnostic(tool="pytest", message="slow", severity=Severity.WARNING, file="a.py", line=3),),
)
RECORD = Record(format=FORMAT, key=KEY, check=RESULT.check, run="run-1", at=NOW, result=RESULT)


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(base=tmp_path / "results", secret=b"s" * 32)


def find(store: ResultStore, *, key: str = KEY, check: str = RESULT.check, now: float = NOW) -> Record | None:
    return store.find(key, check, WEEK, now)


def test_record_comes_back_whole(store: ResultStore) -> None:
    store.keep(RECORD)

    assert find(store) == RECORD


@pytest.mark.parametrize(
    ("limit", "age", "is_found"),
    [(WEEK, WEEK, True), (WEEK, WEEK + 1, False), (DAY, DAY + 1, False), (DAY, -CLOCK_ERROR - 1, False)],
)
def test_old_record_is_ignored(store: ResultStore, limit: float, age: float, is_found: bool) -> None:
    store.keep(RECORD)

    assert (store.find(KEY, RESULT.check, limit, NOW + age) is not None) == is_found


def test_record_of_another_key_or_check_is_ignored(store: ResultStore) -> None:
    store.keep(RECORD)
    (store.base / "cd").mkdir()
    other = "cd" * 32
    (store.base / f"cd/{other}.json").write_bytes((store.base / f"ab/{KEY}.json").read_bytes())

    assert find(store, key=other) is None
    assert find(store, check="lint[apps/web]") is None
    assert find(store, key="ef" * 32) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-5],
        lambda content: content.replace(b"passed", b"Passed", 1),
        lambda content: content.replace(b"3 passed", b"9 passed"),
        lambda content: content.partition(b"\n")[2],
        lambda content: b"\n" + content.partition(b"\n")[2],
        lambda content: b"\xff" * 100,
    ],
)
def test_damaged_record_is_ignored(store: ResultStore, damage: Callable[[bytes], bytes]) -> None:
    store.keep(RECORD)
    path = store.base / f"ab/{KEY}.json"
    path.write_bytes(damage(path.read_bytes()))

    assert find(store) is None


def test_record_of_another_machine_is_ignored(store: ResultStore) -> None:
    ResultStore(base=store.base, secret=b"t" * 32).keep(RECORD)

    assert find(store) is None


@pytest.mark.parametrize("status", [Status.FAILED, Status.ERRORED, Status.SKIPPED])
def test_sealed_record_of_no_pass_is_ignored(store: ResultStore, status: Status) -> None:
    with pytest.raises(AssertionError):
        store.keep(replace(RECORD, result=replace(RESULT, status=status)))
    store.keep(RECORD)
    path = store.base / f"ab/{KEY}.json"
    document = json.loads(path.read_bytes().partition(b"\n")[2])
    document["result"]["status"] = status.value
    content = json.dumps(document).encode()
    write_sealed(path, store.secret, content)

    assert find(store) is None


def test_failed_key_is_flaky_and_loses_its_record(store: ResultStore) -> None:
    store.keep(RECORD)
    store.mark_flaky(KEY)

    assert store.is_flaky(KEY)
    assert find(store) is None


def test_latest_parts_are_merged(store: ResultStore) -> None:
    store.keep_latest("/stack", {"a": {"files": "1"}, "b": {"files": "1"}})
    store.keep_latest("/stack", {"b": {"files": "2"}})

    assert store.latest("/stack") == {"a": {"files": "1"}, "b": {"files": "2"}}
    assert store.latest("/other") == {}


def test_unwritable_store_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file in the way")
    store = ResultStore(base=tmp_path / "results", secret=b"s" * 32)
    store.keep(RECORD)
    store.mark_flaky(KEY)
    store.prune(NOW)

    assert find(store) is None


def test_old_records_are_deleted(store: ResultStore) -> None:
    store.keep(RECORD)
    written = (store.base / f"ab/{KEY}.json").stat().st_mtime
    store.prune(written + WEEK + 10)

    assert not (store.base / f"ab/{KEY}.json").exists()


def test_secret_is_made_once_and_for_the_user_alone(tmp_path: Path) -> None:
    first, second = (open_store(tmp_path / "cache", tmp_path / "data") for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.secret == second.secret
    assert stat.S_IMODE((tmp_path / "data/results.secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["results.secret"]
