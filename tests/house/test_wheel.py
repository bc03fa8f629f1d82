"""The wheel: it is complete, and validates a stack in an environment without a checkout."""

import filecmp
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import uv

from tasks.version import VERSION
from tests.cli.caller import NOWHERE, Caller, Ended, checked
from tests.cli.stack import FAILS, TinyStack, make_stack
from tests.deployments.fake_github import fake_github
from tests.deployments.operation import Operation, Remotes, prefect_server
from tests.flows.harness import servers_below
from tests.support.validate import ROOT

PACKAGES = ("deployments", "flows", "tasks")
FOR_THE_IMAGE = {"deployments/Dockerfile", "deployments/compose.yaml", "deployments/requirements.lock"}
FOR_THE_IMAGE |= {"deployments/packages.cdx.json"}  # the wheel has it among its own facts, see `sboms`
"""The files that build and start the image of predeploy, which needs a checkout."""

pytestmark = [pytest.mark.real, pytest.mark.network]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An environment with the wheel, and a caller of its command in another directory."""

    venv: Path
    caller: Caller

    @property
    def packages(self) -> Path:
        """The site-packages directory of the environment."""
        (found,) = self.venv.glob("lib/python3*/site-packages")
        return found

    def knowing(self, **environ: str) -> "Installed":
        """Returns a copy with more environment variables."""
        return replace(self, caller=replace(self.caller, environ={**self.caller.environ, **environ}))

    def run(self, *arguments: str | Path, cwd: Path | None = None, limit: float = 120) -> Ended:
        """Runs the command `predeploy` and waits for its end."""
        caller = replace(self.caller, cwd=cwd or self.caller.cwd)
        return caller.execute([str(self.venv / "bin/predeploy"), *map(str, arguments)]).wait(limit)


def ask_uv(*arguments: str | Path) -> None:
    done = subprocess.run([uv.find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    ask_uv("build", "--wheel", "--out-dir", place, ROOT)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Installed:
    place = tmp_path_factory.mktemp("installed")
    ask_uv("venv", "--python", sys.executable, place / "venv")
    python = place / "venv/bin/python"
    # the locked versions: a new release must not change this test
    ask_uv("pip", "install", "--python", python, "--constraint", ROOT / "requirements.lock", wheel)
    (place / "elsewhere").mkdir()
    share_bytecode(place / "venv")
    environ = {"PYTHONPATH": "", "PREFECT_API_URL": NOWHERE, "PREDEPLOY_ENGINE": "local", "PREDEPLOY_OUTPUT": "human"}
    return Installed(venv=place / "venv", caller=Caller(home=shared_home, cwd=place / "elsewhere", environ=environ))


def share_bytecode(venv: Path) -> None:
    """Gives an environment our bytecode of the files that both have: to compile Prefect takes ten seconds.

    Python compares the time of a file with the one in its bytecode, so a file with our content gets our time.
    """
    (packages,) = venv.glob("lib/python3*/site-packages")
    ours = Path(sysconfig.get_path("purelib"))
    for compiled in ours.rglob("__pycache__/*.pyc"):
        source = compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py"
        place = packages / source.relative_to(ours)
        if source.is_file() and place.is_file() and filecmp.cmp(source, place, shallow=False):
            os.utime(place, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
            beside = place.parent / "__pycache__"
            beside.mkdir(exist_ok=True)
            shutil.copyfile(compiled, beside / compiled.name)


@pytest.fixture
def stack(tmp_path: Path) -> TinyStack:
    return make_stack(tmp_path)


def members(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of every file in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def test_every_file_of_our_packages_is_in_the_wheel(wheel: Path) -> None:
    listing: list[str | Path] = [
        "git",
        "-C",
        ROOT,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        *PACKAGES,
    ]
    listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    names = {name for name, _ in members(wheel) if ".dist-info/" not in name}

    ours = {name for name in listed.split("\0") if name}
    assert len(ours) > 100
    pages = {f"deployments/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert names == ours - FOR_THE_IMAGE | pages | {"predeploy_command.py", "deployments/prefect.yaml"}
    assert wheel.name.startswith(f"predeploy-{VERSION}-")


def test_list_of_packages_is_in_the_wheel_where_programs_look_for_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if "/sboms/" in name]
        content = archive.read(name)

    assert name == f"predeploy-{VERSION}.dist-info/sboms/packages.cdx.json"
    assert content == (ROOT / "deployments/packages.cdx.json").read_bytes()


def test_no_path_of_this_machine_is_in_the_wheel(wheel: Path) -> None:
    assert [name for name, content in members(wheel) if str(ROOT).encode() in content] == []


def test_no_package_has_the_name_of_a_module_of_python(installed: Installed) -> None:
    """Prefect's server and the reaper import from site-packages before the standard library."""
    names = {path.name.removesuffix(".py") for path in installed.packages.iterdir()}

    assert {*PACKAGES, "prefect"} <= names
    assert names & sys.stdlib_module_names == set()


