"""What production installs, as the stack's own commands say it."""

import pytest

from tasks.discovery.python.install_commands import read_installation
from tasks.discovery.python.installations import for_production
from tasks.stack import PythonProject
from tests.discovery.trees import BARE, PINNED, look

LOCK = '[[package]]\nname = "api"\nversion = "1"\nsource = { virtual = "." }\n'
PROJECT = """
[project]
name = "api"
version = "1"
dependencies = ["django"]

[project.optional-dependencies]
prod = []
"""
SYNC = "uv sync --no-dev --extra prod"
SCRIPT = "FROM python:3.12\nRUN ./bin/install.sh\n"
UV = {"pyproject.toml": PROJECT, "uv.lock": LOCK}


def project(files: dict[str, str], install: str = "") -> PythonProject:
    tree = BARE | {f"api/{name}": text for name, text in files.items()}
    found = look(tree, installs={"api": install.split()} if install else None).components[0].python
    assert found
    return found


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("uv sync --locked --no-dev --no-editable", ("--no-dev",)),
        ("uv sync --frozen", ()),
        ("uv --quiet sync --group=prod --extra s3 --all-extras", ("--group", "prod", "--extra", "s3", "--all-extras")),
        ("uv sync --no-default-groups --only-group prod", ("--no-default-groups", "--only-group", "prod")),
        ("UV_NO_DEV=1 uv sync --package api", ("--no-dev", "--package", "api")),
        ("uv export --no-dev --all-extras -o requirements.txt", ("--no-dev", "--all-extras")),
        ("/bin/uv sync --no-dev --python 3.12", ("--no-dev",)),
    ],
)
def test_flags_of_uv_come_from_the_dockerfile(command: str, flags: tuple[str, ...]) -> None:
    found = project({**UV, "Dockerfile": f"FROM python:3.12\nRUN --mount=type=cache,target=/c {command}\n"})

    assert (found.kind, found.lock, found.install.flags) == ("uv", "api/uv.lock", flags)
    assert found.install.source == "api/Dockerfile:2"


@pytest.mark.parametrize(
    ("command", "extras"),
    [
        ("pip install .[prod]", ("prod",)),
        ("pip install --no-cache-dir '.[prod,s3]'", ("prod", "s3")),
        ("python -m pip install -e .[prod]", ("prod",)),
        ("uv pip install --system -r pyproject.toml --extra prod", ("prod",)),
        ("pip3 install .", ()),
    ],
)
def test_pip_installs_the_project_with_extras(command: str, extras: tuple[str, ...]) -> None:
    found = project({"pyproject.toml": PROJECT, "Dockerfile": f"FROM python:3.12\nRUN {command}\n"})

    assert (found.kind, found.install.project, found.install.extras) == ("uv", True, extras)
    assert found.install.flags == ("--no-dev", *(part for extra in extras for part in ("--extra", extra)))


def test_the_last_of_several_commands_of_uv_decides() -> None:
    dockerfile = "FROM python:3.12\nRUN uv sync --no-install-project\nCOPY . .\nRUN uv sync --no-dev\n"

    assert project({**UV, "Dockerfile": dockerfile}).install.flags == ("--no-dev",)


def test_stages_that_production_does_not_use_are_ignored() -> None:
    dockerfile = """
FROM python:3.12 AS base
RUN pip install gunicorn==23.0.0 poetry
FROM base AS build
RUN uv sync --no-dev --extra prod
FROM base AS development
RUN uv sync --all-groups
FROM base AS production
COPY --from=build /app /app
"""
    found = project({**UV, "Dockerfile": dockerfile}).install

    assert found.flags == ("--no-dev", "--extra", "prod")
    assert found.packages == ("gunicorn==23.0.0",)


def test_target_and_arguments_come_from_the_compose_file() -> None:
    dockerfile = "FROM python:3.12\nARG FILE=local.txt\nCOPY . .\nRUN pip install -r requirements/${FILE}\n"
    compose = "services:\n  web:\n    build: {context: api, args: {FILE: production.txt}}\n    ports: ['80']\n"
    files = {f"requirements/{name}.txt": PINNED for name in ("base", "local", "production")}
    tree = BARE | {f"api/{name}": text for name, text in {**files, "Dockerfile": dockerfile}.items()}
    found = look(tree | {"docker-compose.prod.yml": compose}).components[0].python

    assert found
    assert found.production == ("api/requirements/production.txt",)


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"build.sh": f"set -e\n{SYNC}\n"}, "api/build.sh:2"),
        ({"render.yaml": f"services:\n  - type: web\n    buildCommand: {SYNC}\n"}, "api/render.yaml:3"),
        ({"Procfile": f"web: gunicorn\nrelease: {SYNC}\n"}, "api/Procfile:2"),
        ({"Dockerfile": f"{SCRIPT}CMD gunicorn\n", "bin/install.sh": SYNC}, "api/bin/install.sh:1"),
        ({"Dockerfile": f"FROM python:3\nRUN <<EOF\n{SYNC}\nEOF\n"}, "api/Dockerfile:3"),
    ],
)
def test_scripts_and_platform_files_are_read(files: dict[str, str], source: str) -> None:
    found = project({**UV, **files}).install

    assert (found.flags, found.source) == (("--no-dev", "--extra", "prod"), source)


def test_settings_come_first() -> None:
    dockerfile = "FROM python:3.12\nRUN uv sync --no-dev\n"
    found = project({**UV, "Dockerfile": dockerfile}, "uv sync --no-dev --group prod").install

    assert (found.flags, found.source) == (("--no-dev", "--group", "prod"), "predeploy.toml")


