"""static_files.py and managed.py inside a real Django project, installed like a user's project."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe

pytestmark = [pytest.mark.real, pytest.mark.network]

SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "x"
DEBUG = False
ALLOWED_HOSTS = ["shop.example", ".shop.test"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles"]
ROOT_URLCONF = "config.urls"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
STATICFILES_DIRS = [BASE_DIR / "own"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
WSGI = """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
"""
POSTGRES = """
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", {values}}}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project. `tree/` is the stack's root."""
    files = {
        "manage.py": MANAGE,
        "config/__init__.py": "",
        "config/settings.py": SETTINGS,
        "config/urls.py": "urlpatterns = []",
        "config/wsgi.py": WSGI,
        "own/style.css": "body {}",
    }
    for name, text in files.items():
        place = tmp_path / "tree" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (tmp_path / "out").mkdir()
    return tmp_path / "tree"


def settle(project: Path, text: str, *, replace: str = "") -> None:
    """Appends lines to the settings, or replaces the text `replace` by them."""
    file = project / "config" / "settings.py"
    old = file.read_text()
    assert replace in old
    file.write_text(old.replace(replace, text) if replace else old + text)


def environment(env: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **env}


def collect(project: Path, python: str, *words: str, env: Mapping[str, str] | None = None) -> ProbeResult:
    out = project.parent / "out"
    places = ("--within", str(project), "--spare", str(out / "static"), "--facts", str(out / "django.json"))
    return run_probe("django/static_files", *places, *words, cwd=project, python=python, env=environment(env or {}))


def manage(project: Path, python: str, *command: str, env: Mapping[str, str] | None = None) -> ProbeResult:
    arguments = ("127.0.0.1", "15999", "check_1", *command)
    return run_probe("django/managed", *arguments, cwd=project, python=python, env=environment(env or {}))


def test_static_files_are_collected_and_counted(project: Path, django_python: str) -> None:
    result = collect(project, django_python, "config.wsgi")

    assert (result.code, result.document) == (0, {"diagnostics": [], "summary": "1 static file"}), result.stderr
    assert (project / "collected" / "style.css").is_file()


