"""The record of a run in Prefect's database: every check once, with its state and times."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.prefect_server import ServerHandle
from tests.flows.harness import Places, RecorderProcess, Recording, record_run, rows, wait_until
from tests.flows.scripted import MIXED

pytestmark = pytest.mark.real

RUNS = 20
CHECKS = """
    select task.name, task.state_type, task.state_name, state.message, stage.name
    from task_run task
    join task_run_state state on state.id = task.state_id
    join flow_run stage on stage.id = task.flow_run_id
    join task_run placeholder on placeholder.id = stage.parent_task_run_id
    where placeholder.flow_run_id = ? order by task.created
"""
STAGES = """
    select stage.name, stage.state_type, stage.state_name, state.message, stage.start_time, stage.end_time
    from flow_run stage
    join flow_run_state state on state.id = stage.state_id
    join task_run placeholder on placeholder.id = stage.parent_task_run_id
    where placeholder.flow_run_id = ? order by stage.name
"""


def flow_run_id(recording: Recording) -> str:
    assert recording.url is not None
    return recording.url.rpartition("/")[2]


@pytest.fixture(scope="module")
def runs(server: ServerHandle, shared_places: Places) -> list[Recording]:
    """Twenty runs in a row, each with ten checks that end at once."""
    return RecorderProcess(shared_places, runs=RUNS).wait()


@pytest.fixture(scope="module")
def home(server: ServerHandle) -> Path:
    assert server.home is not None
    return server.home


@dataclass(frozen=True, kw_only=True)
class LongRun:
    """A run whose checks ended at `end`, in UTC, after Prefect had recorded the start of all of them."""

    recording: Recording
    end: datetime


@pytest.fixture(scope="module")
def long_run(home: Path, shared_places: Places, tmp_path_factory: pytest.TempPathFactory) -> LongRun:
    end = tmp_path_factory.mktemp("run") / "end"
    running = "select id from task_run where state_name = 'Running' and task_key like 'run_check%'"
    before = len(rows(home, running))
    recorder = RecorderProcess(shared_places, held_by=end)
    try:
        wait_until(lambda: len(rows(home, running)) == before + len(MIXED), limit=60)
    finally:
        moment = datetime.now(UTC).replace(tzinfo=None)
        end.touch()
    (recording,) = recorder.wait()
    return LongRun(recording=recording, end=moment)


@pytest.fixture(scope="module")
def run(long_run: LongRun) -> str:
    return flow_run_id(long_run.recording)


@pytest.mark.slow
def test_every_check_of_twenty_runs_in_a_row_is_recorded(runs: list[Recording], home: Path) -> None:
    counts = [len(rows(home, CHECKS, flow_run_id(run))) for run in runs]

    assert [run.unrecorded for run in runs] == [None] * RUNS
    assert counts == [len(MIXED)] * RUNS
    unfinished = "select name from task_run where state_type in ('PENDING', 'RUNNING', 'SCHEDULED')"
    assert rows(home, unfinished) == []


@pytest.mark.slow
def test_no_request_was_rejected(runs: list[Recording], home: Path) -> None:
    assert (home / "server.log").read_text() == ""
    assert (home / "server.err").read_text() == ""


def test_check_is_shown_with_its_name_and_a_readable_state(run: str, home: Path) -> None:
    shown = {name: (kind, state, message) for name, kind, state, message, _ in rows(home, CHECKS, run)}

    assert shown == {
        "django_container": ("COMPLETED", "Completed", "built"),
        "worker_container": ("COMPLETED", "Cached", "bundled"),
        "site[sites/a]": ("COMPLETED", "Completed", ""),
        "site[sites/b]": ("COMPLETED", "Completed", ""),
        "ruff_check": ("COMPLETED", "Completed", ""),
        "mypy": (
            "FAILED",
            "Failed",
            "\n".join(
                ["1 error", *(f"apps/web/a.py:{line}:7: Incompatible types" for line in (3, 4, 5)), "and 2 more"]
            ),
        ),
        "pytest": ("COMPLETED", "Completed", "24 passed"),
        "migrate": ("CRASHED", "NoVerdict", "Postgres did not start"),
        "django_check": ("COMPLETED", "Completed", ""),
        "django_health": ("CANCELLED", "Skipped", "migrate did not pass"),
    }


def test_each_check_is_recorded_in_its_stage(run: str, home: Path) -> None:
    assert Counter(stage for *_, stage in rows(home, CHECKS, run)) == {"build": 4, "quality": 3, "integration": 3}


def test_stage_has_the_state_of_its_worst_check(run: str, home: Path) -> None:
    assert [row[:4] for row in rows(home, STAGES, run)] == [
        ("build", "COMPLETED", "Completed", "4 passed, 1 of them cached"),
        ("integration", "CRASHED", "NoVerdict", "1 errored, 1 passed, 1 skipped"),
        ("quality", "FAILED", "Failed", "1 failed, 2 passed"),
    ]


def test_run_with_a_failed_check_is_failed(run: str, home: Path) -> None:
    query = "select run.state_type, message from flow_run run join flow_run_state s on s.id = state_id where run.id = ?"

    assert rows(home, query, run) == [("FAILED", "1 failed, 1 errored, 7 passed, 1 of them cached, 1 skipped")]


def test_stages_run_concurrently(run: str, home: Path) -> None:
    spans = [tuple(map(datetime.fromisoformat, row[4:])) for row in rows(home, STAGES, run)]

    assert max(begun for begun, _ in spans) < min(ended for _, ended in spans)


def test_check_has_its_true_duration_even_with_a_late_recorder(long_run: LongRun, run: str, home: Path) -> None:
    query = CHECKS.replace("task.name, task.state_type", "task.start_time, task.end_time, task.total_run_time")
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - Prefect stores a duration as a time after this one
    ((recorder_came,),) = rows(home, "select created from flow_run where id = ?", run)

    for start, end, total, *_ in rows(home, query, run):
        took = datetime.fromisoformat(end) - datetime.fromisoformat(start)
        assert datetime.fromisoformat(start) < datetime.fromisoformat(recorder_came) < long_run.end
        assert long_run.end <= datetime.fromisoformat(end)
        assert datetime.fromisoformat(total) - epoch == pytest.approx(took, abs=timedelta(milliseconds=10))


def test_the_report_is_kept_as_artifacts(run: str, home: Path) -> None:
    kept = dict(rows(home, "select key, data from artifact where flow_run_id = ?", run))

    assert set(kept) == {"predeploy-report", "predeploy-checks"}
    assert "Incompatible types" in str(kept["predeploy-report"])
    assert str(kept["predeploy-checks"]).count("apps/web") >= len(MIXED) - 3


def test_run_is_in_prefects_logs(run: str, home: Path) -> None:
    messages = [message for (message,) in rows(home, "select message from log where flow_run_id = ?", run)]

    assert any("Finished in state" in message for message in messages)
    assert not any("NoneType: None" in message for message in messages)


def test_files_of_the_stack_do_not_configure_prefect(
    server: ServerHandle, shared_places: Places, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PREFECT_API_URL=http://127.0.0.1:9/api\nPREFECT_LOGGING_LEVEL=DEBUG\n")
    (tmp_path / "prefect.toml").write_text(
        '[api]\nurl = "http://127.0.0.1:9/api"\n[flows]\nheartbeat_frequency = "x"\n'
    )
    (tmp_path / "pyproject.toml").write_text("[tool.prefect]\nnot toml")

    recording = record_run(shared_places, cwd=tmp_path)

    assert (recording.unrecorded, recording.url and recording.url.startswith(server.url.removesuffix("/api"))) == (
        None,
        True,
    )


def test_proxy_is_not_used_for_loopback(server: ServerHandle, shared_places: Places) -> None:
    recording = record_run(
        shared_places, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9"
    )

    assert recording.unrecorded is None
