"""The settings module of production, with its origin."""

import pytest

from tests.discovery.trees import MANAGE, WSGI, django, web

IMAGE = "FROM python:3.13\nRUN pip install django\n"


def split(default: str, *modules: str) -> dict[str, str]:
    """A project with settings modules in a package. wsgi.py and manage.py name the default."""
    files = django() | {f"config/settings/{name}.py": "DEBUG = 1" for name in modules}
    files |= {"config/settings/__init__.py": "", "config/wsgi.py": WSGI.replace("config.settings", default)}
    del files["config/settings.py"]
    return files | {"manage.py": MANAGE.replace("config.settings", default)}


@pytest.mark.parametrize(
    ("default", "modules", "chosen"),
    [
        ("config.settings.local", ("local", "production"), "config.settings.production"),
        ("config.settings.dev", ("dev", "prod"), "config.settings.prod"),
        ("config.settings.base", ("base", "local", "production"), "config.settings.production"),
        ("config.settings.test", ("test", "production"), "config.settings.production"),
        ("config.settings.dev_local", ("dev_local", "prod_local"), "config.settings.prod_local"),
        ("config.settings", ("local", "production"), "config.settings.production"),
        ("config.settings.local", ("local", "base"), "config.settings.local"),
        ("config.settings.staging", ("staging", "production"), "config.settings.staging"),
    ],
)
def test_production_next_to_development(default: str, modules: tuple[str, ...], chosen: str) -> None:
    found = web(split(default, *modules))

    assert found.settings == chosen
    assert found.settings_found.place == "config/wsgi.py:4"
    assert found.settings_found.guess == (chosen != default or chosen.endswith("local"))


def test_package_that_chooses_by_a_variable_stays() -> None:
    files = split("config.settings", "local", "production")
    files |= {"config/settings/__init__.py": "import os\nenv = os.environ['ENV']\n"}

    assert web(files).settings == "config.settings"


SERVICE = "services:\n  web:\n    build: .\n    environment:\n      - DJANGO_SETTINGS_MODULE=config.settings.a\n"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"docker-compose.prod.yml": SERVICE, "Dockerfile": IMAGE}, "docker-compose.prod.yml:5"),
        ({"docker-compose.yml": SERVICE, "Dockerfile": IMAGE}, "docker-compose.yml:5"),
        (
            {"docker-compose.prod.yml": "services: {web: {build: ., env_file: [.envs/prod]}}", "Dockerfile": IMAGE}
            | {".envs/prod": "\nDJANGO_SETTINGS_MODULE=config.settings.a\n"},
            ".envs/prod:2",
        ),
        (
            {"Dockerfile": IMAGE + "COPY . /app\nCMD /app/run\n"}
            | {"run": "export DJANGO_SETTINGS_MODULE=config.settings.a\ngunicorn config.wsgi\n"},
            "run:2",
        ),
        ({"Procfile": "web: gunicorn -e DJANGO_SETTINGS_MODULE=config.settings.a config.wsgi"}, "Procfile:1"),
        ({"fly.toml": '[env]\nDJANGO_SETTINGS_MODULE = "config.settings.a"\n'}, "fly.toml:2"),
        ({"app.json": '{"env": {\n"DJANGO_SETTINGS_MODULE": {"value": "config.settings.a"}}}'}, "app.json:2"),
        ({"app.yaml": "runtime: x\nenv_variables:\n  DJANGO_SETTINGS_MODULE: config.settings.a\n"}, "app.yaml:3"),
        (
            {"render.yaml": "services:\n- type: web\n  runtime: python\n  envVars:\n"}
            | {
                "render.yaml": "services:\n- type: web\n  runtime: python\n  envVars:\n"
                "  - key: DJANGO_SETTINGS_MODULE\n    value: config.settings.a\n"
            },
            "render.yaml:5",
        ),
    ],
)
def test_files_that_name_the_settings(files: dict[str, str], place: str) -> None:
    found = web(split("config.settings.b", "a", "b") | files)

    assert (found.settings, found.settings_found.place) == ("config.settings.a", place)


def test_compose_file_of_development_names_nothing() -> None:
    service = SERVICE + "    command: python manage.py runserver\n"

    found = web(split("config.settings.b", "a", "b") | {"docker-compose.yml": service, "Dockerfile": IMAGE})

    assert found.settings == "config.settings.b"


def test_image_beats_the_compose_file_but_not_that_of_production() -> None:
    image = IMAGE + "ENV DJANGO_SETTINGS_MODULE=config.settings.b\n"
    files = split("config.settings.c", "a", "b", "c") | {"Dockerfile": image}

    assert web(files | {"docker-compose.yml": SERVICE}).settings_found.place == "Dockerfile:3"
    assert web(files | {"docker-compose.prod.yml": SERVICE}).settings == "config.settings.a"


@pytest.mark.parametrize(
    ("stages", "target"),
    [
        ("FROM base AS production\nFROM production AS development\n", "production"),
        ("FROM base AS app\nFROM app AS dev\n", "app"),
        ("FROM base AS dev\nFROM dev AS app\n", ""),
        ("FROM base AS dev\n", ""),
    ],
)
def test_last_stage_is_never_one_of_development(stages: str, target: str) -> None:
    assert web(django() | {"Dockerfile": IMAGE + stages}).target == target
