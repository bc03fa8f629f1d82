"""lock_fits.py with a real environment, made by a real uv."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.probes.conftest import UV, ProbeResult, run_probe

pytestmark = [pytest.mark.real, pytest.mark.network]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of a lock: packaging 24.1, and requests without its dependency idna."""
    venv = tmp_path_factory.mktemp("locked") / "venv"
    subprocess.run([UV, "venv", "-q", str(venv)], check=True)
    wanted = ["packaging==24.1", "requests==2.32.3", "urllib3", "certifi", "charset-normalizer"]
    subprocess.run([UV, "pip", "install", "-q", "--no-deps", "--python", str(venv), *wanted], check=True)
    return venv


def ask(folder: Path, environment: Path, manifest: str) -> ProbeResult:
    place = folder / "apps" / "web"
    place.mkdir(parents=True)
    (place / "pyproject.toml").write_text(manifest)
    path = os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]])
    env = {**os.environ, "VIRTUAL_ENV": str(environment), "PATH": path}
    return run_probe("lock_fits", str(folder), "apps/web/pyproject.toml", cwd=place, env=env)


def project(*requirements: str) -> str:
    lines = "".join(f"  '{each}',\n" for each in requirements)
    return f'[project]\nname = "web"\ndependencies = [\n{lines}]\n'


@pytest.mark.parametrize(
    "requirements",
    [
        ("packaging",),
        ("Packaging >= 24, < 25",),
        ("packaging==24.1; python_version >= '3.8'".replace("'", '"'),),
        ("packaging", 'colorama; sys_platform == "win32"'),
        ("certifi", "urllib3", "charset_normalizer"),
    ],
)
def test_lock_that_fits(tmp_path: Path, environment: Path, requirements: tuple[str, ...]) -> None:
    result = ask(tmp_path, environment, project(*requirements))

    assert (result.code, result.messages) == (0, []), result.stderr
    assert result.document["summary"].endswith("met")


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        ("packaging>=25", "the lock does not hold packaging>=25. Compile the lock again"),
        ("flask", "the lock does not hold flask. Compile the lock again"),
        ("requests", "the lock does not hold requests. Compile the lock again"),
        ("requests[socks]", "the lock does not hold requests[socks]. Compile the lock again"),
        ("flask and more", "flask and more is not a valid requirement"),
    ],
)
def test_lock_that_does_not_fit(tmp_path: Path, environment: Path, requirement: str, message: str) -> None:
    result = ask(tmp_path, environment, project("certifi", requirement))

    assert (result.code, result.messages) == (1, [message])
    (found,) = result.document["diagnostics"]
    assert (found["file"], found["line"]) == ("apps/web/pyproject.toml", 5)


def test_every_requirement_that_is_missing_is_named(tmp_path: Path, environment: Path) -> None:
    result = ask(tmp_path, environment, project("flask", "packaging", "click"))

    assert [each["line"] for each in result.document["diagnostics"]] == [4, 6]


def test_manifest_that_is_no_toml(tmp_path: Path, environment: Path) -> None:
    result = ask(tmp_path, environment, "[project]\nname = \n")

    assert (result.code, result.rules) == (2, ["toml"])
    assert result.document["diagnostics"][0]["line"] == 2


def test_a_manifest_without_dependencies_fits(tmp_path: Path, environment: Path) -> None:
    result = ask(tmp_path, environment, "[tool.ruff]\nline-length = 100\n")

    assert (result.code, result.document["summary"]) == (0, "")


def test_a_missing_environment_is_no_verdict(tmp_path: Path) -> None:
    """uv would otherwise use any other environment that it finds, and that one may satisfy the manifest."""
    result = ask(tmp_path, tmp_path / "nothing", project("packaging"))

    assert result.code == 75
    assert "uv cannot inspect the installed packages" in result.stderr
