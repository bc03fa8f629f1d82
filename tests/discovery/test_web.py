"""Discovery of Django projects."""

import pytest

from tasks.stack import Kind
from tests.discovery.trees import MANAGE, WSGI, django, look, python, web

SPLIT = {
    "config/settings/__init__.py": "",
    "config/settings/production.py": "",
    "config/wsgi.py": WSGI.replace("config.settings", "config.settings.production"),
    "manage.py": MANAGE.replace("config.settings", "config.settings.local"),
    "requirements.txt": "django==5.2.1\n",
}


def test_settings_of_the_server_beat_those_of_manage_py() -> None:
    found = web(SPLIT)

    assert (found.settings, found.manage_settings) == ("config.settings.production", "config.settings.local")
    assert found.wsgi == "config.wsgi:application"


def test_the_dockerfile_beats_the_server() -> None:
    dockerfile = "FROM python:3.13\nENV A=1 DJANGO_SETTINGS_MODULE=config.settings.docker\nRUN pip install django\n"

    assert web(SPLIT | {"Dockerfile": dockerfile}).settings == "config.settings.docker"


def test_the_configuration_beats_everything() -> None:
    dockerfile = "FROM python:3.13\nENV DJANGO_SETTINGS_MODULE=config.settings.docker\nRUN pip install django\n"

    found = web(SPLIT | {"Dockerfile": dockerfile}, settings={".": "config.settings.mine"})

    assert found.settings == "config.settings.mine"


def test_a_settings_module_with_a_variable_is_ignored() -> None:
    dockerfile = "FROM python:3.13\nENV DJANGO_SETTINGS_MODULE=config.settings.${STAGE}\nRUN pip install django\n"

    assert web(SPLIT | {"Dockerfile": dockerfile}).settings == "config.settings.production"


@pytest.mark.parametrize(
    "line",
    [
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")',
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')",
        'os.environ.setdefault(\n    "DJANGO_SETTINGS_MODULE",\n    "shop.settings",\n)',
        'os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"',
        'settings = os.getenv("DJANGO_SETTINGS_MODULE", "shop.settings")',
        (
            'if "test" in sys.argv:\n    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.test_settings")\n'
            'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")'
        ),
    ],
)
def test_ways_to_choose_settings(line: str) -> None:
    assert web({"manage.py": f"import django\n{line}\n"}).manage_settings == "shop.settings"


def test_settings_that_are_computed_are_unknown() -> None:
    line = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())'

    assert web({"manage.py": f"import django\n{line}\n"}).settings == ""


def test_project_without_manage_py_starts_from_its_gateway() -> None:
    files = {
        "my-shop/src/config/wsgi.py": WSGI,
        "my-shop/src/config/settings.py": "",
        "my-shop/requirements.txt": "django",
    }

    (component,) = look(files).of(Kind.WEB)

    assert component.path == "my-shop/src"
    assert component.web is not None
    assert (component.web.settings, component.web.wsgi) == ("config.settings", "config.wsgi:application")


@pytest.mark.parametrize(
    "files",
    [
        {"config/wsgi.py": WSGI},
        {"examples/shop/config/wsgi.py": WSGI, "examples/shop/config/settings.py": ""},
        {"config/wsgi.py": "import flask\n", "config/settings.py": ""},
    ],
)
def test_gateway_alone_is_no_project(files: dict[str, str]) -> None:
    assert not look(files).of(Kind.WEB)


def test_gateway_next_to_the_manage_py_of_another_directory_is_no_project() -> None:
    files = {
        "web/manage.py": MANAGE,
        "web/config/settings.py": "",
        "old/config/wsgi.py": WSGI,
        "old/config/settings.py": "",
    }

    assert [each.path for each in look(files).of(Kind.WEB)] == ["web"]


def test_modules_that_are_imported_from_above_manage_py() -> None:
    settings = "apps.web.config.settings"
    files = {
        "pyproject.toml": '[project]\nname = "consult"\n',
        "uv.lock": "version = 1\n",
        "apps/web/manage.py": MANAGE.replace("config.settings", settings),
        "apps/web/config/settings.py": "",
        "apps/web/config/wsgi.py": WSGI.replace("config.settings", settings),
    }

    component = look(files).components[0]

    assert component.web
    assert component.web.wsgi == "apps.web.config.wsgi:application"
    assert component.python
    assert component.python.paths == ("apps/web", ".")


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("application = get_asgi_application()", "application"),
        ("app = get_asgi_application()", "app"),
        ("application: ASGIHandler = get_asgi_application()", "application"),
        ("django = get_asgi_application()\n\nasync def application(scope, receive, send): ...", "application"),
        ("inner = get_asgi_application()\napplication = Wrapped(inner)", "application"),
    ],
)
def test_the_name_of_the_application(text: str, attribute: str) -> None:
    files = django() | {"config/asgi.py": f"from django.core.asgi import get_asgi_application\n{text}\n"}

    assert web(files).asgi == f"config.asgi:{attribute}"


def test_apps_are_directories_with_migrations() -> None:
    files = django("web") | {
        "web/shop/migrations/__init__.py": "",
        "web/core/users/migrations/0001_initial.py": "",
        "web/plain/models.py": "",
        "web/tests/app/migrations/__init__.py": "",
        "other/migrations/__init__.py": "",
    }

    assert web(files).apps == ("web/core/users", "web/shop")


def test_an_app_belongs_to_the_nearest_project() -> None:
    files = django() | django("sub") | {"sub/shop/migrations/__init__.py": "", "core/migrations/__init__.py": ""}

    assert [c.web.apps for c in look(files).components if c.web] == [("core",), ("sub/shop",)]


def test_env_examples() -> None:
    assert web(django("api") | {".env.example": "", "api/.env.sample": ""}).env_example == "api/.env.sample"
    assert web(django("api") | {".env.example": ""}).env_example == ".env.example"
    assert web(django("api")).env_example is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("ENV PYTHONPATH=/srv/libs:/srv/app", ("libs", "api"), id="of the image"),
        pytest.param("ENV PYTHONPATH=/srv/libs:$PYTHONPATH", ("libs",), id="with what was there"),
        pytest.param("ENV PYTHONPATH=/usr/lib/shop", (), id="elsewhere"),
        pytest.param("ENV OTHER=/srv/libs", (), id="none"),
    ],
)
def test_module_path_of_the_image_is_that_of_the_packages(line: str, found: tuple[str, ...]) -> None:
    copies = "FROM python:3.13\nRUN pip install django\nCOPY libs /srv/libs\nCOPY api /srv/app\nWORKDIR /srv/app\n"
    files = django("api") | {"libs/common/__init__.py": "", "api/Dockerfile": copies + line + "\n"}

    assert web(files).module_paths == found
    assert set(found) <= set(python(files).paths)
