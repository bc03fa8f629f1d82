"""Untrusted code: it runs in containers or not at all, without secrets, under the policy of the base."""

import shutil
from pathlib import Path

import pytest

from tests.deployments.operation import Operation, worker
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler
from tests.support.benches import GIVEN, unreachable

pytestmark = [pytest.mark.slow, pytest.mark.real]
SECRET = "sk_live_canary_0123"
TOKEN = "dp.st.prd.canary0123456789abcdefghijklmnopqrstuvwxyz"


def forked(operation: Operation, repository: str, **head: str) -> dict[str, str]:
    """Pushes the head of a fork's pull request to the repository, as GitHub does. Returns the run's parameters."""
    base = operation.remotes.commit(repository)
    commit = operation.remotes.commit(repository, "refs/pull/7/head", **head)
    return {"repository": operation.repository(repository), "directory": ".", "ref": commit, "policy": base}


def test_untrusted_code_never_runs_on_the_worker(operation: Operation, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    given = forked(operation, "acme/strange", check=f"touch '{mark}'")

    with worker(operation):
        run = operation.wait(operation.start("on-push", **given, trusted=False, engine="local"))
        operation.wait_for_states("acme/strange", given["ref"], "pending", "error")

    # no container engine is available here, or none that starts by itself
    assert (run["state_type"], run["state_name"]) == ("CRASHED", "NoVerdict")
    assert "DAGGER_" in run["state"]["message"]
    assert not mark.exists()


def test_a_commit_cannot_forge_reports_on_the_worker(operation: Operation, tmp_path: Path) -> None:
    name, kept = "acme/reports", operation.home / ".local/share/predeploy/validations"
    operation.remotes.commit(name)
    work, elsewhere = operation.remotes.place / f"{name}.work", tmp_path / "elsewhere"
    (elsewhere / "runs").mkdir(parents=True)
    (work / "stack").symlink_to(elsewhere)
    with worker(operation):
        outside = operation.wait(
            operation.start("on-push", **at_head(operation, name), directory="stack", engine="local")
        )
        (work / "stack").unlink()
        first = operation.wait(operation.start("on-push", **at_head(operation, name), engine="local"))
        before = files_below(kept)
        (forged := work / ".predeploy/runs" / next(iter(before)).parts[0]).mkdir(parents=True)
        (forged / "report.json").write_text('{"result": "passed"}')
        second = operation.wait(operation.start("on-push", **at_head(operation, name), engine="local"))
        shutil.rmtree(work / ".predeploy")
        (work / ".predeploy").symlink_to(elsewhere)
        third = operation.wait(operation.start("on-push", **at_head(operation, name), engine="local"))

    assert "directory: there is no stack in" in outside["state"]["message"]
    assert first["state_type"] == "COMPLETED"
    assert [".predeploy: git tracks it" in run["state"]["message"] for run in (second, third)] == [True, True]
    assert files_below(kept) == before
    assert files_below(elsewhere) == {}


def at_head(operation: Operation, name: str) -> dict[str, str]:
    """Pushes a commit with all files of the checkout. Returns the run's parameters."""
    return {"repository": operation.repository(name), "ref": operation.remotes.commit(name)}


def files_below(place: Path) -> dict[Path, bytes]:
    return {path.relative_to(place): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


@pytest.mark.skipif(bool(unreachable()), reason=unreachable())
def test_a_fork_runs_in_containers_under_the_policy_of_the_base(operation: Operation) -> None:
    """The fork's own policy drops the failing check, and requests a secret."""
    policy = """\
[[check]]
name = "easy"
stage = "quality"
run = "sh -c 'echo $STRIPE_KEY'"
secrets = ["STRIPE_KEY"]
"""
    policy = 'environment = "production"\n\n' + policy
    given = forked(operation, "acme/fork", check="echo red >&2; exit 1", policy=policy)

    with (
        serving(Doppler()) as doppler,
        worker(operation, STRIPE_KEY=SECRET, DOPPLER_TOKEN=TOKEN, DOPPLER_API_HOST=doppler.url, **GIVEN),
    ):
        run = operation.wait(operation.start("on-push", **given, trusted=False), limit=300)
        operation.wait_for_states("acme/fork", given["ref"], "pending", "failure")

    output = (
        str(operation.artifacts(run["id"]))
        + operation.said(run["id"])
        + str(run)
        + (operation.home / "worker.log").read_text()
    )
    assert run["state_type"] == "FAILED", output
    assert operation.checks(run["id"]) == {"quality/words": "Failed", "integration/later": "Skipped"}
    assert "engine: dagger" in str(operation.artifacts(run["id"])["predeploy-report"])
    assert SECRET not in output
    assert TOKEN not in output
    # no request was sent to Doppler
    assert doppler.asked == []
