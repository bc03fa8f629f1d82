"""The values that compose files, images and examples give to production's variables."""

import pytest

from tests.discovery.trees import django, web

READS = 'import os\nMODE, LIMIT = os.environ["MODE"], os.environ.get("LIMIT")\n'
DEVELOPMENT = "services: {web: {build: ., ports: ['80:80'], environment: {MODE: dev, LIMIT: '1'}}}"
PRODUCTION = "services: {web: {image: shop, command: make serve, environment: {MODE: live}}}"
IMAGE = "FROM python:3.13.1-slim\nCOPY . /app\nWORKDIR /app\nCMD gunicorn config.wsgi\n"


def given(files: dict[str, str]) -> dict[str, tuple[str, str]]:
    found = web(django() | {"config/settings.py": READS, "Dockerfile": IMAGE} | files)
    return {name: (value, file) for name, value, file in found.given}


def test_production_s_compose_file_beats_the_one_of_development_without_naming_the_server() -> None:
    files = {"docker-compose.yml": DEVELOPMENT, "docker-compose.production.yml": PRODUCTION}
    files |= {"Makefile": "serve:\n\tgunicorn config.wsgi\n"}

    found = given(files)

    assert (found["MODE"], found["LIMIT"]) == (
        ("live", "docker-compose.production.yml"),
        ("1", "docker-compose.yml"),
    )


def test_build_arguments_of_production_reach_the_variables_of_the_image() -> None:
    image = "FROM python:3.13\nARG MODE\nENV MODE=${MODE}\nCMD gunicorn config.wsgi\n"
    compose = "services: {web: {build: {context: ., args: {MODE: production}}, ports: ['80:80']}}"

    assert "MODE" not in given({"Dockerfile": image})
    assert given({"Dockerfile": image, "compose.prod.yml": compose})["MODE"] == ("production", "Dockerfile")


def test_official_image_of_python_sets_variables() -> None:
    assert given({})["PYTHON_VERSION"] == ("3.13.1", "Dockerfile")
    assert "PYTHON_VERSION" not in given({"Dockerfile": IMAGE.replace("python:3.13.1-slim", "debian:13")})


def test_variable_that_a_page_needs_is_one_of_production() -> None:
    page = 'import os\ndef home(request):\n    return os.environ["REGION"], os.environ.get("OTHER")\n'
    command = 'import os\ndef handle():\n    return os.environ["PASSWORD"]\n'

    found = web(django() | {"shop/views.py": page, "shop/management/commands/load.py": command})

    assert [each.name for each in found.reads if each.required] == ["REGION"]


def test_files_of_split_settings_are_read() -> None:
    files = {"config/settings.py": ""} | {
        "config/settings/__init__.py": 'from split_settings.tools import include\ninclude("parts/base.py")\n',
        "config/settings/parts/base.py": READS,
    }

    found = web(django() | files)

    assert [each.name for each in found.reads if each.required] == ["MODE"]


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("postgis/postgis:16-3.4", "postgis/postgis:16-3.4"),
        ("docker.io/pgvector/pgvector:pg16", "docker.io/pgvector/pgvector:pg16"),
        ("timescale/timescaledb:${VERSION:-2.17.2-pg16}", "timescale/timescaledb:2.17.2-pg16"),
        ("postgres:16", ""),
        ("shop/postgis-admin:1", ""),
        ("pgvector/pgvector:${VERSION}", ""),
    ],
)
def test_postgres_with_extensions_is_that_of_a_compose_file(image: str, found: str) -> None:
    files = django() | {"compose.yml": f"services: {{db: {{image: '{image}'}}, cache: {{image: 'redis:7'}}}}"}

    assert web(files).postgres_image == found


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({"app.json": '{"addons": ["heroku-postgresql:essential-0"]}'}, "app.json", id="Heroku"),
        pytest.param({"app.json": '{"addons": [{"plan": "heroku-postgresql"}]}'}, "app.json", id="a plan of Heroku"),
        pytest.param(
            {
                "render.yaml": "services:\n- type: web\n  runtime: python\n  envVars:\n  - key: DATABASE_URL\n"
                "    fromDatabase: {name: shop, property: connectionString}\n"
            },
            "render.yaml",
            id="Render",
        ),
        pytest.param({"app.json": '{"addons": ["heroku-redis"]}'}, "", id="another service"),
        pytest.param({}, "", id="none"),
    ],
)
def test_postgres_of_a_host(files: dict[str, str], found: str) -> None:
    project = web(django() | files)

    assert [path for name, value, path in project.given if name == "DATABASE_URL"] == [found] * bool(found)
    assert project.postgres is bool(found)
