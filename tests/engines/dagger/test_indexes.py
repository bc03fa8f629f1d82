"""Credentials for package indexes in containers: a part that builds has a server in their place."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tasks.engines.dagger.indexes import PROGRAM, SERVER, SOURCE
from tasks.engines.dagger.wrapper import OUTPUTS
from tasks.engines.index_proxy import AUTHORIZATIONS, basic
from tasks.engines.local.ports import pick_port
from tasks.planning.environments import acquire
from tasks.stack import Version
from tasks.steps import ENV, Environment
from tests.engines.dagger.fake_session import EXIT, Data, Ended, FakeSession
from tests.engines.local.test_package_credentials import PASSWORD as INDEX_PASSWORD
from tests.engines.local.test_package_credentials import Index, backend, make_project, python_packages, served
from tests.support.benches import Bench, unreachable

PASSWORD, INDEX = "c4n4ry-password", "https://pypi.example"
UNBUILT = "cause: Building source distributions for `pkg` is disabled"
MANIFEST = f'[[tool.uv.index]]\nname = "ours"\nurl = "{INDEX}/other"\n'


@pytest.fixture
def private(bench: Bench, fake: FakeSession) -> Bench:
    (bench.root / "pyproject.toml").write_text(MANIFEST)
    variables = {"UV_DEFAULT_INDEX": INDEX.replace("://", f"://user:{PASSWORD}@") + "/simple"}
    return replace(bench, environ={**fake.environ, **variables})


def packages() -> Environment:
    sync = acquire("uv sync", "uv", "sync", "--frozen", cwd=".", parser="uv", env=(("UV_PROJECT_ENVIRONMENT", ENV),))
    return Environment(
        kind="python", title="packages", root=".", version=Version(), inputs=("pyproject.toml",), files=(),
        commands=(sync,), control=("true",), key="k",
    )  # fmt: skip


def executions(fake: FakeSession, command: str) -> list[str]:
    """The queries that run a command, from the first operation to the last."""
    queries = [" ".join(query.split()) for query in fake.queries]
    return [query for query in queries if f'"{command}"' in query and "withExec" in query and "sync: sync" in query]


def is_bound(query: str) -> bool:
    """Whether a container reaches the server of the indexes."""
    return bool(re.search(rf'withServiceBinding\([^)]*alias: "{SERVER}"', query))


def set_secrets(fake: FakeSession) -> dict[str, str]:
    """The values in the engine's store of secrets, by the variable."""
    form = r'setSecret\(\s*name: "predeploy/(\w+)/\w+"\s*plaintext: ("(?:[^"\\]|\\.)*")'
    found = re.findall(form, "".join(fake.queries))
    return {name: json.loads(value) for name, value in found}


async def test_installation_that_builds_has_a_server_instead_of_credentials(private: Bench, fake: FakeSession) -> None:
    fake.on(EXIT, Ended(code=1), Ended())
    fake.on(f'file(path: "{OUTPUTS[1]}")', Data(value=UNBUILT))

    async with private.engine() as engine:
        prepared = await engine.prepare(packages(), private.log)

    first, then = executions(fake, "sync")
    assert prepared.exit.code == 0, prepared
    assert '"--no-build"' in first
    assert not is_bound(first)
    assert '"--no-build"' not in then
    assert is_bound(then)
    assert 'withoutSecretVariable(name: "UV_DEFAULT_INDEX"' in then
    assert " withSecretVariable(" not in then
    assert f'"http://{SERVER}:8000/simple"' in then
    assert f"http://{SERVER}:8000/other" in then
    assert json.loads(set_secrets(fake)[AUTHORIZATIONS])["authorizations"] == {INDEX: basic("user", PASSWORD)}
    assert PASSWORD not in then
    (server,) = {query for query in fake.queries if PROGRAM in query and "asService" in query}
    assert re.search(rf'withSecretVariable\(\s*name: "{AUTHORIZATIONS}"', server)


