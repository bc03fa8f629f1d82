"""A small shop whose deployed schema is filled and then migrated by the probes of the upgrade, as an engine does."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.neon_bench import make_database

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "NAME": os.environ["PGDATABASE"]}}
"""
FIELDS = {
    "Customer": {
        "id": "BigAutoField(primary_key=True)",
        "name": "CharField(max_length=80)",
        "phone": "CharField(max_length=20, blank=True)",
        "memo": "TextField(blank=True)",
        "grade": "CharField(max_length=10, choices=[('basic', 'Basic'), ('gold', 'Gold')], default='basic')",
    },
    "Order": {
        "id": "BigAutoField(primary_key=True)",
        "customer": "ForeignKey('shop.Customer', models.CASCADE)",
        "note": "CharField(max_length=200, null=True, blank=True)",
        "quantity": "IntegerField(default=1)",
        "price": "DecimalField(max_digits=10, decimal_places=2)",
        "extra": "JSONField(null=True, blank=True)",
        "placed": "DateTimeField()",
        "paid": "DateField(null=True, blank=True)",
    },
    "Profile": {
        "id": "BigAutoField(primary_key=True)",
        "user": "OneToOneField('auth.User', models.CASCADE)",
        "nick": "CharField(max_length=30, null=True, blank=True, unique=True)",
    },
}
MIGRATION = """import uuid

from django.db import migrations, models
from django.db.models import Count, F, Q
from django.db.models.functions import Left


{code}
class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("shop", "{after}"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        {operations}
    ]
"""


COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"


def quoted(text: str) -> str:
    """Returns a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def field(model: str, name: str, definition: str) -> str:
    """Returns the operation that changes a field."""
    return f'migrations.AlterField("{model}", "{name}", models.{definition})'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The shop's directory, the Python that has Django, and the URL of a Postgres."""

    root: Path
    python: str
    url: str
    name: str

    def write(self) -> None:
        """Writes the project with the deployed schema as its first migration."""
        columns = {
            model: ", ".join(f"({name!r}, models.{kind})" for name, kind in fields.items())
            for model, fields in FIELDS.items()
        }
        listed = [f"migrations.CreateModel({model!r}, [{each}])" for model, each in columns.items()]
        self.file("manage.py", MANAGE)
        self.file("config/__init__.py", "")
        self.file("config/settings.py", SETTINGS)
        self.file("shop/__init__.py", "")
        self.file("shop/migrations/__init__.py", "")
        self.file("shop/models.py", models_text())
        self.migration("0001_initial", *listed, after="")

    def file(self, name: str, text: str) -> None:
        """Writes one file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def migration(
        self, name: str, *operations: str, code: str = "", after: str = "0001_initial", atomic: bool = True
    ) -> None:
        """Writes a migration. Without `after` it is the first one."""
        text = MIGRATION.format(operations=",\n        ".join(operations), code=code, after=after, atomic=atomic)
        self.file(f"shop/migrations/{name}.py", text if after else text.replace('("shop", ""), ', ""))

    def probe(self, name: str, *arguments: str, database: str) -> ProbeResult:
        """Runs a probe of the upgrade on a database."""
        place = urlsplit(self.url)
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PGHOST": place.hostname or "",
            "PGPORT": str(place.port),
            "PGUSER": place.username or "",
            "PGPASSWORD": place.password or "",
            "PGDATABASE": database,
        }
        words = (env["PGHOST"], env["PGPORT"], database, *arguments)
        return run_probe(f"django/{name}", *words, cwd=self.root, python=self.python, env=env)

    def deployed(self, template: str) -> str:
        """Returns a new copy of a database, with its comment: the mark of the base."""
        make_database(self.url, self.name, template)
        with psycopg.connect(self.url, autocommit=True) as connection:
            (mark,) = connection.execute(COMMENT, [template]).fetchone() or ("",)
            connection.execute(f"COMMENT ON DATABASE {self.name} IS {quoted(mark or '')}".encode())
        return self.name

    def upgrade(self, deployed: str, *, with_fresh: bool = False) -> ProbeResult:
        """Migrates the shop's own database or a copy of another one. `with_fresh` also compares it with a fresh one."""
        database, fresh = deployed if deployed == self.name else self.deployed(deployed), "template1"
        if with_fresh:
            fresh = f"{self.name}_new"
            make_database(self.url, fresh)
            made = self.probe("managed", "migrate", "--skip-checks", database=fresh)
            assert made.code == 0, made.stderr
        return self.probe("upgrade_to", "--within", str(self.root), "--fresh", fresh, database=database)


def models_text() -> str:
    """Returns the module with the models of the deployed schema."""
    classes = (
        f"class {model}(models.Model):\n" + "".join(f"    {name} = models.{kind}\n" for name, kind in fields.items())
        for model, fields in FIELDS.items()
    )
    return "from django.db import models\n\n\n" + "\n\n".join(classes)


def copy_of(shop: Shop, root: Path, name: str) -> Shop:
    """Returns the same shop in a directory of its own, with databases of this name."""
    shutil.copytree(shop.root, root)
    return Shop(root=root, python=shop.python, url=shop.url, name=name)
