"""Runs in containers of their own: what is created for them, and one for real where there are Docker and an engine."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from prefect.utilities.importtools import import_object

from deployments.image import has_registry, push
from tests.benches import GIVEN
from tests.deployments.docker_pool import (
    CLI,
    DOCKERS,
    FILE,
    REGISTRY,
    deploy_without_image,
    engine_on_tcp,
    git_server,
    missing,
    parsed,
    recipe,
)
from tests.deployments.fake_github import fake_github
from tests.deployments.operation import Operation, Remotes, prefect_server
from tests.flows.harness import ROOT, wait_until

CHOSEN = {
    "PREDEPLOY_DOCKER_STACK": "https://git.example/acme/cafe.git",
    "PREDEPLOY_DOCKER_DIRECTORY": "stack",
    "PREDEPLOY_DOCKER_NETWORK": "predeploy-runs",
    "PREDEPLOY_DOCKER_API_URL": "http://server:4200/api",
    "PREDEPLOY_DOCKER_ENGINE": "tcp://engine:8080",
    "PREDEPLOY_GITHUB_TOKEN_BLOCK": "github-token",
    "PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token",
}
real = pytest.mark.real


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operation]:
    """A fresh server."""
    home = tmp_path_factory.mktemp("pooled")
    with fake_github() as github, prefect_server(home) as url:
        yield Operation(url=url, home=home, remotes=Remotes(place=home / "remotes"), github=github)


def test_the_deployments_are_those_of_the_other_pool() -> None:
    """By their names, or the webhook would not find them; only where they run and what they run on differs."""
    theirs = {each["name"]: each for each in parsed((ROOT / "prefect.yaml").read_text())["deployments"]}
    ours = {each["name"]: each for each in parsed()["deployments"]}

    assert ours.keys() == theirs.keys()
    for name, deployment in ours.items():
        other = theirs[name]
        assert {**deployment, "work_pool": 0, "parameters": 0} == {**other, "work_pool": 0, "parameters": 0} | (
            {} if "parameters" in deployment else {"parameters": 0}
        )
        assert deployment.get("parameters", {}).keys() == other.get("parameters", {}).keys()


def test_every_step_is_there() -> None:
    whole = parsed()
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
def test_a_registry_is_told_from_a_name(name: str, *, expected: bool) -> None:
    assert has_registry(name) is expected


def test_an_image_without_a_registry_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert push("predeploy", "1") == {"image": "predeploy:1"}
    assert "stays on this machine" in capsys.readouterr().out


@real
def test_what_is_created_is_what_was_chosen(pooled: Operation, tmp_path: Path) -> None:
    deploy_without_image(pooled, tmp_path / "docker.yaml", FILE.read_text(), **CHOSEN)

    pool = pooled.ask("GET", "/work_pools/docker")
    nightly, pushed = pooled.deployment("nightly"), pooled.deployment("on-push")
    assert (pool["type"], nightly["work_pool_name"], pushed["work_pool_name"]) == ("docker", "docker", "docker")
    assert nightly["parameters"]["repository"] == CHOSEN["PREDEPLOY_DOCKER_STACK"]
    assert (nightly["parameters"]["directory"], nightly["parameters"]["gate"]) == ("stack", True)
    assert nightly["pull_steps"] == [{"deployments.steps.use_directory": {}}]
    variables = pushed["job_variables"]
    assert variables["image"] == "registry.example/predeploy:1"
    assert (variables["auto_remove"], variables["network_mode"]) == (True, "predeploy-runs")
    assert variables["container_create_kwargs"]["cap_drop"] == ["ALL"]
    assert variables["env"] == {
        "PREFECT_API_URL": "http://server:4200/api",
        "PREFECT_HOME": "/home/predeploy/.prefect",
        "PREFECT_UI_URL": "https://prefect.example",
        "PREDEPLOY_ENGINE": "dagger",
        "PREDEPLOY_GITHUB_TOKEN_BLOCK": "github-token",
        "PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token",
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST": "tcp://engine:8080",
    }


def test_no_block_is_referred_to() -> None:
    """Prefect resolves such a reference when a deployment is made, and stores the secret in it."""
    assert "prefect.blocks" not in FILE.read_text()


@real
def test_a_run_reads_the_token_of_doppler_from_its_block(pooled: Operation, tmp_path: Path) -> None:
    program = """
