"""The loader of settings in real processes: missing variables, databases of the run, and what it must not change."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.probes.conftest import PROBES, ProbeResult, run_probe
from tests.probes.test_django_probes import POSTGRES, project, settle

pytestmark = [pytest.mark.real, pytest.mark.network]
__all__ = ["project"]

MARK = "predeploy-settings: "


def manage(project: Path, python: str, *command: str, **env: str) -> ProbeResult:
    """Runs a command as an engine does, with the loader."""
    own = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROBES / "startup"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PREDEPLOY_DATABASE": "postgresql://us:pw@127.0.0.1:15999/check_1",
        "PREDEPLOY_WORK": str(project),
    }
    return run_probe(
        "django/managed", "127.0.0.1", "15999", "check_1", *command, cwd=project, python=python, env=own | env
    )


def test_missing_variable_is_filled_and_named(project: Path, django_python: str) -> None:
    settle(project, 'import os\nLIMIT = int(os.environ["SHOP_ANYTHING"])\n')

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1")

    assert result.code == 0, result.stderr
    assert MARK + '{"kind": "filled", "names": ["SHOP_ANYTHING"]}' in result.stderr


def test_error_of_the_code_is_raised_as_it_is(project: Path, django_python: str) -> None:
    settle(project, 'import os\nNAME = os.environ.get("NAME")\nVALUE = {}["NAME_OF_A_KEY"]\n')

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1")

    assert result.code == 1
    assert "KeyError: 'NAME_OF_A_KEY'" in result.stderr
    assert MARK not in result.stderr


def test_configuration_that_the_code_asks_for_is_absent(project: Path, django_python: str) -> None:
    settle(
        project,
        "from django.core.exceptions import ImproperlyConfigured\n"
        'raise ImproperlyConfigured("Write config/local.py first")\n',
    )

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1")

    assert result.code == 1
    assert (
        '"kind": "absent", "name": "", "message": "ImproperlyConfigured: Write config/local.py first"' in result.stderr
    )


def test_variable_with_the_name_of_a_module_is_absent(project: Path, django_python: str) -> None:
    """The settings name the variable only if the module of its default is absent."""
    settle(
        project,
        "import importlib, os\nfrom django.core.exceptions import ImproperlyConfigured\n"
        'name = os.getenv("SHOP_CONFIGURATION", "config.production_values")\n'
        "try:\n    importlib.import_module(name)\n"
        "except ModuleNotFoundError as error:\n"
        "    if error.name == name == 'config.production_values':\n"
        '        raise ImproperlyConfigured("Name a module in SHOP_CONFIGURATION")\n'
        "    raise\n",
    )

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1")

    assert result.code == 1
    assert '"name": "SHOP_CONFIGURATION"' in result.stderr
    assert "ImproperlyConfigured: Name a module in SHOP_CONFIGURATION" in result.stderr


def test_another_postgres_is_replaced_for_each_alias(project: Path, django_python: str) -> None:
    one = '{"ENGINE": "django.db.backends.postgresql", "HOST": "192.0.2.1", "NAME": "production"}'
    settle(project, f'DATABASES = {{"default": {one}, "replica": {one}}}\n')

    result = manage(project, django_python, "migrate", "--noinput")

    assert result.stderr.count('"kind": "gap"') == 2
    # it asked the run's own server, which does not run in this test
    assert "database check_1 at 127.0.0.1:15999, which refuses the connection" in result.stderr


def test_own_postgres_is_no_gap(project: Path, django_python: str) -> None:
    settle(project, POSTGRES.format(values='"HOST": "127.0.0.1", "PORT": 15999, "NAME": "check_1"'))

    assert MARK not in manage(project, django_python, "migrate", "--noinput").stderr


def test_sqlite_of_the_workspace_is_used_if_the_tree_names_no_postgres(project: Path, django_python: str) -> None:
    result = manage(project, django_python, "migrate", "--check", "--then", "showmigrations", PREDEPLOY_SQLITE="1")

    assert result.code == 0, result.stderr
    assert (project / "db.sqlite3").is_file()
    assert MARK not in result.stderr


def test_sqlite_outside_of_the_tree_is_replaced(project: Path, django_python: str) -> None:
    outside = project.parent / "outside.sqlite3"
    settle(project, f'DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{outside}"}}}}\n')

    result = manage(project, django_python, "migrate", "--noinput", PREDEPLOY_SQLITE="1")

    assert result.code == 0, result.stderr
    assert "is outside of the tree" in result.stderr
    assert not outside.exists()


def test_database_that_no_run_has_is_unsupported(project: Path, django_python: str) -> None:
    backend = (
        "from django.db.backends.sqlite3.base import *\nclass DatabaseWrapper(DatabaseWrapper):\n    vendor = 'mysql'\n"
    )
    (project / "mysql").mkdir()
    (project / "mysql/__init__.py").write_text("")
    (project / "mysql/base.py").write_text(backend)
    settle(project, 'DATABASES = {"default": {"ENGINE": "mysql", "NAME": "db.sqlite3"}}\n', replace="")

    result = manage(project, django_python, "migrate", "--noinput", PREDEPLOY_SQLITE="1")

    assert result.code == 78, result.stderr
    assert "the settings use mysql" in result.stderr


def test_server_in_an_image_gets_a_migrated_file(project: Path, django_python: str, tmp_path: Path) -> None:
    """The file of the image stays as it is. A second process uses the same copy."""
    (project / "asks.py").write_text(
        "import django\ndjango.setup()\nfrom django.db import connection\n"
        "print(connection.settings_dict['NAME'], sorted(connection.introspection.table_names())[:2])\n"
    )
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PROBES / 'startup'}:{project}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PREDEPLOY_SERVER": "1",
        "PREDEPLOY_SQLITE": "1",
        "TMPDIR": str(tmp_path),
    }
    command = [django_python, "asks.py"]

    first, second = (
        subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=True) for _ in range(2)
    )

    assert first.stdout == f"{tmp_path}/predeploy-sqlite/default.sqlite3 ['auth_group', 'auth_group_permissions']\n"
    assert (second.stdout, first.stderr) == (first.stdout, "")
    assert not (project / "db.sqlite3").exists()


def test_directories_of_the_image_are_there(project: Path, django_python: str) -> None:
    settle(project, 'open(BASE_DIR / "logs" / "shop" / "django.log", "a").close()\n')

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1", PREDEPLOY_DIRECTORIES="media:logs/shop")

    assert result.code == 0, result.stderr


def test_empty_name_is_no_missing_variable(project: Path, django_python: str) -> None:
    settle(project, 'import os\nos.environ.get("")\nos.environ.get("A=B")\nraise ValueError("no A=B here")\n')

    result = manage(project, django_python, "check", PREDEPLOY_SQLITE="1")

    assert result.code == 1
    assert "ValueError: no A=B here" in result.stderr


def test_schema_of_the_search_path_is_made(project: Path, django_python: str, database: str) -> None:
    parts = urlsplit(database)
    host, port, name = str(parts.hostname), str(parts.port), parts.path.lstrip("/")
    given = {"HOST": host, "PORT": port, "NAME": name, "USER": parts.username, "PASSWORD": parts.password}
    settle(project, POSTGRES.format(values=f'**{given}, "OPTIONS": {{"options": "-c search_path=shop"}}'))
    words = ("django/managed", host, port, name, "migrate", "--noinput", "--skip-checks")

    result = run_probe(*words, cwd=project, python=django_python, env={"PATH": os.environ["PATH"]})

    assert result.code == 0, result.stderr
    assert "Applying contenttypes.0001_initial... OK" in result.stdout
