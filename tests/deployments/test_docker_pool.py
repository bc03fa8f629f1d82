"""Runs in their own containers: the deployments, and real runs if Docker and an engine are available."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest
from prefect.utilities.importtools import import_object

from deployments.image import has_registry, push
from tests.deployments.docker_pool import (
    DEPLOYMENTS,
    DOCKERS,
    FILE,
    REGISTRY,
    VOLUMES,
    DockerDeployment,
    deploy_without_image,
    engine_on_tcp,
    git_server,
    missing,
    on_docker,
    parsed,
    recipe,
)
from tests.deployments.fake_github import fake_github
from tests.deployments.operation import FAILS, HANGS, TOKEN, Operation, Remotes, prefect_server
from tests.deployments.service import NOWHERE
from tests.flows.harness import ROOT, wait_until

BLOCK_TOKEN = "ghp_of_the_block_0123"
CHOSEN = {
    "PREDEPLOY_DOCKER_STACK": "https://git.example/acme/cafe.git",
    "PREDEPLOY_DOCKER_DIRECTORY": "stack",
    "PREDEPLOY_DOCKER_NETWORK": "predeploy-runs",
    "PREDEPLOY_DOCKER_API_URL": "http://server:4200/api",
    "PREDEPLOY_DOCKER_ENGINE": "tcp://engine:8080",
    "PREDEPLOY_GITHUB_TOKEN_BLOCK": "github-token",
    "PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token",
    "PREDEPLOY_NOTIFY_BLOCK": "slack-webhook/predeploy",
}
real = pytest.mark.real


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory, prefect_template: Path) -> Iterator[Operation]:
    """A fresh server."""
    home = tmp_path_factory.mktemp("pooled")
    with fake_github() as github, prefect_server(home, prefect_template) as url:
        (home / "remotes").mkdir()
        yield Operation(url=url, home=home, remotes=Remotes(place=home / "remotes"), github=github)


def test_the_deployments_are_those_of_the_other_pool() -> None:
    """The webhook finds deployments by name. Only work pool and the values of parameters differ."""
    theirs = {each["name"]: each for each in parsed(DEPLOYMENTS)["deployments"]}
    ours = {each["name"]: each for each in on_docker()["deployments"]}

    # shards have their own pool
    assert ours.keys() == theirs.keys() - {"shard"}
    for name, deployment in ours.items():
        other = theirs[name]
        assert {**deployment, "work_pool": 0, "parameters": 0} == {**other, "work_pool": 0, "parameters": 0} | (
            {} if "parameters" in deployment else {"parameters": 0}
        )
        # each run of on-demand names its repository, but the pool's own stack is its default
        default = {"repository", "ref"} if name == "on-demand" else set()
        assert deployment.get("parameters", {}).keys() == other.get("parameters", {}).keys() | default


def test_every_step_can_be_imported() -> None:
    whole = on_docker()
    for step in (*whole["build"], *whole["push"], *whole["pull"]):
        (name,) = step
        assert callable(import_object(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("predeploy", False),
        ("team/predeploy", False),
        ("localhost/predeploy", True),
        ("localhost:5000/predeploy", True),
        ("registry.example.com/team/predeploy", True),
    ],
)
def test_a_registry_is_recognized_in_an_image_name(name: str, *, expected: bool) -> None:
    assert has_registry(name) is expected


def test_an_image_without_a_registry_is_not_pushed(capsys: pytest.CaptureFixture[str]) -> None:
    assert push("predeploy", "1") == {"image": "predeploy:1"}
    assert "stays on this machine" in capsys.readouterr().out


@pytest.mark.slow
@real
def test_pool_and_deployments_have_the_chosen_settings(pooled: Operation, tmp_path: Path) -> None:
    deploy_without_image(pooled, tmp_path / "docker.yaml", **CHOSEN)

    pool = pooled.ask("GET", "/work_pools/docker")
    nightly, pushed = pooled.deployment("nightly"), pooled.deployment("on-push")
    assert (pool["type"], nightly["work_pool_name"], pushed["work_pool_name"]) == ("docker", "docker", "docker")
    assert nightly["parameters"]["repository"] == CHOSEN["PREDEPLOY_DOCKER_STACK"]
    assert (nightly["parameters"]["directory"], nightly["parameters"]["gate"]) == ("stack", True)
    assert nightly["pull_steps"] == [{"deployments.steps.use_directory": {}}]
    variables = pushed["job_variables"]
    assert variables["image"] == "registry.example/predeploy:1"
    assert (variables["auto_remove"], variables["network_mode"]) == (False, "predeploy-runs")
    assert variables["container_create_kwargs"]["cap_drop"] == ["ALL"]
    assert variables["env"] == {
        "PREFECT_API_URL": "http://server:4200/api",
        "PREFECT_HOME": "/home/predeploy/.prefect",
        "PREFECT_UI_URL": "https://prefect.example",
        "PREDEPLOY_ENGINE": "dagger",
        "PREDEPLOY_GITHUB_TOKEN_BLOCK": "github-token",
        "PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token",
        "PREDEPLOY_NOTIFY_BLOCK": "slack-webhook/predeploy",
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST": "tcp://engine:8080",
    }


def test_the_file_refers_to_no_block() -> None:
    """Prefect would resolve the reference at deployment, and store the secret in the deployment."""
    assert "prefect.blocks" not in FILE.read_text()


def test_the_nightly_stack_is_required(tmp_path: Path) -> None:
    with fake_github() as github:
        unstarted = Operation(url=NOWHERE, home=tmp_path, remotes=Remotes(place=tmp_path), github=github)
        ended = recipe(unstarted, "deploy-docker")

    assert ended.returncode != 0
    assert "PREDEPLOY_DOCKER_STACK: set it to the URL" in ended.stderr


@pytest.fixture(scope="module")
def docker_deployment(pooled: Operation) -> Iterator[DockerDeployment]:
    """Builds the image and pushes it if there is a registry. Removes image and volumes afterwards."""
    if trouble := missing():
        pytest.skip(f"no run was tried in a container: {trouble}")
    place = pooled.remotes.place
    client = docker.from_env(environment={**os.environ, **DOCKERS})
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, place / "own.git"], check=True)
    save = f"from prefect.blocks.system import Secret; Secret(value={BLOCK_TOKEN!r}).save('github-token')"
    subprocess.run([sys.executable, "-P", "-c", save], cwd=pooled.home, env=pooled.environment(), check=True)
    with (
        contextlib.closing(client),
        git_server(pooled) as remote,
        engine_on_tcp(pooled) as engine,
    ):
        deployed = recipe(
            pooled,
            "deploy-docker",
            PREDEPLOY_DOCKER_STACK=f"{remote}/own.git",
            PREDEPLOY_DOCKER_DIRECTORY="examples/cafe",
            PREDEPLOY_DOCKER_IMAGE=f"{REGISTRY}/predeploy-test" if REGISTRY else "predeploy-test",
            PREDEPLOY_DOCKER_NETWORK="host",
            PREDEPLOY_DOCKER_API_URL=pooled.url,
            PREDEPLOY_DOCKER_ENGINE=engine,
            PREDEPLOY_GITHUB_TOKEN_BLOCK="github-token",
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield DockerDeployment(client=client, operation=pooled, remote=remote)
        client.images.remove(pooled.deployment("on-demand")["job_variables"]["image"], force=True)
        for volume in client.volumes.list():
            if volume.name in VOLUMES:
                volume.remove(force=True)


@real
@pytest.mark.slow
@pytest.mark.network
def test_a_run_in_a_container(pooled: Operation, docker_deployment: DockerDeployment) -> None:
    """The sample is validated in a container of the image, which is removed afterwards."""
    run = docker_deployment.start("own", only=["ruff_check", "migrate"])

    ended = recipe(pooled, "worker-docker", "--run-once")

    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert pooled.wait(run)["state_type"] == "COMPLETED", said
    assert pooled.checks(run) == {
        "quality/ruff_check": "Completed",
        "build/django_container": "Completed",
        "integration/migrate": "Completed",
    }
    assert "/home/predeploy/.local/share/predeploy/validations/" in pooled.said(run)
    assert "Creating Docker container" in said
    assert pooled.run(run)["infrastructure_pid"]
    assert docker_deployment.containers(run) == []


@real
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(
    ("check", "state", "status", "token"),
    [(FAILS, "FAILED", "failure", BLOCK_TOKEN), (HANGS, "CRASHED", "error", TOKEN)],
    ids=["red", "killed"],
)
def test_a_failed_or_killed_run_sets_the_status_and_removes_its_container(
    pooled: Operation, docker_deployment: DockerDeployment, check: str, state: str, status: str, token: str
) -> None:
    """The run sets the last status with the token in its block, or the worker does with its own token."""
    repository = f"acme/{state.lower()}"
    commit = pooled.remotes.commit(repository, check=check)
    run = docker_deployment.start(repository, directory=".")

    with ThreadPoolExecutor() as others:
        working = others.submit(recipe, pooled, "worker-docker", "--run-once", **docker_deployment.github)
        if check == HANGS:
            wait_until(lambda: bool(pooled.checks(run)), limit=120)
            (container,) = docker_deployment.containers(run)
            container.kill()
        ended = working.result()

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert pooled.wait(run)["state_type"] == state, ended.stdout + ended.stderr
    assert docker_deployment.containers(run) == []
    pooled.wait_for_states(repository, commit, "pending", status)
    assert pooled.github.requests[-1][1] == f"Bearer {token}"
