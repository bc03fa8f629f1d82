"""The quality tools that a project uses."""

import pytest

from tests.discovery.trees import PROJECT, django, python


def tools(files: dict[str, str]) -> set[str]:
    return set(python(django("api") | files).tools)


@pytest.mark.parametrize(
    ("files", "used"),
    [
        pytest.param({}, set(), id="none"),
        pytest.param({"api/ruff.toml": ""}, {"ruff"}, id="ruff.toml"),
        pytest.param({".ruff.toml": ""}, {"ruff"}, id="above"),
        pytest.param({"pyproject.toml": "[tool.ruff.lint]\nselect = []"}, {"ruff"}, id="pyproject above"),
        pytest.param({"api/pyproject.toml": "[tool.black]\nline-length = 88"}, {"black"}, id="black"),
        pytest.param({"api/requirements-dev.txt": "black==24.1.0"}, {"black"}, id="black asked for"),
        pytest.param({"api/.flake8": "[flake8]\n"}, {"flake8"}, id=".flake8"),
        pytest.param({"api/tox.ini": "[tox]\n[flake8]\n"}, {"flake8"}, id="flake8 in tox.ini"),
        pytest.param({"api/.isort.cfg": "[settings]\n"}, {"isort"}, id=".isort.cfg"),
        pytest.param({"api/pyproject.toml": "[tool.isort]\nprofile = 'black'\n"}, {"isort"}, id="isort"),
        pytest.param({"api/pyrightconfig.json": "{}"}, {"pyright"}, id="pyrightconfig.json"),
        pytest.param({"api/mypy.ini": "[mypy]"}, {"mypy"}, id="mypy.ini"),
        pytest.param({"api/setup.cfg": "[metadata]\n[mypy]\nstrict = true"}, {"mypy"}, id="setup.cfg"),
        pytest.param({"api/setup.cfg": "[mypy-django.*]"}, set(), id="setup.cfg of a module"),
        pytest.param({"api/tox.ini": "[tox]\n[pytest]\n"}, {"pytest"}, id="tox.ini"),
        pytest.param({"api/pytest.ini": ""}, {"pytest"}, id="pytest.ini"),
        pytest.param({"api/pyproject.toml": "[tool.pytest.ini_options]\n"}, {"pytest"}, id="pyproject"),
        pytest.param({"api/pyproject.toml": "[tool.mypy]\nbroken ="}, {"mypy"}, id="broken pyproject"),
        pytest.param({"api/requirements-dev.txt": "ruff==0.9.1\nmypy\n"}, {"ruff", "mypy"}, id="asked for"),
        pytest.param({"api/requirements-dev.txt": "pytest-django==4.9"}, {"pytest"}, id="a plugin"),
        pytest.param({"api/requirements-dev.txt": "django-stubs==5"}, set(), id="stubs alone"),
        pytest.param(
            {"api/requirements-dev.txt": "ruff==1 --hash=sha256:aa\npytest==8 --hash=sha256:aa\n"}
            | {"api/requirements-dev.in": "pytest-django"},
            {"pytest"},
            id="only brought along by another",
        ),
        pytest.param(
            {"api/requirements-dev.txt": "pytest==8\n    # via pytest-x\n", "api/conftest.py": ""}
            | {"api/requirements-dev.in": "x"},
            {"pytest"},
            id="conftest.py",
        ),
        pytest.param({"api/conftest.py": ""}, set(), id="conftest.py without pytest"),
        pytest.param({"api/pyproject.toml": PROJECT}, {"pytest", "ruff"}, id="groups"),
        pytest.param(
            {"api/pyproject.toml": '[tool.poetry.group.dev.dependencies]\nmypy = "^1"'}, {"mypy"}, id="groups of Poetry"
        ),
    ],
)
def test_used_tools(files: dict[str, str], used: set[str]) -> None:
    assert tools(files) == used


def test_a_tool_may_be_configured_but_not_locked() -> None:
    project = python(django("api") | {"api/ruff.toml": ""})

    assert project.tools == {"ruff"}
    assert "ruff" not in project.packages
    assert project.configurations == {"ruff": "api/ruff.toml"}


def test_the_nearest_configuration_counts() -> None:
    files = django("api") | {"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n", "api/.ruff.toml": "", "api/ruff.toml": ""}

    assert python(files).configurations == {"ruff": "api/.ruff.toml", "mypy": "pyproject.toml"}


def test_requirements_hold_the_tool_of_a_plugin() -> None:
    assert "pytest" in python(django("api") | {"api/requirements-dev.txt": "pytest-django==4.9\n"}).packages


def test_manifest_without_a_lock_holds_the_tool_of_a_plugin() -> None:
    files = {path: text for path, text in django("api").items() if not path.endswith("requirements.txt")}
    manifest = '[project]\nname = "api"\nversion = "1"\ndependencies = ["pytest-xdist"]\n'

    assert "pytest" in python(files | {"api/pyproject.toml": manifest}).packages


def test_lock_has_no_other_packages_than_it_names() -> None:
    lock = '[[package]]\nname = "api"\nversion = "1"\nsource = { virtual = "." }\n'
    locked = lock + '[[package]]\nname = "pytest-django"\nversion = "4.9"\n'

    assert "pytest" not in python(django("api") | {"api/pyproject.toml": PROJECT, "api/uv.lock": locked}).packages
