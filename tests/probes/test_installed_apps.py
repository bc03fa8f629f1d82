"""managed.py and models of installed packages that differ from their migrations."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probes.conftest import run_probe

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
    (tmp_path / "config").mkdir()
    for name, text in (("manage.py", MANAGE), ("config/__init__.py", ""), ("config/settings.py", SETTINGS)):
        (tmp_path / name).write_text(text)
    write_app(tmp_path / "shop", key)

    command = ("makemigrations", "--check", "--dry-run", "--noinput", "--skip-checks")
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PREDEPLOY_SQLITE": "1"}
    arguments = ("127.0.0.1", "15999", "check_1", *command)
    result = run_probe("django/managed", *arguments, cwd=tmp_path, python=django_python, env=env)

    assert result.code == code, result.stderr
