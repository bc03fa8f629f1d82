"""The source of predeploy's code on a worker: its own checkout, or a commit that is cloned for the run."""

import subprocess
import sys
from pathlib import Path

import pytest

from deployments.steps import clone, remote_of, use_directory
from tests.deployments.operation import Operation, Remotes, worker
from tests.flows.harness import ROOT


@pytest.fixture
def remotes(tmp_path: Path) -> Remotes:
    return Remotes(place=tmp_path / "remotes")


def head_of(checkout: Path) -> str:
    asked = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def test_the_default_is_the_worker_s_checkout() -> None:
    assert use_directory() == {"directory": str(ROOT)}


def test_a_directory_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert use_directory("there") == {"directory": str(tmp_path / "there")}


def test_branch_tag_and_commit_are_cloned(remotes: Remotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = remotes.commit("acme/code")
    second = remotes.commit("acme/code", "refs/heads/next")
    remotes.git("acme/code", "push", "--quiet", str(remotes.place / "acme/code.git"), f"{first}:refs/tags/v1")
    monkeypatch.chdir(tmp_path)

    places = {ref: clone(f"{remotes.url}/acme/code.git", ref)["directory"] for ref in ("next", "v1", second)}

    found = {ref: head_of(Path(place)) for ref, place in places.items()}
    assert found == {"next": second, "v1": first, second: second}
    assert len(set(places.values())) == 3


@pytest.mark.parametrize(
    ("repository", "named", "is_sent"),
    [
        ("https://github.com/acme/code.git", "", True),
        ("https://git.example/acme/code.git", "", False),
        ("https://git.example/acme/code.git", "for-that-one", True),
    ],
)
def test_the_worker_s_own_token_is_sent_only_to_its_github(
    monkeypatch: pytest.MonkeyPatch, repository: str, named: str, *, is_sent: bool
) -> None:
    monkeypatch.setenv("PREDEPLOY_GITHUB_TOKEN", "ghp_secret")
    monkeypatch.delenv("PREDEPLOY_GITHUB_SERVER_URL", raising=False)

    sent = [name for name, value in remote_of(repository, named).config if value.startswith("Authorization")]

    assert sent == ([f"http.{repository.removesuffix('/acme/code.git')}/.extraHeader"] if is_sent else [])


@pytest.mark.slow
@pytest.mark.real
def test_a_worker_runs_the_code_of_another_commit(operation: Operation, tmp_path: Path) -> None:
    """Uses the alternative `pull` of `prefect.yaml`, with the token in a Secret block, and the code of this commit."""
    text = (ROOT / "prefect.yaml").read_text()
    chosen = tmp_path / "prefect.yaml"
    chosen.write_text(text.replace("pull: *own", "pull: *cloned").replace("name: on-demand", "name: cloned"))
    save = "from prefect.blocks.system import Secret; Secret(value='ghp_block_0123').save('github-token')"
    for argv in (
        ["-c", save],
        ["-m", "prefect", "--no-prompt", "deploy", "--prefect-file", str(chosen), "--name", "cloned"],
    ):
        subprocess.run([sys.executable, "-P", *argv], cwd=ROOT, env=operation.environment(), check=True)
    commit = operation.remotes.commit("acme/by-other-code")

    with worker(operation, PREDEPLOY_CODE=f"file://{ROOT}", PREDEPLOY_CODE_REF=head_of(ROOT)):
        run = operation.start(
            "cloned", repository=operation.repository("acme/by-other-code"), directory=".", ref=commit
        )
        ended = operation.wait(run)

    log = (operation.home / "worker.log").read_text()
    assert ended["state_type"] == "COMPLETED", log
    assert "Deployment step 'clone' completed" in log
    assert "ghp_block_0123" not in log + str(operation.deployment("cloned")) + operation.said(run)
