"""Locks of Poetry, PDM and Pipenv become requirements files with exactly their packages."""

import json

import pytest

from tasks.discovery.python.constraints import python_marker, satisfies
from tasks.stack import PythonProject
from tests.discovery.trees import BARE, look

POETRY_1 = """
[tool.poetry]
name = "api"

[tool.poetry.dependencies]
python = "^3.11"
Django = "~5.2"
psycopg = {version = ">=3.2", extras = ["binary"]}
whitenoise = {version = "^6", optional = true}
colorama = {version = "*", platform = "win32"}

[tool.poetry.extras]
prod = ["whitenoise"]

[tool.poetry.group.dev.dependencies]
pytest = "^8"
"""
LOCK_1 = """
[[package]]
name = "django"
version = "5.2.1"
python-versions = ">=3.10"
files = [{file = "django.whl", hash = "sha256:aa"}, {file = "django.tar.gz", hash = "sha256:bb"}]

[package.dependencies]
asgiref = ">=3.8.1,<4"
tzdata = {version = "*", markers = "sys_platform == 'win32'"}

[[package]]
name = "asgiref"
version = "3.8.1"
python-versions = ">=3.8"
files = []

[package.dependencies]
typing-extensions = {version = ">=4", markers = "python_version < '3.11'"}

[[package]]
name = "typing-extensions"
version = "4.12.2"
python-versions = ">=3.8"
files = []

[[package]]
name = "tzdata"
version = "2025.1"
python-versions = ">=2"
files = []

[[package]]
name = "psycopg"
version = "3.2.9"
python-versions = ">=3.8"
files = []

[package.dependencies]
psycopg-binary = {version = "3.2.9", optional = true, markers = "implementation_name != 'pypy' and extra == 'binary'"}
psycopg-c = {version = "3.2.9", optional = true, markers = "extra == 'c'"}

[[package]]
name = "psycopg-binary"
version = "3.2.9"
python-versions = ">=3.8"
files = []

[[package]]
name = "psycopg-c"
version = "3.2.9"
python-versions = ">=3.8"
files = []

[[package]]
name = "whitenoise"
version = "6.9.0"
python-versions = ">=3.9"
optional = true
files = []

[[package]]
name = "colorama"
version = "0.4.6"
python-versions = ">=2.7"
files = []

[[package]]
name = "pytest"
version = "8.3.5"
python-versions = ">=3.8"
files = []

[package.dependencies]
colorama = {version = "*", markers = "sys_platform == 'win32'"}
typing-extensions = ">=4"

[extras]
prod = ["whitenoise"]

[metadata]
lock-version = "2.0"
python-versions = "^3.11"
content-hash = "abc"
"""
LOCK_2 = """
[[package]]
name = "django"
version = "5.2.1"
groups = ["main"]
files = [{file = "django.whl", hash = "sha256:aa"}]

[[package]]
name = "whitenoise"
version = "6.9.0"
optional = true
groups = ["main"]
markers = "extra == \\"prod\\""
files = []

[[package]]
name = "colorama"
version = "0.4.6"
groups = ["main", "dev"]
markers = {main = "sys_platform == \\"win32\\"", dev = "platform_system == \\"Windows\\""}
files = []

[[package]]
name = "pytest"
version = "8.3.5"
groups = ["dev"]
files = []

[[package]]
name = "widgets"
version = "1.0"
groups = ["main"]
files = []

[package.source]
type = "git"
url = "https://example.invalid/widgets.git"
reference = "v1"
resolved_reference = "0123abc"

[[package]]
name = "shared"
version = "1"
groups = ["main"]
files = []

[package.source]
type = "directory"
url = "../libs/shared"

[metadata]
lock-version = "2.1"
"""
STANDARD = """
[project]
name = "api"
requires-python = ">=3.11"
dependencies = ["django>=5.2"]

[project.optional-dependencies]
prod = ["whitenoise"]

[dependency-groups]
dev = ["pytest"]
"""
PDM_2 = """
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[package]]
name = "django"
version = "5.2.1"
groups = ["default"]
files = [{file = "django.whl", hash = "sha256:aa"}]

[[package]]
name = "tzdata"
version = "2025.1"
groups = ["default"]
marker = "sys_platform == \\"win32\\""
files = []

[[package]]
name = "pytest"
version = "8.3.5"
groups = ["dev"]
files = []
"""
PDM_1 = """
[metadata]
lock_version = "4.2"

[metadata.files]
"django 5.2.1" = [{url = "django.whl", hash = "sha256:aa"}]

[[package]]
name = "django"
version = "5.2.1"
requires_python = ">=3.10"
dependencies = ["asgiref>=3.8", "tzdata; sys_platform == \\"win32\\""]

[[package]]
name = "asgiref"
version = "3.8.1"

[[package]]
name = "tzdata"
version = "2025.1"

[[package]]
name = "pytest"
version = "8.3.5"
"""
PIPFILE = {
    "_meta": {
        "sources": [{"name": "main", "url": "https://one.invalid"}, {"name": "own", "url": "https://two.invalid"}]
    },
    "default": {
        "django": {"hashes": ["sha256:aa"], "version": "==5.2.1", "markers": "python_version >= '3.10'"},
        "widgets": {"git": "https://example.invalid/widgets.git", "ref": "0123abc"},
        "local": {"path": "./vendor/local.whl"},
    },
    "develop": {"pytest": {"hashes": [], "version": "==8.3.5"}},
}