def test_an_unknown_command_in_the_settings_is_a_warning() -> None:
    stack = look(BARE | {"api/requirements.txt": PINNED}, installs={"api": ["make", "install"]})

    assert any("is no command that installs packages" in line for line in stack.warnings)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('if [ "$MODE" = "production" ]; then uv sync --no-dev; else uv sync; fi', "uv sync --no-dev"),
        ('if [ "$MODE" != "production" ]; then uv sync; else uv sync --no-dev; fi', "uv sync --no-dev"),
        ('if [ "$DEV" = "true" ]; then uv sync; fi', ""),
        ("poetry sync $(if [ \"$ENV\" = 'production' ]; then echo '--only main'; fi) -n", "poetry sync --only main -n"),
        ("if [ -f x ]; then a; else b; fi", "a\nb"),
    ],
)
def test_branches_for_production(text: str, wanted: str) -> None:
    assert for_production(text).strip() == wanted


LOCK_2 = """
[[package]]
name = "django"
version = "5.2.1"
groups = ["main"]
[[package]]
name = "pytest"
version = "8.3.5"
groups = ["dev"]
[[package]]
name = "mkdocs"
version = "1.6"
groups = ["docs"]
[[package]]
name = "boto3"
version = "1.40"
groups = ["main"]
markers = 'extra == "s3"'
"""
MANIFEST_2 = """
[project]
name = "api"
dependencies = ["django"]
[project.optional-dependencies]
s3 = ["boto3"]
[tool.poetry.group.dev.dependencies]
pytest = "*"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
mkdocs = "*"
"""


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("poetry install --only main --no-root", {"django"}),
        ("poetry install --only=main -E s3", {"django", "boto3"}),
        ("poetry install --no-dev", {"django"}),
        ("poetry install", {"django", "pytest"}),
        ("poetry sync --with docs --without dev", {"django", "mkdocs"}),
        ("poetry install --all-extras --only main", {"django", "boto3"}),
        ("poetry export -f requirements.txt -o requirements.txt && pip install -r requirements.txt", {"django"}),
        ("pip install poetry && poetry install --only main", {"django"}),
    ],
)
def test_groups_and_extras_of_poetry(command: str, names: set[str]) -> None:
    files = {"pyproject.toml": MANIFEST_2, "poetry.lock": LOCK_2, "Dockerfile": f"FROM python:3.12\nRUN {command}\n"}
    text = project(files).install.exported[0]

    installed = {line.split("==")[0] for line in text.splitlines() if 'python_version < "0"' not in line}
    assert installed == names


@pytest.mark.parametrize(
    ("command", "only", "groups", "defaults"),
    [
        ("pdm sync --prod --no-editable", (), (), False),
        ("pdm install -G prod", (), ("prod",), True),
        ("pdm install --no-default -G prod", ("prod",), ("prod",), True),
    ],
)
def test_groups_of_pdm(command: str, only: tuple[str, ...], groups: tuple[str, ...], defaults: bool) -> None:
    found = read_installation(command.split(), {})

    assert found
    assert (found.tool, found.selection.only, found.selection.groups) == ("PDM", only, groups)
    assert found.selection.defaults is defaults


@pytest.mark.parametrize(
    ("command", "groups", "is_strict"),
    [
        ("pipenv install --system --deploy", (), True),
        ("pipenv sync --system --dev", ("dev",), False),
        ("pipenv install --deploy --categories packages,prod", ("main", "prod"), True),
    ],
)
def test_categories_of_pipenv(command: str, groups: tuple[str, ...], is_strict: bool) -> None:
    found = read_installation(command.split(), {})

    assert found
    assert (found.tool, found.selection.groups, found.is_strict) == ("Pipenv", groups, is_strict)


def test_a_tracked_wheel_a_directory_and_links_are_inputs() -> None:
    requirements = "-f ./wheels\n./vendor/shared-1-py3-none-any.whl\n-e ./libs/own\ntwo @ file:vendor/two.tar.gz\n"
    files = {
        "requirements/prod.txt": requirements,
        "vendor/shared-1-py3-none-any.whl": "",
        "vendor/two.tar.gz": "",
        "wheels/three.whl": "",
        "libs/own/setup.py": "",
    }
    found = project(files)

    assert found.production == ("api/requirements/prod.txt",)
    assert {f"api/{name}" for name in files} <= {*found.inputs}


def test_a_standard_lock_is_installed() -> None:
    lock = (
        '[[packages]]\nname = "Django"\nversion = "5.2.1"\n[[packages]]\nname = "local"\ndirectory = {path = "lib"}\n'
    )
    found = project({"pylock.toml": lock, "pyproject.toml": PROJECT, "lib/setup.py": ""})

    assert (found.kind, found.production, found.pinned) == ("requirements", ("api/pylock.toml",), True)
    assert found.versions == {"django": "5.2.1"}
    assert "api/lib/setup.py" in found.inputs


def test_a_file_outside_of_the_usual_places_is_found_by_its_name() -> None:
    dockerfile = "FROM python:3.12\nCOPY deploy/pins.txt /pins.txt\nRUN pip install -r /pins.txt\n"
    found = project({"deploy/pins.txt": PINNED, "requirements.txt": PINNED, "Dockerfile": dockerfile})

    assert found.production == ("api/deploy/pins.txt",)


def test_debian_packages_of_the_stages_are_known() -> None:
    dockerfile = """
FROM python:3.12-slim AS build
ARG DEPENDENCIES="gcc libpq-dev"
RUN apt-get update && apt-get install -y --no-install-recommends ${DEPENDENCIES} pkg-config=1.8.* && rm -rf /x
FROM python:3.12-slim
RUN apt-get install -y libpq5
COPY --from=build /venv /venv
CMD gunicorn
"""
    found = project({"requirements.txt": PINNED, "Dockerfile": dockerfile})

    assert found.install.system_packages == ("gcc", "libpq-dev", "libpq5", "pkg-config")
