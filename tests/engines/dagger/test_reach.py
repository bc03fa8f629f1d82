"""The search for an engine, and the time until its absence is known."""

import socket
from pathlib import Path

import pytest

from tasks.engines.choice import choose_engine, embedded
from tasks.engines.dagger.reach import RUNNER_HOST, SESSION_PORT, SESSION_TOKEN, containers_of, find_engine
from tasks.errors import EngineError

NOTHING = {"PATH": ""}


def test_no_engine_without_variables_and_container_runtime() -> None:
    reach = find_engine(NOTHING)

    assert not reach.is_there
    assert "no container runtime" in reach.trouble


def test_answering_socket_is_an_engine(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        reach = find_engine({**NOTHING, RUNNER_HOST: f"unix://{path}"})

    assert reach.is_there
    assert not reach.starts


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("unix:///nowhere/engine.sock", "No such file"),
        ("tcp://127.0.0.1:1", "refused"),
        ("tcp://127.0.0.1", "needs a host and a port"),
        ("/run/engine.sock", "is not an address"),
    ],
)
def test_address_without_a_server_is_no_engine(host: str, says: str) -> None:
    reach = find_engine({**NOTHING, RUNNER_HOST: host})

    assert not reach.is_there
    assert host in reach.trouble
    assert says in reach.trouble


def test_address_of_another_kind_is_left_to_dagger() -> None:
    assert find_engine({**NOTHING, RUNNER_HOST: "ssh://user@somewhere"}).is_there


def test_session_takes_precedence_over_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        here = {**NOTHING, SESSION_PORT: port, SESSION_TOKEN: "x", RUNNER_HOST: "tcp://127.0.0.1:1"}
        assert find_engine(here).by == f"the Dagger session at port {port}"

        del here[SESSION_TOKEN]
        assert SESSION_TOKEN in find_engine(here).trouble


def runtime(folder: Path, script: str) -> dict[str, str]:
    program = folder / "podman"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder), "DOCKER_HOST": "unix:///nowhere"}


def test_a_runtime_may_have_to_start_an_engine(tmp_path: Path) -> None:
    reach = find_engine(runtime(tmp_path, "echo 5.4"))

    assert (reach.is_there, reach.starts) == (True, True)


def test_runtime_whose_daemon_is_down_is_no_engine(tmp_path: Path) -> None:
    reach = find_engine(runtime(tmp_path, "echo 'cannot connect' >&2; exit 1"))

    assert not reach.is_there
    assert "cannot connect" in reach.trouble


async def test_only_auto_falls_back_to_the_local_engine() -> None:
    dead = {**NOTHING, RUNNER_HOST: "tcp://127.0.0.1:1"}

    chosen = await choose_engine("auto", dead)
    assert chosen.name == "local"
    assert "tcp://127.0.0.1:1" in chosen.reason

    with pytest.raises(EngineError, match="--engine local"):
        await choose_engine("dagger", dead)
    assert (await choose_engine("local", dead)).name == "local"


async def test_every_reason_has_a_summary_that_fits_the_header(tmp_path: Path) -> None:
    """At most eight words, so that name, version and summary fit one line of the report."""
    broken = runtime(tmp_path, "echo 'cannot connect' >&2; exit 1")
    places = (
        NOTHING,
        broken,
        {**NOTHING, RUNNER_HOST: "tcp://127.0.0.1:1"},
        {**NOTHING, RUNNER_HOST: "ssh://user@a-host-with-a-name-of-some-length.example"},
        {**NOTHING, SESSION_PORT: "1"},
        {**NOTHING, SESSION_PORT: "1", SESSION_TOKEN: "x"},
    )
    choices = [await choose_engine("auto", place) for place in places]
    choices += [await choose_engine("local", NOTHING), embedded("the container engine could not be opened", "a" * 500)]
    (tmp_path / "podman").write_text("#!/bin/sh\necho 5.4\n")
    choices.append(await choose_engine("auto", broken))

    for choice in choices:
        assert 2 <= len(choice.summary.split()) <= 8, choice
        assert len(f"engine  {choice.name} 10.20.30: {choice.summary}") <= 80
        assert choice.name == "dagger" or "without a security boundary" in choice.reason
    assert {choice.name for choice in choices} == {"dagger", "local"}
    assert choices[0].summary == "no Dagger engine or container runtime found"


def test_containers_are_certain_only_without_doubt(tmp_path: Path) -> None:
    place = tmp_path / "engine.sock"
    nothing = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    host = {**nothing, RUNNER_HOST: f"unix://{place}"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        assert containers_of(nothing) == "none"
        assert containers_of(host) == f"engine unix://{place}"
        assert containers_of({**host, SESSION_PORT: "1"}) == ""
        assert containers_of({**nothing, RUNNER_HOST: "ssh://user@host"}) == ""
    assert containers_of(host) == ""