async def test_check_of_a_lock_has_credentials_only_if_it_builds_nothing(private: Bench, fake: FakeSession) -> None:
    fake.on(EXIT, Ended(code=2), Ended(code=1))
    step = private.step("uv", "lock", "--check", environment=packages(), phase="acquire")

    async with private.engine() as engine:
        exit = await engine.run(step, private.log)

    first, then = executions(fake, "lock")
    assert exit.code == 1, exit
    assert '"--no-build"' in first
    assert is_bound(then)
    assert PASSWORD not in first + then


async def test_installation_without_credentials_has_no_further_part(bench: Bench, fake: FakeSession) -> None:
    (bench.root / "pyproject.toml").write_text(MANIFEST)
    fake.on(EXIT, Ended(code=1))
    fake.on(f'file(path: "{OUTPUTS[1]}")', Data(value=UNBUILT))

    async with replace(bench, environ=fake.environ).engine() as engine:
        await engine.prepare(packages(), bench.log)

    assert not any('"--no-build"' in query or SERVER in query for query in fake.queries)


@pytest.mark.real
@pytest.mark.network
@pytest.mark.skipif(bool(unreachable()), reason=f"packages on a real engine of containers: {unreachable()}")
async def test_code_of_packages_sees_no_credential_in_a_container(bench: Bench, tmp_path: Path) -> None:
    """The packages come from a private index of this machine. What their code saw is in a file of the environment."""
    with served(Path("/env"), address_of_this_machine()) as index:
        user = {"UV_DEFAULT_INDEX": f"http://user:{INDEX_PASSWORD}@{index}/simple", "UV_NO_CACHE": "1"}
        bench = replace(bench, environ={**bench.environ, **user, "HOME": str(tmp_path / "home")})
        inputs = make_project(bench, tmp_path / "local")
        (bench.root / "pkg/backend.py").write_text(backend("local", Path("/env/local"))["backend.py"])
        built = python_packages(bench, "wheeled\nsourced\n./pkg\n", *inputs)
        told = "import local, sourced, wheeled; print(open('/env/local').read(), open('/env/sourced').read())"
        seen = bench.step("python", "-c", told, environment=built)
        check = bench.step("uv", "lock", "--check", environment=built, phase="acquire", slot="lock")
        async with bench.engine() as engine:
            exit = await engine.run(seen, bench.log)
            locked = await engine.run(check, bench.log)

    assert exit.code == 0, exit
    assert exit.stdout.split() == ["saw", "saw"]
    assert locked.code == 0, locked


def address_of_this_machine() -> str:
    """The address by which other networks reach this machine. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def test_program_of_the_server_adds_the_credential(tmp_path: Path) -> None:
    """It has only the standard library, as in its container."""
    (tmp_path / "program.py").write_text(SOURCE)
    files = {"/simple/a": b'<a href="ORIGIN/f/a.whl">a</a>', "/f/a.whl": b"content"}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Index,), {"files": files})) as index:
        Thread(target=index.serve_forever, daemon=True).start()
        origin, port = f"http://127.0.0.1:{index.server_port}", pick_port()
        files["/simple/a"] = files["/simple/a"].replace(b"ORIGIN", origin.encode())
        known = {"authorizations": {origin: basic("user", INDEX_PASSWORD)}, "password": "p4"}
        code = f"import sys; sys.path.insert(0, '.'); import program as p; p.FIRST_PORT = {port}; p.serve(**{known})"
        process = subprocess.Popen([sys.executable, "-IS", "-c", code], cwd=tmp_path)
        try:
            page = read(f"http://127.0.0.1:{port}/simple/a", "p4")
            content = read(f"http://127.0.0.1:{port}/f/a.whl", "p4")
            with pytest.raises(urllib.error.HTTPError, match="401"):
                read(f"http://127.0.0.1:{port}/f/a.whl", "another")
        finally:
            process.kill()
            process.wait()
            index.shutdown()

    assert page == f'<a href="http://127.0.0.1:{port}/f/a.whl">a</a>'.encode()
    assert content == b"content"


def read(address: str, password: str) -> bytes:
    """The content of an address, as soon as its server listens."""
    for _ in range(200):
        try:
            asked = urllib.request.Request(address, headers={"Authorization": basic("predeploy", password)})
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(address)
