"""The work pool `docker`: its deployments on a server, and its containers through the configured Docker API."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import yaml  # type: ignore[import-untyped]
from docker.errors import DockerException

from deployments.definitions import on_other_pool
from tasks.engines.dagger.reach import RUNNER_HOST
from tests.deployments.operation import Operation, program
from tests.flows.harness import ROOT, wait_until
from tests.support.benches import GIVEN, unreachable

FILE = ROOT / "deployments/docker.yaml"
DEPLOYMENTS = ROOT / "prefect.yaml"
CLI = "_EXPERIMENTAL_DAGGER_CLI_BIN"
# read before the fixtures reset the environment
DOCKERS = {name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", "CONTAINERS_"))}
REGISTRY = os.environ.get("PREDEPLOY_TEST_REGISTRY", "")

VOLUMES = {"predeploy-test-cache": "/home/predeploy/.cache", "predeploy-test-data": "/home/predeploy/.local/share"}


@dataclass(frozen=True, kw_only=True)
class DockerDeployment:
    """Docker and the deployments for it. `remote` is the URL of the repositories."""

    client: Any
    operation: Operation
    remote: str

    @property
    def github(self) -> dict[str, str]:
        """The settings of GitHub for runs and the worker."""
        return {"PREDEPLOY_GITHUB_SERVER_URL": self.remote, "PREDEPLOY_GITHUB_API_URL": self.operation.github.url}

    def start(self, repository: str, **parameters: Any) -> str:
        """Starts a run with the test's own volumes, and with the installed command line of Dagger. Returns its id."""
        deployment = self.operation.deployment("on-demand")
        volumes = [f"{name}:{place}" for name, place in VOLUMES.items()]
        env = {**deployment["job_variables"]["env"], **self.github}
        if CLI in GIVEN:
            volumes.append(f"{GIVEN[CLI]}:/opt/dagger:ro")
            env[CLI] = "/opt/dagger"
        created = self.operation.ask(
            "POST",
            f"/deployments/{deployment['id']}/create_flow_run",
            parameters={"repository": f"{self.remote}/{repository}.git", "engine": "dagger", **parameters},
            state={"type": "SCHEDULED"},
            job_variables={"volumes": volumes, "env": env},
        )
        return str(created["id"])

    def containers(self, run: str) -> list[Any]:
        """Returns the containers of a run, including stopped ones."""
        return list(self.client.containers.list(all=True, filters={"label": f"io.prefect.flow-run-id={run}"}))


def missing() -> str:
    """Returns why no run can be tried in a container here, or an empty text."""
    if trouble := unreachable():
        return trouble
    try:
        with contextlib.closing(docker.from_env(environment={**os.environ, **DOCKERS})) as client:
            client.ping()
    except DockerException as error:
        return f"no Docker API answers (DOCKER_HOST is {DOCKERS.get('DOCKER_HOST', 'not set')}): {error}"
    return ""


def parsed(file: Path = FILE) -> dict[str, Any]:
    """Returns the parsed file."""
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def on_docker() -> dict[str, Any]:
    """The deployments of the pool `docker`, as the recipe hands them to Prefect."""
    return dict(on_other_pool(parsed(DEPLOYMENTS), parsed()))


def recipe(operation: Operation, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a recipe of the justfile with these environment variables."""
    return subprocess.run(
        [Path(sys.executable).with_name("just"), "--justfile", ROOT / "justfile", *arguments],
        env=operation.environment(**DOCKERS, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def deploy_without_image(operation: Operation, place: Path, **more: str) -> None:
    """Does what the recipe does, except building and pushing, which need Docker."""
    whole = on_docker()
    for name in ("build", "push"):
        del whole[name]
    text = yaml.safe_dump(whole).replace("{{ build.image }}", "registry.example/predeploy:1")
    place.write_text(text)
    create = ("work-pool", "create", "docker", "--type", "docker", "--overwrite")
    said = ""
    for arguments in (create, ("--no-prompt", "deploy", "--all", "--prefect-file", str(place))):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "prefect", *arguments],
            cwd=ROOT,
            env=operation.environment(**more),
            capture_output=True,
            text=True,
            check=False,
        )
        said += done.stdout + done.stderr
        assert done.returncode == 0, said


@contextlib.contextmanager
def git_server(operation: Operation) -> Iterator[str]:
    """Serves the repositories of an operation over HTTP. Yields the URL."""
    with announced_port(operation, "tests.deployments.git_http", str(operation.remotes.place)) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def engine_on_tcp(operation: Operation) -> Iterator[str]:
    """Yields a TCP address of the configured engine, for a container on the host's network."""
    address = GIVEN[RUNNER_HOST]
    if urlsplit(address).scheme == "tcp":
        yield address
        return
    with announced_port(operation, "tests.deployments.forwarding", urlsplit(address).path) as port:
        yield f"tcp://127.0.0.1:{port}"


@contextlib.contextmanager
def announced_port(operation: Operation, module: str, *arguments: str) -> Iterator[str]:
    """Runs a program that prints its port first. Yields the port."""
    log = operation.home / f"{module}.log"
    argv = [sys.executable, "-u", "-m", module, *arguments]
    with program(argv, operation.home, operation.environment(), module):
        wait_until(lambda: "\n" in log.read_text(), limit=20)
        yield log.read_text().split()[0]