def test_help_is_fast_to_print(installed: Installed) -> None:
    ended = installed.knowing(PYTHONPROFILEIMPORTTIME="1").run("--help")

    assert ended.code == 0, ended.transcript
    assert ended.stdout.startswith("usage: predeploy ")
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "flows.cli.help" in imported
    assert {"prefect", "dagger"} & imported == set()


def test_doctor_finds_all_that_a_run_needs(installed: Installed, stack: TinyStack) -> None:
    stack.has("words")

    ended = installed.run("doctor", stack.root)

    assert ended.code == 0, ended.transcript
    assert "This machine has everything for a run." in ended.stdout


@pytest.fixture
def recorded(installed: Installed, tmp_path: Path) -> Iterator[Installed]:
    """The environment with a running Prefect server, in its own home directory."""
    warm = installed.knowing(PREFECT_API_URL="", HOME=str(tmp_path / "home"))
    begun = warm.run("ui", "--no-browser", limit=240)
    assert begun.code == 0, begun.transcript
    yield warm
    for pid in servers_below(tmp_path):
        os.kill(pid, signal.SIGKILL)


def test_a_stack_is_validated_and_recorded(recorded: Installed, stack: TinyStack) -> None:
    stack.has("words", "grep -q hello main.py")

    ended = recorded.run(stack.root)

    ended.assert_ended(0, "PASSED")
    report = stack.report()
    assert (report["result"], report["counts"]["passed"], report["engine"]["name"]) == ("passed", 1, "local")
    assert report["run"]["unrecorded"] is None, ended.transcript
    assert "/runs/flow-run/" in report["run"]["url"]


def test_the_command_to_run_again_is_predeploy(installed: Installed, stack: TinyStack) -> None:
    stack.has("broken", FAILS)

    ended = installed.run("stack", "--json-output", cwd=stack.root.parent)

    ended.assert_ended(1, "FAILED")
    assert ended.document["rerun"] == "predeploy stack --only 'broken'"


@pytest.mark.parametrize(
    "path", ["", pytest.param(".", marks=pytest.mark.slow), pytest.param(":/elsewhere", marks=pytest.mark.slow)]
)
def test_modules_of_the_current_directory_are_not_taken_for_ours(
    installed: Installed, stack: TinyStack, path: str
) -> None:
    stack.has("words")
    for name in (*PACKAGES, "json", "yaml", "pydantic"):
        (stack.root / f"{name}.py").write_text("raise SystemExit('a module of the stack was imported')\n")

    installed.knowing(PYTHONPATH=path).run(cwd=stack.root).assert_ended(0, "PASSED")


@pytest.mark.slow
def test_probes_and_locked_tools_come_with_the_wheel(installed: Installed, tmp_path: Path) -> None:
    """A probe collects the static files. Migrations run in a Postgres that is installed from a lock."""
    place = tmp_path / "django"
    shutil.copytree(ROOT / "tests/stacks/django-requirements", place)
    subprocess.run(["git", "init", "--quiet", place], check=True)
    checks = ("django_container", "migrate", "django_check")
    chosen = [part for check in checks for part in ("--only", check)]

    ended = installed.run(place, "--json-output", *chosen, limit=600)

    ended.assert_ended(0, "PASSED")
    report = checked((place / ".predeploy/latest/report.json").read_text())
    stages = report["stages"].values()
    assert {each["name"]: each["status"] for stage in stages for each in stage["checks"]} == dict.fromkeys(
        checks, "passed"
    )


def test_the_webhook_service_comes_with_the_wheel(installed: Installed) -> None:
    ended = installed.run("webhook")

    assert ended.code == 2, ended.transcript
    assert "PREDEPLOY_WEBHOOK_SECRET: must be a random text" in ended.stderr


@pytest.mark.slow
def test_deployments_and_a_worker_need_no_checkout(
    installed: Installed, prefect_template: Path, tmp_path: Path
) -> None:
    remotes = Remotes(place=tmp_path / "remotes")
    commit = remotes.commit("acme/cafe")
    with fake_github() as github, prefect_server(tmp_path, prefect_template) as url:
        operation = Operation(url=url, home=tmp_path, remotes=remotes, github=github)
        operator = installed.knowing(PREFECT_API_URL=url, PREFECT_HOME=str(tmp_path / "prefect"))
        deployed = operator.run("deploy", "--repository", operation.repository("acme/cafe"), limit=300)
        assert deployed.code == 0, deployed.transcript
        run = operation.start("on-demand")

        worked = operator.run("worker", "--run-once", limit=300)

        assert worked.code == 0, worked.transcript
        assert operation.wait(run)["state_type"] == "COMPLETED", worked.transcript
        assert operation.checks(run) == {"quality/words": "Completed", "integration/later": "Completed"}
        assert f"commit:{commit}" in operation.run(run)["tags"]
