"""Credentials for package indexes: package managers use them, and no code of a package sees one."""

import base64
import io
import json
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from uv import find_uv_bin

from tasks.engines.local.installing import beyond_proxies
from tasks.planning.environments import PYTHON_CONTROL, acquire, key_of
from tasks.planning.node_environments import NODE_CONTROL
from tasks.stack import Version
from tasks.steps import ENV, Command, Environment
from tests.support.archives import packed
from tests.support.benches import Bench

PASSWORD, TOKEN, KEY = "c4n4ry-password", "c4n4ry-npm-token", "c4n4ry-netrc"
LOOKS = (
    "import os, pathlib\n"
    "seen = [*os.environ.values(), *(p.read_text() for p in pathlib.Path.home().rglob('*') if p.is_file())]\n"
    "parent = pathlib.Path(f'/proc/{os.getppid()}/environ')\n"
    "seen.append(parent.read_text(errors='replace') if parent.exists() else '')\n"
    "pathlib.Path(MARK).write_text('saw ' + ' '.join(text for text in seen if 'c4n4ry' in text))\n"
)
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def wheel(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(f"{name}.py", "here = True\n")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", METADATA.format(name=name))
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return data.getvalue()


def backend(name: str, mark: Path) -> dict[str, str]:
    """The files of a package that builds itself, without any requirement, and looks for credentials."""
    made = base64.b64encode(wheel(name)).decode()
    builds = (
        f"import base64\nMARK = {str(mark)!r}\n{LOOKS}"
        "def build_wheel(directory, *_, **__):\n"
        f"    name = '{name}-1.0-py3-none-any.whl'\n"
        f"    open(directory + '/' + name, 'wb').write(base64.b64decode('{made}'))\n"
        "    return name\n"
        "build_editable = build_wheel\n"
    )
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    project = f'[project]\nname = "{name}"\nversion = "1.0"\n'
    return {"pyproject.toml": system + project, "backend.py": builds}


class Index(BaseHTTPRequestHandler):
    """A private index. It serves `files` to a client with the password or the token."""

    files: Mapping[str, bytes] = {}

    def do_GET(self) -> None:
        basic = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        is_known = self.headers.get("Authorization") in {f"Basic {basic}", f"Bearer {TOKEN}"}
        found = self.files.get(self.path.rstrip("/"))
        self.send_response(401 if not is_known else 404 if found is None else 200)
        if not is_known:
            self.send_header("WWW-Authenticate", "Basic")
        body = (found or b"") if is_known else b""
        self.send_header("Content-Type", "text/html" if self.path.startswith("/simple") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


NPM = {
    "package.json": json.dumps({"name": "scripted", "version": "1.0.0", "scripts": {"postinstall": "python3 look.py"}}),
}


@pytest.fixture
def index(marks: Path) -> Iterator[str]:
    """The address of the index, without a scheme."""
    with served(marks, "127.0.0.1") as address:
        yield address


@contextmanager
def served(marks: Path, host: str) -> Iterator[str]:
    """An index with three packages. What the code of two of them saw is in `marks`."""
    scripted = NPM | {"look.py": f"MARK = {str(marks / 'scripted')!r}\n{LOOKS}"}
    files = {
        "/f/wheeled-1.0-py3-none-any.whl": wheel("wheeled"),
        "/f/sourced-1.0.tar.gz": packed(backend("sourced", marks / "sourced"), "sourced-1.0"),
        "/f/scripted.tgz": packed(scripted, "package"),
    }
    for path in [*files]:
        name = path.removeprefix("/f/")
        files[f"/simple/{name.partition('-')[0]}"] = f'<a href="{path}">{name}</a>'.encode()
    server = ThreadingHTTPServer((host, 0), type("Served", (Index,), {"files": files}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"{host}:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def private(locked: Bench, tmp_path: Path, index: str) -> Bench:
    """A bench whose user has credentials in variables and files."""
    home = tmp_path / "user"
    home.mkdir()
    (home / ".netrc").write_text(f"machine other.example login a password {KEY}\n")
    (home / ".npmrc").write_text(f"//{index}/:_authToken={TOKEN}\n")
    (tmp_path / "empty").mkdir()
    environ = {name: value for name, value in locked.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environ |= {"HOME": str(home), "UV_DEFAULT_INDEX": f"http://user:{PASSWORD}@{index}/simple", "NPM_TOKEN": TOKEN}
    return replace(locked, root=tmp_path / "empty", environ=environ)


def python_packages(bench: Bench, requirements: str, *inputs: str) -> Environment:
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=".", parser="uv")
    argv = ("uv", "pip", "install", "--no-cache", "--python", ENV, "-r", "@work@/requirements.txt")
    return environment("python", (make, acquire("uv pip install", *argv, cwd=".", parser="uv")), requirements, *inputs)


def environment(kind: str, commands: tuple[Command, ...], text: str, *inputs: str) -> Environment:
    node = kind == "node"
    files = () if node else (("requirements.txt", text),)
    return Environment(
        kind="node" if node else "python", title="packages", root=".", version=Version(), inputs=inputs, files=files,
        commands=commands, control=NODE_CONTROL if node else PYTHON_CONTROL, key=key_of(kind, text, id(commands)),
    )  # fmt: skip


@pytest.mark.real
async def test_backend_of_a_path_dependency_sees_no_credential(private: Bench, marks: Path) -> None:
    inputs = []
    for name, text in backend("local", marks / "local").items():
        path = private.root / "pkg" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        inputs.append(f"pkg/{name}")
    packages = python_packages(private, "wheeled\n./pkg\n", *inputs)
    step = private.step("python", "-c", "import local, wheeled", environment=packages)

    async with private.engine() as engine:
        exit = await engine.run(step, private.log)

    assert exit.code == 0, private.written()
    assert (marks / "local").read_text().strip() == "saw"


@pytest.mark.real
async def test_wheels_and_sdists_of_a_private_index_are_installed(private: Bench, marks: Path) -> None:
    packages = python_packages(private, "wheeled\nsourced\n")
    step = private.step("python", "-c", "import wheeled, sourced", environment=packages)

    async with private.engine() as engine:
        exit = await engine.run(step, private.log)

    assert exit.code == 0, private.written()
    assert (marks / "sourced").read_text().strip() == "saw"
    assert "c4n4ry" not in private.written()


@pytest.mark.real
async def test_install_script_of_a_package_sees_no_credential(
    private: Bench, locked: Bench, marks: Path, index: str
) -> None:
    user = {"HOME": private.environ["HOME"], "NPM_TOKEN": TOKEN}
    private = replace(private, environ={**locked.environ, **user})  # Node comes from the machine's index
    tarball = f"http://{index}/f/scripted.tgz"
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"scripted": tarball}}
    entry = {"version": "1.0.0", "resolved": tarball, "hasInstallScript": True}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    lock |= {"packages": {"": manifest, "node_modules/scripted": entry}}
    (private.root / "package.json").write_text(json.dumps(manifest))
    (private.root / "package-lock.json").write_text(json.dumps(lock))
    install = acquire("npm ci", "npm", "ci", "--no-audit", "--no-fund", cwd=".", parser="npm")
    packages = environment("node", (install,), index, "package.json", "package-lock.json")

    async with private.engine() as engine:
        prepared = await engine.prepare(packages, private.log)

    assert prepared.exit.code == 0, private.written()
    assert (marks / "scripted").read_text().strip() == "saw"


@pytest.mark.real
@pytest.mark.network
async def test_locked_packages_are_installed_on_a_machine_with_credentials(
    locked: Bench, node_packages: Callable[..., Environment], tmp_path: Path
) -> None:
    bench = replace(locked, environ={**locked.environ, "NPM_TOKEN": TOKEN}, cache=tmp_path / "cache")
    packages = node_packages(bench)
    step = bench.step("node", "main.js", cwd="app", environment=packages)

    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert exit.stdout == "   hello you\n", bench.written()


MANIFEST = """[project]
name = "app"
version = "1"
requires-python = ">=3.10"
dependencies = ["local", "wheeled"]
[tool.uv.sources]
local = { path = "pkg" }
"""


def make_project(bench: Bench, mark: Path) -> tuple[str, ...]:
    """Writes and locks a project with a path dependency whose metadata must be built. Returns its files."""
    (bench.root / "pkg").mkdir()
    for name, text in backend("local", mark).items():
        dynamic = 'dynamic = ["dependencies"]\n' if name == "pyproject.toml" else ""
        (bench.root / "pkg" / name).write_text(text + dynamic)
    (bench.root / "pyproject.toml").write_text(MANIFEST)
    subprocess.run([find_uv_bin(), "lock", "-q"], cwd=bench.root, env=dict(bench.environ), check=True)
    return ("pyproject.toml", "uv.lock", "pkg/pyproject.toml", "pkg/backend.py")


def test_requests_to_the_proxy_of_an_index_use_no_proxy_of_the_network() -> None:
    assert beyond_proxies({"no_proxy": "a.example"}) == dict.fromkeys(("NO_PROXY", "no_proxy"), "a.example,127.0.0.1")
    assert beyond_proxies({})["NO_PROXY"] == "127.0.0.1"


@pytest.mark.real
@pytest.mark.parametrize(("change", "code"), [("", 0), (', "wheeled"', 1)])
async def test_check_of_a_lock_shows_no_credential_to_a_build(
    private: Bench, marks: Path, index: str, change: str, code: int
) -> None:
    """The metadata of the path dependency have to be built. A proxy is named in the lock and the manifest meanwhile."""
    inputs = make_project(private, marks / "local")
    (marks / "local").unlink()
    (private.root / "pyproject.toml").write_text(MANIFEST.replace(change, ""))
    packages = python_packages(private, "", *inputs)
    check = private.step("uv", "lock", "--check", environment=packages, phase="acquire")
    read = private.step("cat", "uv.lock", slot=check.slot, volatile=True)

    async with private.engine() as engine:
        exit = await engine.run(check, private.log)
        after = await engine.run(replace(read, begins=False), private.log)

    assert exit.code == code, private.written()
    assert (marks / "local").read_text().strip() == "saw"
    assert after.stdout == (private.root / "uv.lock").read_text()
    assert f"http://{index}/simple" in after.stdout
