"""managed.py and models of installed packages that differ from their migrations."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe

pytestmark = [pytest.mark.real, pytest.mark.network]

SETTINGS = """
from pathlib import Path
SECRET_KEY = "x"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "installed_flags", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent.parent / "db.sqlite3"}}
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
"""
MODELS = "from django.db import models\n\n\nclass Flag(models.Model):\n    name = models.TextField()\n"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Flag", [("id", models.{key}(primary_key=True, auto_created=True, serialize=False,
                                                             verbose_name="ID")), ("name", models.TextField())])
    ]
"""


def write_app(folder: Path, key: str) -> None:
    (folder / "migrations").mkdir(parents=True)
    for name in ("__init__.py", "migrations/__init__.py"):
        (folder / name).touch()
    (folder / "models.py").write_text(MODELS)
    (folder / "migrations" / "0001_initial.py").write_text(MIGRATION.format(key=key))


@pytest.fixture
def installed(django_python: str) -> Iterator[Path]:
    """An installed package with an app whose key is no BigAutoField, as its owner released it."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([django_python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    folder = Path(packages) / "installed_flags"
    write_app(folder, "AutoField")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("key", "code"), [("BigAutoField", 0), ("AutoField", 1)])
def test_only_the_stacks_own_apps_can_lack_a_migration(tmp_path: Path, django_python: str, key: str, code: int) -> None:
    project(tmp_path, key=key)

    result = lacking(tmp_path, django_python)

    assert result.code == code, result.stderr


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("removed", "settings", "says"),
    [
        ("migrations/__init__.py", "", " (shop/migrations has no __init__.py)"),
        ("migrations/0001_initial.py", 'MIGRATION_MODULES = {"shop": "shop.gone"}', ""),
        ("migrations/0001_initial.py", 'MIGRATION_MODULES = {"shop": None}', None),
        ("", "", None),
    ],
)
def test_app_with_models_and_without_migrations_is_named(
    tmp_path: Path, django_python: str, removed: str, settings: str, says: str | None
) -> None:
    project(tmp_path, settings)
    if removed:
        (tmp_path / "shop" / removed).unlink()

    result = lacking(tmp_path, django_python, "--then", "unmigrated")

    line = f"No migrations: app shop with the models Flag in shop/models.py{says}\n"
    assert (result.code, line in result.stdout) == ((0, False) if says is None else (1, True)), result.stderr


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("urls", "code"),
    [
        ("from shop.models import Flag\nurlpatterns = []\nNAMES = [each.name for each in Flag.objects.all()]\n", 1),
        ("from shop.models import Flag\nurlpatterns = []\nNAMES = Flag.objects.all()\n", 0),
        ("import nothing_of_this_name\n", 0),  # the check of Django's own checks reports it
    ],
)
def test_code_that_queries_a_table_while_it_is_imported_ends_migrate(
    tmp_path: Path, django_python: str, urls: str, code: int
) -> None:
    project(tmp_path, 'ROOT_URLCONF = "config.urls"\n')
    (tmp_path / "config" / "urls.py").write_text(urls)

    result = managed(tmp_path, django_python, "migrate", "--noinput", "--skip-checks")

    assert (result.code, "no such table: shop_flag" in result.stderr) == (code, code == 1), result.stderr


SILENT = """
import sys
from django.db.migrations.autodetector import MigrationAutodetector
every, calls = MigrationAutodetector.changes, []


def changes(self, *arguments, **options):
    calls.append(every(self, *arguments, **options))
    return sys.exit(1) if len(calls) == 1 else calls[-1]


MigrationAutodetector.changes = changes
"""
"""Ends `makemigrations --check` as Django 4.2 does: with 1, and without a word."""


@pytest.mark.parametrize("settings", ["", SILENT], ids=["5.2", "4.2"])
def test_changes_are_printed_once_also_where_django_prints_none(
    tmp_path: Path, django_python: str, settings: str
) -> None:
    project(tmp_path, settings + 'INSTALLED_APPS = ["shop"]\n', key="AutoField")

    result = lacking(tmp_path, django_python)

    assert result.code == 1
    assert result.stdout.count("Migrations for 'shop':") == 1, result.stderr


def project(folder: Path, settings: str = "", key: str = "BigAutoField") -> None:
    (folder / "config").mkdir()
    files = (("manage.py", MANAGE), ("config/__init__.py", ""), ("config/settings.py", SETTINGS + settings))
    for name, text in files:
        (folder / name).write_text(text)
    write_app(folder / "shop", key)


def lacking(folder: Path, python: str, *more: str) -> ProbeResult:
    return managed(folder, python, "makemigrations", "--check", "--dry-run", "--noinput", "--skip-checks", *more)


def managed(folder: Path, python: str, *command: str) -> ProbeResult:
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PREDEPLOY_SQLITE": "1"}
    arguments = ("127.0.0.1", "15999", "check_1", *command)
    return run_probe("django/managed", *arguments, cwd=folder, python=python, env=env)