def test_facts_for_the_health_check_are_written(project: Path, django_python: str) -> None:
    settle(project, 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTOCOL", "ssl")\n')

    collect(project, django_python, "config.wsgi")

    facts = json.loads((project.parent / "out" / "django.json").read_text())
    assert facts == {"hosts": ["shop.example", ".shop.test"], "https": ["X-Forwarded-Protocol", "ssl"]}


def test_settings_that_print_do_not_disturb(project: Path, django_python: str) -> None:
    settle(project, 'print("{not json")\n')

    assert collect(project, django_python, "config.wsgi").document["summary"] == "1 static file"


def test_static_root_outside_of_the_tree_is_left_alone(project: Path, django_python: str) -> None:
    outside = project.parent / "var-www"
    settle(project, f'STATIC_ROOT = "{outside}"\n')

    result = collect(project, django_python, "config.wsgi")

    assert result.document["summary"] == "1 static file"
    assert not outside.exists()


@pytest.mark.parametrize(
    ("setting", "summary"),
    [
        ('INSTALLED_APPS = ["django.contrib.contenttypes"]', "no static files app"),
        ("STATIC_ROOT = None", "STATIC_ROOT is not set: no static files to collect"),
        ("STATICFILES_DIRS = []", "0 static files"),
        (
            'STORAGES = {"staticfiles": {"BACKEND": "django.core.files.storage.memory.InMemoryStorage"}}',
            "static files go to InMemoryStorage: not collected here",
        ),
    ],
)
def test_the_summary_says_why_nothing_is_collected(
    project: Path, django_python: str, setting: str, summary: str
) -> None:
    settle(project, setting + "\n")

    result = collect(project, django_python, "config.wsgi")

    assert (result.code, result.document.get("summary")) == (0, summary), result.stderr


def test_an_app_may_be_named_by_its_configuration_class(project: Path, django_python: str) -> None:
    settle(
        project,
        '"django.contrib.staticfiles.apps.StaticFilesConfig"',
        replace='"django.contrib.staticfiles"',
    )

    assert collect(project, django_python, "config.wsgi").document["summary"] == "1 static file"


@pytest.mark.parametrize("missing", ['BASE_DIR / "built"', '("bundle", BASE_DIR / "built")'])
def test_a_missing_folder_that_the_image_builds_is_a_warning(project: Path, django_python: str, missing: str) -> None:
    settle(project, f"STATICFILES_DIRS = [BASE_DIR / 'own', {missing}]\n")

    result = collect(project, django_python, "config.wsgi", "--image", "Dockerfile")

    assert (result.code, result.document["summary"]) == (0, "1 static file"), result.stderr
    assert [each["severity"] for each in result.document["diagnostics"]] == ["warning"]
    assert "built is not in the tree. Dockerfile must build it" in result.messages[0]


def test_style_that_names_a_missing_file_is_red(project: Path, django_python: str) -> None:
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settle(project, f'STORAGES = {{"staticfiles": {{"BACKEND": "{manifest}"}}}}\n')
    (project / "own" / "style.css").write_text("p {}\nbody { background: url(gone.png) }")

    result = collect(project, django_python, "config.wsgi")

    (found,) = result.document["diagnostics"]
    assert result.code == 5
    assert (found["file"], found["line"]) == ("own/style.css", 2)
    assert found["message"] == "The file 'gone.png' could not be found"


@pytest.mark.parametrize(
    ("file", "text"), [("config/settings.py", "import gone_module"), ("config/wsgi.py", "x ="), ("manage.py", "1 / 0")]
)
def test_import_that_fails_is_a_traceback(project: Path, django_python: str, file: str, text: str) -> None:
    (project / file).write_text(text + "\n")

    result = collect(project, django_python, "config.wsgi")

    assert result.code == 1
    assert "Traceback" in result.stderr or "SyntaxError" in result.stderr
    assert result.document == {}


def test_without_an_entry_module_the_settings_are_those_of_manage(project: Path, django_python: str) -> None:
    assert collect(project, django_python).document["summary"] == "1 static file"

    (project / "config" / "settings.py").write_text("import gone_module\n")
    broken = collect(project, django_python)
    assert broken.code == 1
    assert "gone_module" in broken.stderr


def test_configured_settings_override_those_of_manage(project: Path, django_python: str) -> None:
    (project / "config" / "production.py").write_text("from config.settings import *\nSTATIC_ROOT = None\n")

    result = collect(project, django_python, "config.wsgi", env={"DJANGO_SETTINGS_MODULE": "config.production"})

    assert "STATIC_ROOT is not set" in result.document["summary"]


def test_the_module_path_that_manage_extends_is_used(project: Path, django_python: str) -> None:
    """Project templates often put the apps into a folder of their own."""
    (project / "apps" / "menu").mkdir(parents=True)
    (project / "apps" / "menu" / "__init__.py").write_text("")
    settle(project, 'INSTALLED_APPS += ["menu"]\n')
    lines = 'import sys; sys.path.append("apps")\n'
    for name in ("manage.py", "config/wsgi.py"):
        (project / name).write_text(lines + (project / name).read_text())

    assert collect(project, django_python, "config.wsgi").code == 0
    assert manage(project, django_python, "check", env={"DJANGO_SETTINGS_MODULE": "config.settings"}).code == 75


def test_the_server_does_not_use_the_module_path_of_manage(project: Path, django_python: str) -> None:
    (project / "apps").mkdir()
    (project / "apps" / "menu.py").write_text("")
    (project / "config" / "wsgi.py").write_text("import menu\n" + WSGI)
    (project / "manage.py").write_text('import sys; sys.path.append("apps")\n' + MANAGE)

    result = collect(project, django_python, "config.wsgi")

    assert result.code == 1
    assert "No module named 'menu'" in result.stderr


def test_probe_modules_do_not_shadow_those_of_the_stack(project: Path, django_python: str) -> None:
    (project / "links").mkdir()
    (project / "links" / "__init__.py").write_text("OWN = True\n")
    settle(project, 'import links\nassert links.OWN\nINSTALLED_APPS += ["links"]\n')

    assert collect(project, django_python, "config.wsgi").code == 0


def test_a_database_of_another_vendor_is_named_and_not_used(project: Path, django_python: str) -> None:
    result = manage(project, django_python, "migrate", "--noinput")

    assert result.code == 75
    assert result.stderr.startswith("the settings use the sqlite database")
    assert "DATABASE_URL" in result.stderr
    assert not (project / "db.sqlite3").exists()


@pytest.mark.parametrize(
    "values",
    [
        '"HOST": "192.0.2.1", "PORT": "5432", "NAME": "check_1"',
        '"HOST": "192.0.2.1", "PORT": 15999, "NAME": "production"',
        '"HOST": "192.0.2.1", "NAME": "production"',
    ],
)
def test_another_database_is_not_connected_to(project: Path, django_python: str, values: str) -> None:
    """The address never answers: a connection attempt would take minutes."""
    settle(project, POSTGRES.format(values=values))

    result = manage(project, django_python, "migrate", "--noinput")

    assert result.code == 75
    assert result.stderr.startswith("the settings use the PostgreSQL database ")
    assert "at 192.0.2.1:" in result.stderr


@pytest.mark.parametrize("name", ["upgrade_from", "upgrade_to"])
@pytest.mark.parametrize(
    "settings", ["", POSTGRES.format(values='"HOST": "192.0.2.1", "PORT": 15999, "NAME": "production"')]
)
def test_only_the_database_of_the_check_is_upgraded(
    project: Path, django_python: str, name: str, settings: str
) -> None:
    settle(project, settings)
    more = ("--base", "main") if name == "upgrade_from" else ("--fresh", "migrated")
    arguments = ("127.0.0.1", "15999", "check_1", "--within", str(project), *more)

    result = run_probe(f"django/{name}", *arguments, cwd=project, python=django_python, env=environment({}))

    assert result.code == 75
    assert "so no command was run" in result.stderr
    assert not (project / "db.sqlite3").exists()


def test_a_refused_connection_is_no_verdict(project: Path, django_python: str) -> None:
    settle(project, POSTGRES.format(values='"HOST": "127.0.0.1", "PORT": "15999", "NAME": "check_1"'))

    result = manage(project, django_python, "migrate", "--noinput")

    assert result.code == 75
    assert "which refuses the connection (" in result.stderr
    assert "Traceback" not in result.stderr


def test_settings_that_cannot_be_loaded_are_a_traceback(project: Path, django_python: str) -> None:
    (project / "config" / "settings.py").write_text("import gone_module\n")

    result = manage(project, django_python, "migrate", "--noinput")

    assert result.code == 1
    assert "gone_module" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["seed"], "no app of INSTALLED_APPS has the command seed"),
        (["loaddata", "first", "absent"], "there is no fixture absent"),
        (["loaddata", "first", "data/second.json"], ""),
        (["loaddata", "absent", "--ignorenonexistent"], ""),
        (["collectstatic", "--noinput"], ""),
        (["shell", "-c", "pass"], ""),
    ],
)
def test_command_of_the_deploy_that_cannot_run(project: Path, django_python: str, words: list[str], says: str) -> None:
    for name in ("fixtures/first.json.gz", "data/second.json"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("[]")
    settle(project, 'FIXTURE_DIRS = [BASE_DIR / "fixtures"]\n')

    result = collect(project, django_python, f"--call={json.dumps([words, 'Procfile', 2])}")

    assert result.code == (6 if says else 0), result.stderr
    found = [each for each in result.document["diagnostics"] if each["rule"] == "deploy_command"]
    assert [(each["file"], each["line"]) for each in found] == [("Procfile", 2)] * bool(says)
    assert all(each["message"].endswith(f"and {says}") for each in found)


def test_deploy_cannot_collect_without_a_place(project: Path, django_python: str) -> None:
    settle(project, "STATIC_ROOT = None\n")

    result = collect(project, django_python, f"--call={json.dumps([['collectstatic'], 'Dockerfile', 6])}")

    assert result.code == 6
    assert result.messages == ["the deploy runs `manage.py collectstatic`, and STATIC_ROOT is not set"]
