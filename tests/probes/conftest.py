"""Runs probes as an engine does: as programs of a Python without predeploy's packages."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uv

import tasks.probes as probes_folder
from tasks.steps import DB_URL, Database
from tests.engines.conformance.packages import node_packages
from tests.probes.neon_bench import Outbound, make_database, outbound
from tests.probes.warm import modules_of, warm_python
from tests.support.benches import Bench, cache_below, hello
from tests.support.forked import ForkedProcess

PROBES = Path(next(iter(probes_folder.__path__)))
UV = uv.find_uv_bin()
"""An engine has uv on PATH; the test machine may not."""
SAMPLE = Path(__file__).parents[2] / "examples/cafe"
FIND = "cd workers/intake && node -p 'process.execPath' && realpath node_modules/wrangler"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Exit code, JSON document (empty if it printed none) and both streams of a probe."""

    code: int
    document: dict[str, Any] = field(default_factory=dict)
    stderr: str = ""
    stdout: str = ""

    @property
    def messages(self) -> list[str]:
        """The messages of its findings."""
        return [each["message"] for each in self.document.get("diagnostics", [])]

    @property
    def rules(self) -> list[str]:
        """The rules of its findings."""
        return [each["rule"] for each in self.document.get("diagnostics", [])]


def run_probe(
    name: str, *arguments: str, cwd: Path, python: str = sys.executable, env: Mapping[str, str] | None = None
) -> ProbeResult:
    """Runs a probe to its end."""
    interpreter = (python, "-S") if python == sys.executable else (python,)
    words, given = [str(PROBES / f"{name}.py"), *arguments], os.environ if env is None else env
    process: ForkedProcess | subprocess.Popen[bytes]
    if modules := modules_of(python, name, given):
        process = ForkedProcess(words, environ=given, cwd=cwd, server=partial(warm_python, interpreter, modules))
    else:
        argv = [*interpreter, *words]
        process = subprocess.Popen(argv, cwd=cwd, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stdout, stderr = (stream.decode() for stream in process.communicate(timeout=120))
    last = (stdout.strip().splitlines() or [""])[-1]
    document = json.loads(last) if last.startswith("{") else {}
    return ProbeResult(code=process.wait(), document=document, stderr=stderr, stdout=stdout)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a database on a real Postgres. Its user may create databases."""
    bench = hello(tmp_path_factory.mktemp("postgres"), name="local", cache=cache_below(shared_home))
    async with bench.engine("probes") as engine:
        echoed = await engine.run(bench.step("echo", DB_URL, database=Database(name="probes")), bench.log)
        assert echoed.code == 0, echoed
        yield echoed.stdout.strip()


@pytest.fixture(scope="module")
def database(postgres: str, request: pytest.FixtureRequest) -> str:
    """The database behind the module's outbound service."""
    return make_database(postgres, request.module.__name__.rpartition(".")[2])


@pytest.fixture(scope="module")
def service(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outbound]:
    """An outbound service whose database has a table."""
    with outbound(tmp_path_factory.mktemp("service"), database) as service:
        service.query(
            "CREATE TABLE person (id serial PRIMARY KEY, email text UNIQUE NOT NULL, age int CHECK (age > 0))"
        )
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wrangler(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Node, and the directory of the sample's wrangler, as an engine installs them."""
    bench = Bench(root=SAMPLE, base=tmp_path_factory.mktemp("wrangler"), cache=cache_below(shared_home))
    async with bench.engine("wrangler") as engine:
        found = await engine.run(bench.step("sh", "-c", FIND, environment=node_packages(bench)), bench.log)
        assert found.code == 0, found
        node, package = found.stdout.split()
    return node, package


@pytest.fixture(scope="session")
def django_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with Django and a driver for Postgres."""
    venv = tmp_path_factory.mktemp("django") / "venv"
    subprocess.run([UV, "venv", "-q", str(venv)], check=True)
    install = [UV, "pip", "install", "-q", "--python", str(venv), "django==5.2.*", "psycopg[binary]>=3.2"]
    subprocess.run(install, check=True)
    return str(venv / "bin" / "python")