def project(files: dict[str, str]) -> PythonProject:
    found = look(BARE | {f"api/{name}": text for name, text in files.items()}).components[0].python
    assert found
    return found


def lines(text: str) -> dict[str, str]:
    """The lines of a requirements file by the name of their package."""
    return {line.replace("==", " ").split(" ", maxsplit=1)[0]: line for line in text.splitlines()}


def test_a_lock_of_poetry_1_installs_what_its_groups_reach() -> None:
    found = project({"pyproject.toml": POETRY_1, "poetry.lock": LOCK_1})
    production, development = map(lines, found.install.exported)

    assert (found.kind, found.lock, found.manager, found.pinned) == ("locked", "api/poetry.lock", "Poetry", True)
    assert production["django"] == "django==5.2.1 --hash=sha256:aa --hash=sha256:bb"
    assert production["asgiref"] == "asgiref==3.8.1"
    assert production["psycopg-binary"].startswith("psycopg-binary==3.2.9 ; ")
    assert "sys_platform == 'win32'" in production["tzdata"]
    assert "python_version < '3.11'" in production["typing-extensions"]
    assert 'sys_platform == "win32"' in production["colorama"]
    assert not {"pytest", "psycopg-c"} & production.keys()
    assert 'python_version < "0"' in production["whitenoise"]  # its extra is not selected
    assert {"pytest", "whitenoise"} < development.keys()
    assert development["typing-extensions"] == "typing-extensions==4.12.2"  # pytest needs it on every Python
    assert found.python.accepts == "<4,>=3.11"


def test_a_lock_of_poetry_2_names_groups_markers_and_sources() -> None:
    found = project({"pyproject.toml": STANDARD, "poetry.lock": LOCK_2, "../libs/shared/setup.py": ""})
    production, development = map(lines, found.install.exported)

    assert production["django"] == "django==5.2.1 --hash=sha256:aa"
    assert production["colorama"] == 'colorama==0.4.6 ; (sys_platform == "win32")'
    assert 'platform_system == "Windows"' in development["colorama"]
    assert production["widgets"] == "widgets @ git+https://example.invalid/widgets.git@0123abc"
    assert "./../libs/shared" in production
    assert "pytest" not in production
    assert 'python_version >= "0"' in development["whitenoise"]


@pytest.mark.parametrize("lock", [pytest.param(PDM_1, id="4.2"), pytest.param(PDM_2, id="4.5")])
def test_a_lock_of_pdm(lock: str) -> None:
    found = project({"pyproject.toml": STANDARD, "pdm.lock": lock})
    production, development = map(lines, found.install.exported)

    assert (found.kind, found.manager) == ("locked", "PDM")
    assert production["django"] == "django==5.2.1 --hash=sha256:aa"
    assert 'sys_platform == "win32"' in production["tzdata"]
    assert "pytest" not in production
    assert "pytest" in development


def test_a_pipfile_lock() -> None:
    manifest = '[packages]\nDjango = "*"\n[requires]\npython_version = "3.12"\n'
    found = project({"Pipfile": manifest, "Pipfile.lock": json.dumps(PIPFILE)})
    production, development = map(lines, found.install.exported)

    assert (found.kind, found.manager, found.manifest) == ("locked", "Pipenv", "api/Pipfile")
    assert production["django"] == "django==5.2.1 ; (python_version >= '3.10') --hash=sha256:aa"
    assert production["widgets"] == "widgets @ git+https://example.invalid/widgets.git@0123abc"
    assert "./vendor/local.whl" in production
    assert found.install.exported[0].splitlines()[0] == "--extra-index-url https://two.invalid"
    assert "pytest" in development
    assert found.python.accepts == "==3.12.*"


def test_a_broken_lock_removes_no_check() -> None:
    found = project({"pyproject.toml": STANDARD, "poetry.lock": "[[package"})

    assert found.kind == "locked"
    assert found.packages == {"django", "whitenoise", "pytest"}


@pytest.mark.parametrize(
    ("version", "constraint", "fits"),
    [
        ("1.9.0", "^1.2", True),
        ("2.0.0", "^1.2", False),
        ("0.2.9", "^0.2.3", True),
        ("0.3.0", "^0.2.3", False),
        ("1.2.9", "~1.2.3", True),
        ("1.3.0", "~1.2.3", False),
        ("1.9", "~1", True),
        ("3.1.4", "3.1.*", True),
        ("1.0", ">=2.0 || <1.5", True),
        ("1.8", ">=2.0||<1.5", False),
        ("1.8", ">=1.5 <2", True),
        ("1.0", "1.0", True),
        ("1.1", "1.0", False),
        ("1.1", "*", True),
        ("1.1", "not a constraint", True),
    ],
)
def test_constraints_of_poetry(version: str, constraint: str, fits: bool) -> None:
    assert satisfies(version, constraint) is fits


def test_a_constraint_on_python_is_a_marker() -> None:
    assert python_marker("<3.12") == 'python_full_version < "3.12"'
    assert python_marker(">=3.8,<3.9 || >=3.11") == (
        '(python_full_version < "3.9" and python_full_version >= "3.8" or python_full_version >= "3.11")'
    )
    assert python_marker("*") == ""
