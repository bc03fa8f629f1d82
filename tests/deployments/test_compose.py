"""The compose file and the image: valid, bound to loopback, without secrets, with health checks and restarts."""

import json
import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deployments.deploy import IMAGES, tags
from tests.support.validate import ROOT

FILE = ROOT / "deployments/compose.yaml"
SECRETS = {
    "POSTGRES_PASSWORD": "canary-of-postgres",
    "PREFECT_AUTH": "admin:canary-of-prefect",
    "PREDEPLOY_WEBHOOK_SECRET": "canary-of-the-webhook",
}
COMPOSE_GO = "github.com/compose-spec/compose-go/v2@v2.9.1"
# the same as `docker compose config`, with the library that it uses
PROGRAM = """
package main

import ("context"; "fmt"; "os"; "github.com/compose-spec/compose-go/v2/cli")

func main() {
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithOsEnv)
	if err == nil {
		project, wrong := options.LoadProject(context.Background())
		if err = wrong; err == nil { text, _ := project.MarshalJSON(); fmt.Print(string(text)) }
	}
	if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
}
"""
Config = dict[str, Any]


@pytest.fixture(scope="session")
def composer(shared_home: Path) -> list[str]:
    """Returns the command that reads the compose file as Docker does, and prints it as JSON."""
    docker, go = shutil.which("docker"), shutil.which("go")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose", "--file", str(FILE), "config", "--format", "json"]
    if go is None:
        pytest.skip("there is neither docker compose nor Go here: the compose file was NOT validated")
    place = shared_home / "compose"
    place.mkdir(exist_ok=True)
    (place / "main.go").write_text(PROGRAM)
    environ = {**os.environ, "GOPATH": str(shared_home / "go"), "GOFLAGS": "-modcacherw"}
    commands = (["mod", "init", "composer"], ["get", COMPOSE_GO], ["mod", "tidy"], ["build", "-o", "composer", "."])
    for command in commands if not (place / "composer").exists() else ():
        subprocess.run([go, *command], cwd=place, env=environ, check=True, capture_output=True)
    return [str(place / "composer"), str(FILE)]


def compose(composer: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        composer, env={**os.environ, **environ}, capture_output=True, text=True, check=False, cwd=FILE.parent
    )


OUTSIDE = (pytest.mark.real, pytest.mark.network, pytest.mark.slow)


def composed(composer: list[str]) -> dict[str, Config]:
    """All services as Docker reads them."""
    ended = compose(composer, **SECRETS)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Config] = json.loads(ended.stdout)["services"]
    return found


def written() -> dict[str, Config]:
    """All services as they are written, with their variables and the long form of their ports."""
    text = re.sub(r"\$\{(\w+)(?::?[-?]([^}]*))?\}", lambda found: SECRETS.get(found[1], found[2]), FILE.read_text())
    found: dict[str, Config] = yaml.safe_load(text)["services"]
    for service in found.values():
        ports = [port.split(":") for port in service.get("ports", ())]
        service["ports"] = [{"host_ip": ":".join(port[:-2])} for port in ports]
    return found


@pytest.fixture(params=["written", pytest.param("composed", marks=OUTSIDE)])
def services(request: pytest.FixtureRequest) -> dict[str, Config]:
    """Both readings: the reader of Docker takes half a minute to build where there is no Docker."""
    return written() if request.param == "written" else composed(request.getfixturevalue("composer"))


def test_every_service_has_a_health_check_and_is_restarted(services: dict[str, Config]) -> None:
    lasting = {"database", "server", "worker", "engine", "webhook"}

    assert services.keys() == lasting | {"deployments"}
    for name in lasting:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name
        assert services[name]["volumes"], name
    assert [name for name, service in services.items() if service.get("privileged")] == ["engine"]


def test_runs_in_containers_reach_server_and_engine_by_default() -> None:
    """The defaults of `./just deploy-docker` are names of this file."""
    written = yaml.safe_load(FILE.read_text())
    defaults = yaml.safe_load((ROOT / "deployments/docker.yaml").read_text())["variables"]
    (key,) = [name for name, network in written["networks"].items() if network.get("name") == "predeploy-runs"]

    assert defaults["PREDEPLOY_DOCKER_NETWORK"] == "predeploy-runs"
    assert {name for name, each in written["services"].items() if key in each.get("networks", ())} == {
        "server",
    }
    worker = written["services"]["worker"]["environment"]
    assert defaults["PREDEPLOY_DOCKER_ENGINE"] == worker["_EXPERIMENTAL_DAGGER_RUNNER_HOST"]
    assert defaults["PREDEPLOY_DOCKER_API_URL"] == written["x-client"]["PREFECT_API_URL"]