import asyncio, os
from prefect.blocks.system import Secret
from flows.commit import doppler_token, environment_for
from tasks.errors import EngineError
Secret(value="dp.st.canary").save("doppler-token", overwrite=True)
async def main():
    named = {"PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token", "DOPPLER_TOKEN": "dp.st.other"}
    print(environment_for(named, is_trusted=True) | await doppler_token(named), await doppler_token({}))
    try:
        await doppler_token({"PREDEPLOY_DOPPLER_TOKEN_BLOCK": "not-there"})
    except EngineError as error:
        print(error)
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=pooled.environment(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )

    first, second = ended.stdout.splitlines()
    assert first == "{'DOPPLER_TOKEN': 'dp.st.canary'} {}"
    assert second.startswith("PREDEPLOY_DOPPLER_TOKEN_BLOCK: Prefect has no Secret block not-there. Make it")


@real
def test_the_nightly_stack_has_to_be_named(pooled: Operation) -> None:
    ended = recipe(pooled, "deploy-docker")

    assert ended.returncode != 0
    assert "PREDEPLOY_DOCKER_STACK: set it to the URL" in ended.stderr


@real
@pytest.mark.slow
@pytest.mark.network
def test_a_run_in_a_container(pooled: Operation) -> None:
    """The image is built, the sample is validated in a container of it, and nothing of that container is left."""
    if trouble := missing():
        pytest.skip(f"no run was tried in a container: {trouble}")
    pooled.remotes.place.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, pooled.remotes.place / "own.git"], check=True)
    client = docker.from_env(environment={**os.environ, **DOCKERS})
    with (
        contextlib.closing(client),
        git_server(pooled.remotes.place, pooled.home) as remote,
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
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        variables = pooled.deployment("on-demand")["job_variables"]
        try:
            run = start(pooled, variables)
            said = work(pooled, "worker-docker", "--run-once")
            ended = pooled.wait(run)
            # Docker takes it away once it has ended, and the worker does not wait for that
            wait_until(lambda: not client.containers.list(all=True, filters=of_run(run)), limit=60)
        finally:
            client.images.remove(variables["image"], force=True)
            for name in VOLUMES:
                client.volumes.get(name).remove()

    assert ended["state_type"] == "COMPLETED", said
    assert pooled.checks(run) == {"quality/ruff_check": "Completed", "build/django_container": "Completed"} | {
        "integration/migrate": "Completed"
    }
    assert "/home/predeploy/.local/share/predeploy/validations/" in pooled.said(run)
    assert "Creating Docker container" in said
    assert ended["infrastructure_pid"]


VOLUMES = {"predeploy-test-cache": "/home/predeploy/.cache", "predeploy-test-data": "/home/predeploy/.local/share"}


def start(operation: Operation, variables: dict[str, Any]) -> str:
    """A run whose volumes are the test's own, with the command line of Dagger that is at hand."""
    volumes = [f"{name}:{place}" for name, place in VOLUMES.items()]
    env = dict(variables["env"])
    if CLI in GIVEN:
        volumes.append(f"{GIVEN[CLI]}:/opt/dagger:ro")
        env[CLI] = "/opt/dagger"
    created = operation.ask(
        "POST",
        f"/deployments/{operation.deployment('on-demand')['id']}/create_flow_run",
        parameters={"engine": "dagger", "only": ["ruff_check", "migrate"]},
        state={"type": "SCHEDULED"},
        job_variables={"volumes": volumes, "env": env},
    )
    return str(created["id"])


def of_run(run: str) -> dict[str, str]:
    """What finds the containers of a run."""
    return {"label": f"io.prefect.flow-run-id={run}"}


def work(operation: Operation, *arguments: str) -> str:
    """A worker that takes what there is and ends; what it said."""
    ended = recipe(operation, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr
