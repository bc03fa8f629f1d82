"""Manifests that admit the interpreter, for as long as a command installs or checks packages."""

from pathlib import Path

import pytest

from tasks.engines.local.manifests import relaxed_manifests
from tasks.engines.versions.python import relaxed
from tasks.planning.environments import python_environment
from tasks.steps import Inputs, Phase, Step
from tests.support.factories import make_uv_project

MANIFEST = '[project]\nname = "shop"\nrequires-python = "==3.13.11"\n'


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("==3.13.11", "==3.13.*"),
        (">=3.13.5,<3.14", "==3.13.*"),
        (">=3.13", ">=3.13"),
        ("three", "three"),
    ],
)
def test_requires_python_admits_the_interpreter(requires: str, expected: str) -> None:
    text = f"[project]\nrequires-python = '{requires}'\n"

    assert relaxed(text, "3.13.0").replace("'", '"') == f'[project]\nrequires-python = "{expected}"\n'


def test_manifests_are_as_before_after_the_command(tmp_path: Path) -> None:
    original = tmp_path / "tree.toml"
    original.write_text(MANIFEST)
    (tmp_path / "workspace").mkdir()
    manifest = tmp_path / "workspace/pyproject.toml"
    manifest.hardlink_to(original)

    with relaxed_manifests(make_step("acquire"), tmp_path / "workspace", "3.13.0"):
        assert 'requires-python = "==3.13.*"' in manifest.read_text()
        assert original.read_text() == MANIFEST

    assert manifest.read_text() == MANIFEST


def test_manifests_stay_as_they_are_where_code_runs(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(MANIFEST)

    with relaxed_manifests(make_step("execute"), tmp_path, "3.13.0"):
        assert (tmp_path / "pyproject.toml").read_text() == MANIFEST


def make_step(phase: Phase) -> Step:
    """A step with the packages of a project at the root of the stack."""
    project = make_uv_project(root=".", inputs=("pyproject.toml", "requirements.txt"))
    environment = python_environment(project, "production", lambda path: path, "")
    return Step(
        slot="slot", argv=("uv", "lock"), cwd=".", inputs=Inputs(), limit=1, phase=phase, environment=environment
    )
