"""What the code of an untrusted run can and cannot do on the container engine: each line of SECURITY.md."""

import asyncio
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.commits.trust import environment_for
from tasks.engines.dagger.execution import while_disk_lasts
from tasks.engines.dagger.resources import ResourcesConfig, SessionResources
from tasks.engines.dagger.wrapper import BLOCK, wrap
from tasks.errors import EngineError
from tasks.steps import Database, Image
from tasks.trust import TRUSTED, UNTRUSTED, Trust
from tests.support.benches import hello, unreachable

SECURITY = Path(__file__).resolve().parents[3] / "SECURITY.md"
on_engine = pytest.mark.skipif(bool(unreachable()), reason=f"the tests on a real engine of containers: {unreachable()}")
PROBE = """
import glob, json, os, socket, subprocess, sys
def connects(host, port):
    try:
        socket.create_connection((host, port), 3).close()
    except OSError as error:
        return type(error).__name__
    return "connected"
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
places = ("/run", "/var/run", "/tmp", "/root", "/home")
found = [path for place in places for path in glob.glob(place + "/**", recursive=True, include_hidden=True)]
logins = ("config.json", ".netrc", "id_rsa", ".npmrc", "auth.json")
services = ("DAGGER", "_EXPERIMENTAL", "DOPPLER", "PREFECT", "GITHUB")
print(json.dumps({
    "loopback": connects("127.0.0.1", int(sys.argv[1])),
    "sockets": [path for path in found if os.path.exists(path) and os.stat(path).st_mode >> 12 == 0o14],
    "logins": [path for path in found if os.path.basename(path) in logins],
    "variables": sorted(name for name in os.environ if name.startswith(services)),
    "values": [name for name, value in os.environ.items() if "c4n4ry" in value],
    "admin": int(status["CapEff"].strip(), 16) >> 21 & 1,
    "mount": subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode,
    "processors": len(os.sched_getaffinity(0)),
    "blocks": int(subprocess.run("ulimit -f", shell=True, capture_output=True, text=True).stdout),
}))
"""


class Client:
    """Remembers the names of cache volumes."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def cache_volume(self, name: str) -> Any:
        self.names.append(name)
        return object()


def volumes_of(trust: Trust, run_id: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    client = Client()
    monkeypatch.setattr("tasks.engines.dagger.resources.with_cached_id", lambda volume: volume)
    config = object.__new__(ResourcesConfig)
    object.__setattr__(config, "trust", trust)
    object.__setattr__(config, "run_id", run_id)
    resources = object.__new__(SessionResources)
    monkeypatch.setattr(SessionResources, "client", property(lambda _: client), raising=False)
    resources.config, resources._volumes = config, {}
    resources.volume("predeploy-stores")
    return client.names


def test_each_untrusted_run_has_cache_volumes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = [volumes_of(TRUSTED, run, monkeypatch) for run in ("one", "two")]
    untrusted = [volumes_of(UNTRUSTED, run, monkeypatch) for run in ("one", "two")]

    assert trusted[0] == trusted[1]
    assert untrusted[0] != untrusted[1]
    assert not {*trusted[0]} & {*untrusted[0], *untrusted[1]}


def test_untrusted_run_has_a_limit_of_time_and_of_the_size_of_files() -> None:
    own, given = ({"PATH": "/bin", **more} for more in ({}, {"PREDEPLOY_BUDGET": "60"}))

    assert environment_for(own, UNTRUSTED)["PREDEPLOY_BUDGET"] == "3600"
    assert environment_for(given, UNTRUSTED)["PREDEPLOY_BUDGET"] == "60"
    assert "PREDEPLOY_BUDGET" not in environment_for(own, TRUSTED)
    assert options_of(UNTRUSTED) == [str((4 << 30) // BLOCK), str(2 << 20)]
    assert options_of(TRUSTED) == ["", ""]


def options_of(trust: Trust) -> list[str]:
    """The limits of disk that the wrapper of a command gets."""
    return wrap(["true"], 5, file_bytes=trust.file_bytes, spare_bytes=trust.spare_bytes)[6:8]


def test_security_page_names_the_limits_of_the_code() -> None:
    text = SECURITY.read_text()

    assert UNTRUSTED.file_bytes == 4 << 30
    assert "more than 4 GiB" in text
    assert UNTRUSTED.spare_bytes == 2 << 30
    assert "the last 2 GiB" in text
    assert UNTRUSTED.budget == 3600
    assert "an hour per run" in text


class Watched:
    """Resources of a run with these limits. The disk is full as soon as `is_full` is set."""

    def __init__(self, trust: Trust) -> None:
        self.config = object.__new__(ResourcesConfig)
        object.__setattr__(self.config, "trust", trust)
        self.is_full, self.watchers = asyncio.Event(), 0

    async def watch(self, _: object, spare: int) -> None:
        assert spare == UNTRUSTED.spare_bytes
        self.watchers += 1
        try:
            await self.is_full.wait()
        finally:
            self.watchers -= 1


async def test_code_without_a_wrapper_is_stopped_before_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    run: Any = Watched(UNTRUSTED)
    monkeypatch.setattr("tasks.engines.dagger.execution.watch_disk", run.watch)
    ended = []

    async def build() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("build")

    building = asyncio.create_task(while_disk_lasts(run, build()))
    await asyncio.sleep(0.05)
    before = (run.watchers, [*ended])
    run.is_full.set()

    with pytest.raises(EngineError) as raised:
        await building
    assert raised.value.reason_code == "disk_full"
    assert (before, run.watchers, ended) == ((1, []), 0, ["build"])


@pytest.mark.parametrize("trust", [TRUSTED, UNTRUSTED])
async def test_nothing_watches_the_disk_after_the_work(monkeypatch: pytest.MonkeyPatch, trust: Trust) -> None:
    run: Any = Watched(trust)
    monkeypatch.setattr("tasks.engines.dagger.execution.watch_disk", run.watch)

    async def work() -> Any:
        await asyncio.sleep(0.05)
        return run.watchers

    watchers = await while_disk_lasts(run, work())

    assert (watchers, run.watchers) == (0 if trust is TRUSTED else 1, 0)


def accept_all(listener: socket.socket) -> None:
    """Accepts connections until the listener is closed."""
    accepted = []
    with contextlib.suppress(OSError):
        while True:
            accepted.append(listener.accept())


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A server on the loopback of this machine, which is also the engine's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept_all, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.real
@pytest.mark.network
@on_engine
async def test_untrusted_code_finds_no_neighbour_no_login_and_no_engine(
    bench: Any, neighbour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {**bench.environ, "DOPPLER_TOKEN": "c4n4ry", "GITHUB_TOKEN": "c4n4ry", "UV_INDEX_URL": "https://c4n4ry@h"}
    async with bench.engine(environ=environment_for(environ, UNTRUSTED), trust=UNTRUSTED) as engine:
        exit = await engine.run(bench.step("python3", "-c", PROBE, str(neighbour), volatile=True), bench.log)

    assert exit.code == 0, exit
    found = json.loads(exit.stdout)
    assert found.pop("loopback") != "connected"
    assert found.pop("mount") != 0
    assert found.pop("processors") >= 1
    assert found.pop("blocks") == (4 << 30) // BLOCK
    assert found == {"sockets": [], "logins": [], "variables": [], "values": [], "admin": 0}


SAYS = """
import socket, sys
def tries(host, message):
    try:
        with socket.create_connection((host, 5432), 5) as connection:
            connection.sendall(message)
            answer = connection.recv(64)
            return answer[:1].decode() + str(int.from_bytes(answer[5:9], "big"))
    except OSError as error:
        return type(error).__name__