def test_containers_of_the_engine_cannot_reach_the_engine() -> None:
    """The engine has no password: untrusted code could control it through a TCP port."""
    written = yaml.safe_load(FILE.read_text())
    engine, worker = written["services"]["engine"], written["services"]["worker"]
    addresses = [value for flag, value in pairwise(engine["command"]) if flag == "--addr"]
    user = re.search(r"--uid (\d+) predeploy", (ROOT / "deployments/Dockerfile").read_text())

    assert addresses == [worker["environment"]["_EXPERIMENTAL_DAGGER_RUNNER_HOST"]]
    assert addresses[0].startswith("unix:///run/dagger/")
    assert user is not None
    assert engine["command"][-2:] == ["--group", user[1]]
    assert "socket:/run/dagger" in engine["volumes"]
    assert "socket:/run/dagger" in worker["volumes"]
    assert written["volumes"]["socket"]["name"] + ":/run/dagger" in (ROOT / "deployments/docker.yaml").read_text()


def test_ports_are_bound_to_loopback(services: dict[str, Config]) -> None:
    ports = [(name, port["host_ip"]) for name, service in services.items() for port in service.get("ports", ())]

    assert sorted(ports) == [("server", "127.0.0.1"), ("webhook", "127.0.0.1")]


def test_prefect_has_a_password_and_allows_only_its_own_origin(services: dict[str, Config]) -> None:
    environ = services["server"]["environment"]

    assert environ["PREFECT_SERVER_API_AUTH_STRING"] == SECRETS["PREFECT_AUTH"]
    assert environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"
    for name in ("worker", "webhook", "deployments"):
        assert services[name]["environment"]["PREFECT_API_AUTH_STRING"] == SECRETS["PREFECT_AUTH"]


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_has_to_be_given(name: str) -> None:
    used = re.findall(rf"\$\{{{name}\b([^}}]*)\}}", FILE.read_text())

    assert used
    assert all(each.startswith(":?") for each in used)


@pytest.mark.real
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("name", SECRETS)
def test_nothing_starts_without_its_secrets(composer: list[str], name: str) -> None:
    ended = compose(composer, **{each: value for each, value in SECRETS.items() if each != name})

    assert ended.returncode != 0
    assert name in ended.stderr


def test_the_file_has_no_secret() -> None:
    written: dict[str, Config] = yaml.safe_load(FILE.read_text())["services"]
    values = [
        (name, variable, str(value))
        for name, service in written.items()
        for variable, value in (service.get("environment") or {}).items()
        if re.search(r"PASSWORD|AUTH|SECRET|TOKEN", variable)
    ]

    assert len(values) > 8
    assert [each for each in values if not re.fullmatch(r"\$\{\w+:[?-][^}]*\}", each[2])] == []


def test_engine_and_client_have_the_same_version() -> None:
    locked = re.search(r"^dagger-io==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)

    assert locked
    assert written()["engine"]["image"].endswith(f":v{locked[1]}")


def test_images_can_be_pinned_to_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = dict.fromkeys(IMAGES, f"example/image@sha256:{'0' * 64}")
    defaults = {name: written()["deployments"]["environment"][name] for name in IMAGES}
    for name, value in pinned.items():
        monkeypatch.setitem(SECRETS, name, value)

    services = written()

    assert {services["database"]["image"], services["engine"]["image"]} == {*pinned.values()}
    assert services["worker"]["build"]["args"] == {"PYTHON_IMAGE": pinned["PREDEPLOY_PYTHON_IMAGE"]}
    assert {name: services["deployments"]["environment"][name] for name in IMAGES} == pinned
    assert (tags(pinned), tags(defaults), tags({})) == ([], [*IMAGES], [])
    text = (FILE.parent / "Dockerfile").read_text()
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)\nFROM \$\{PYTHON_IMAGE\}$", text, re.MULTILINE)
    variables = yaml.safe_load((FILE.parent / "docker.yaml").read_text())["variables"]
    assert base is not None
    assert base[1] == defaults["PREDEPLOY_PYTHON_IMAGE"] == variables["PREDEPLOY_PYTHON_IMAGE"]


def test_the_image_has_only_the_code_of_the_checkout() -> None:
    copied = re.findall(r"^COPY (\S+)", (FILE.parent / "Dockerfile").read_text(), re.MULTILINE)
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert set(copied) == set(allowed)
    assert "USER predeploy" in (FILE.parent / "Dockerfile").read_text()
