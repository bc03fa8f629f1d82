"""Code of strangers: in containers or not at all, without secrets, under the policy of the base."""

from pathlib import Path

import pytest

from tests.benches import GIVEN, unreachable
from tests.deployments.operation import Operation, worker
from tests.doppler.server import serving
from tests.doppler.service import Doppler

pytestmark = [pytest.mark.slow, pytest.mark.real]
SECRET = "sk_live_canary_0123"
TOKEN = "dp.st.prd.canary0123456789abcdefghijklmnopqrstuvwxyz"


def forked(operation: Operation, repository: str, **head: str) -> dict[str, str]:
    """A fork's pull request, whose head lies in the repository as GitHub keeps it there: the parameters for it."""
    base = operation.remotes.commit(repository)
    commit = operation.remotes.commit(repository, "refs/pull/7/head", **head)
    return {"repository": operation.repository(repository), "directory": ".", "ref": commit, "policy": base}


def test_code_of_strangers_never_runs_on_the_worker(operation: Operation, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    given = forked(operation, "acme/strange", check=f"touch '{mark}'")

    with worker(operation):
        run = operation.wait(operation.start("on-push", **given, trusted=False, engine="local"))
        operation.wait_for_states("acme/strange", given["ref"], "pending", "error")

    # here is no engine of containers
    assert (run["state_type"], run["state_name"]) == ("CRASHED", "NoVerdict")
    assert "Start an engine" in run["state"]["message"]
    assert not mark.exists()


@pytest.mark.skipif(bool(unreachable()), reason=unreachable())
def test_a_fork_runs_in_containers_under_the_policy_of_the_base(operation: Operation) -> None:
    """Its own policy drops the check that would be red, and asks for a secret."""
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

    told = (
        str(operation.artifacts(run["id"]))
        + operation.said(run["id"])
        + str(run)
        + (operation.home / "worker.log").read_text()
    )
    assert run["state_type"] == "FAILED", told
    assert operation.checks(run["id"]) == {"quality/words": "Failed", "integration/later": "Skipped"}
    assert "engine: dagger" in str(operation.artifacts(run["id"])["predeploy-report"])
    assert SECRET not in told
    assert TOKEN not in told
    # nobody asked Doppler
    assert doppler.asked == []