login = b"\\0\\3\\0\\0user\\0predeploy\\0database\\0predeploy\\0\\0"
message = (len(login) + 4).to_bytes(4, "big") + login
print(tries("db", message), tries(sys.argv[1], message))
"""


@pytest.mark.real
@pytest.mark.network
@on_engine
async def test_database_of_another_run_has_no_name_and_wants_its_password(tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    mine, theirs = (hello(place, name="dagger") for place in places)
    address = "import socket; print(socket.gethostbyname('db'))"
    async with theirs.engine() as other, mine.engine(trust=UNTRUSTED) as engine:
        asked = theirs.step("python3", "-c", address, database=Database(name="x"), volatile=True)
        found = (await other.run(asked, theirs.log)).stdout.strip()
        exit = await engine.run(mine.step("python3", "-c", SAYS, found, volatile=True), mine.log)

    # R10 is the request for a password, by SASL; R0 would be a login without one
    assert exit.stdout.split() == ["gaierror", "R10"], exit


@pytest.mark.real
@pytest.mark.network
@on_engine
async def test_caches_of_other_runs_are_not_seen(bench: Any) -> None:
    writes = f"ls @cache@; echo {os.getpid()} >@cache@/left"
    seen = []
    for trust in (TRUSTED, UNTRUSTED, UNTRUSTED):
        async with bench.engine(trust=trust) as engine:
            exit = await engine.run(bench.step("sh", "-c", writes, volatile=True), bench.log)
            assert exit.code == 0, exit
            seen.append("left" in exit.stdout)

    assert seen[1:] == [False, False]


@pytest.mark.real
@pytest.mark.network
@on_engine
async def test_build_of_untrusted_code_ends_before_the_disk_is_full(bench: Any) -> None:
    """As if less than the spare part of the disk were left: a RUN ends long before its own limit."""
    (bench.root / "Dockerfile").write_text("FROM python:3.13-slim\nRUN sleep 300\n")
    step = bench.step(image=Image(title="the image", dockerfile="Dockerfile"), limit=120.0)

    async with bench.engine(trust=replace(UNTRUSTED, spare_bytes=1 << 50)) as engine:
        exit = await engine.run(step, bench.log)

    assert (exit.code, exit.trouble, exit.timed_out) == (None, "disk_full", False), exit
