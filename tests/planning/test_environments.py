"""The environments that predeploy installs."""

from dataclasses import replace

import pytest

from tasks.planning.environments import python_commands
from tasks.stack import PythonProject, Version

PROJECT = PythonProject(root=".", kind="requirements", production=("requirements.txt",))


def labels(project: PythonProject) -> list[str]:
    """The labels of the commands that install a project."""
    return [each.label for each in python_commands(project, "production")]


@pytest.mark.parametrize("wanted", ["==3.11.*", "==3.9.18", "==3.10.*"])
def test_environment_of_an_old_python_holds_setuptools_before_the_requirements(wanted: str) -> None:
    found = labels(replace(PROJECT, python=Version(wanted=wanted)))

    assert found == ["uv venv", "uv pip install setuptools<80", "uv pip install"]


@pytest.mark.parametrize("wanted", ["==3.12.*", "==3.13.1", "==3.1.*", "", ">=3.11"])
def test_environment_of_a_newer_or_unknown_python_is_empty(wanted: str) -> None:
    assert labels(replace(PROJECT, python=Version(wanted=wanted))) == ["uv venv", "uv pip install"]


def test_uv_makes_an_empty_environment_with_each_python() -> None:
    found = labels(replace(PROJECT, kind="uv", lock="uv.lock", python=Version(wanted="==3.11.*")))

    assert found == ["uv sync --frozen"]
