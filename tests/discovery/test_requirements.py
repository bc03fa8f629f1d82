"""The choice of requirements files, and their content."""

import pytest

from tests.discovery.trees import BARE, PINNED, PROJECT, SHARED, look, python


@pytest.mark.parametrize(
    ("names", "production", "development"),
    [
        pytest.param(["requirements.txt"], ["requirements.txt"], [], id="one"),
        pytest.param(["requirements.txt", "requirements.lock"], ["requirements.lock"], [], id="lock"),
        pytest.param(["requirements.in", "requirements.txt"], ["requirements.txt"], [], id="source"),
        pytest.param(
            ["requirements.lock", "requirements-dev.lock"],
            ["requirements.lock"],
            ["requirements-dev.lock"],
            id="dev lock",
        ),
        pytest.param(
            ["requirements.txt", "requirements-dev.txt", "requirements-docs.txt"],
            ["requirements.txt"],
            ["requirements-dev.txt"],
            id="docs are none",
        ),
        pytest.param(
            ["requirements.txt", "dev-requirements.txt"], ["requirements.txt"], ["dev-requirements.txt"], id="dev first"
        ),
        pytest.param(
            ["requirements/base.txt", "requirements/prod.txt", "requirements/dev.txt"],
            ["requirements/prod.txt"],
            ["requirements/dev.txt"],
            id="folder",
        ),
        pytest.param(
            ["requirements/base.txt", "requirements/local.txt", "requirements/test.txt"],
            ["requirements/base.txt"],
            ["requirements/local.txt", "requirements/test.txt"],
            id="local and test",
        ),
        pytest.param(["requirements/dev.txt"], ["requirements/dev.txt"], [], id="nothing else"),
        pytest.param(["requirements_prod.txt"], ["requirements_prod.txt"], [], id="underscore"),
    ],
)
def test_choice_of_requirements_files(names: list[str], production: list[str], development: list[str]) -> None:
    project = python(BARE | {f"api/{name}": PINNED for name in names})

    assert project.kind == "requirements"
    assert list(project.production) == [f"api/{name}" for name in production]
    assert list(project.development) == [f"api/{name}" for name in development]


def test_the_dockerfile_decides_on_production_s_requirements() -> None:
    dockerfile = "FROM python:3.13\nCOPY . .\nRUN pip install --require-hashes -r /app/requirements-web.txt && true\n"
    names = ("requirements.txt", "requirements-web.txt", "requirements-dev.txt")

    project = python(BARE | {f"api/{name}": PINNED for name in names} | {"api/Dockerfile": dockerfile})

    assert project.production == ("api/requirements-web.txt",)


def test_requirements_that_the_dockerfile_installs_beat_a_lock_it_does_not_use() -> None:
    files = BARE | {"api/pyproject.toml": PROJECT, "api/uv.lock": "version = 1", "api/requirements.txt": PINNED}
    pip = {"api/Dockerfile": "FROM python:3.13\nRUN pip install -r requirements.txt"}
    uv = {"api/Dockerfile": "FROM python:3.13\nRUN uv sync --frozen && pip install -r requirements.txt"}

    assert python(files).kind == "uv"
    assert python(files | pip).kind == "requirements"
    assert python(files | uv).kind == "uv"


def test_development_is_complete_in_itself() -> None:
    including = python(
        BARE | {"api/requirements.txt": PINNED, "api/requirements-dev.txt": "-r requirements.txt\nruff==0.9.1"}
    )
    adding = python(BARE | {"api/requirements.txt": PINNED, "api/requirements-dev.txt": "ruff==0.9.1"})

    assert including.development == ("api/requirements-dev.txt",)
    assert adding.development == ("api/requirements.txt", "api/requirements-dev.txt")


NASTY = """\
# a comment
-r requirements/base.txt  # with a reason
--constraint=pins.txt
-r missing.txt
--extra-index-url https://packages.example/simple
Psycopg[binary] == 3.2.9 ; python_version >= "3.9" \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
loose_one>=1
pinned.by-constraint
wild==2.*
-e ../libs/shared[extra]
./wheels/local.whl
https://files.example/thing-1.0.tar.gz
git+https://git.example/x.git#egg=x
named @ https://files.example/named-2.0.whl
-e git+https://git.example/y.git#egg=y
!!! not a requirement
"""


def test_requirements_as_people_write_them() -> None:
    files = (
        BARE
        | SHARED
        | {
            "api/requirements.txt": NASTY,
            "api/requirements/base.txt": "-r ../requirements.txt\nDjango===5.2.1\n",
            "api/pins.txt": "pinned-by-constraint==1.4\nunused==9\n",
            "api/wheels/local.whl": "",
        }
    )

    project = python(files)

    assert project.production == ("api/requirements.txt",)
    assert project.packages == {"django", "psycopg", "loose-one", "pinned-by-constraint", "wild", "named"}
    assert project.versions == {"django": "5.2.1", "psycopg": "3.2.9", "pinned-by-constraint": "1.4"}
    assert project.hashed
    assert not project.pinned
    assert project.paths == ("api", "libs/shared/src")
    assert set(project.inputs) >= {"api/requirements.txt", "api/requirements/base.txt", "api/pins.txt"}
    warnings = look(files).warnings
    assert "api/requirements.txt: includes missing.txt, which is not in the tree; installing it will fail" in warnings
    assert any("(loose-one, wild)" in line for line in warnings)


@pytest.mark.parametrize(
    ("files", "kind", "warning"),
    [
        pytest.param({"pyproject.toml": "[tool.poetry]\nname='x'"}, "none", "with `poetry lock`", id="poetry"),
        pytest.param({"Pipfile": ""}, "none", "with `pipenv lock`", id="pipenv"),
        pytest.param({"pyproject.toml": PROJECT}, "uv", "make one with `uv lock`", id="no lock"),
        pytest.param({"setup.py": "setup()"}, "none", "no dependencies that predeploy can install", id="setup.py"),
        pytest.param({}, "none", "no dependencies that predeploy can install", id="nothing"),
    ],
)
def test_a_project_without_a_supported_lock_gets_a_warning(files: dict[str, str], kind: str, warning: str) -> None:
    stack = look(BARE | {f"api/{name}": text for name, text in files.items()})

    project = stack.components[0].python
    assert project
    assert (project.kind, project.lock, project.pinned) == (kind, None, False)
    assert any(warning in line for line in stack.warnings), stack.warnings
