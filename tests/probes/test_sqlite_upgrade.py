"""The upgrade of a project on SQLite: the base fills a file, and the migrations of the tree meet its rows."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.test_django_probes import environment, project, settle

pytestmark = [pytest.mark.real, pytest.mark.network]
__all__ = ["project"]
SLOW = pytest.mark.slow

FIRST = """from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Owner", [("id", models.BigAutoField(primary_key=True))]),
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("key", models.UUIDField()),
                ("text", models.CharField(max_length=20, null=True)),
                ("name", models.CharField(max_length=20, default="", blank=True)),
                ("data", models.JSONField(default=dict)),
                ("paid", models.DecimalField(max_digits=6, decimal_places=2)),
                ("at", models.DateTimeField()),
                ("owner", models.ForeignKey("notes.Owner", models.CASCADE)),
            ],
        ),
    ]
"""
NEXT = """from django.db import migrations, models

{code}
class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [
        {operations}
    ]
"""
MODELS = """from django.db import models


class Owner(models.Model):
    id = models.BigAutoField(primary_key=True)


class Note(models.Model):
    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField()
    text = models.CharField(max_length=20, null=True)
    name = models.CharField(max_length=20, default="", blank=True)
    data = models.JSONField(default=dict)
    paid = models.DecimalField(max_digits=6, decimal_places=2)
    at = models.DateTimeField()
    owner = models.ForeignKey(Owner, models.CASCADE)
"""
FILL = """def fill(apps, schema_editor):
    apps.get_model("notes", "Note").objects.filter(text=None).update(text="-")


"""
REQUIRED = 'migrations.AlterField("Note", "text", models.CharField(max_length=20)),'
FILLED = f"migrations.RunPython(fill), {REQUIRED}"
UNIQUE = 'migrations.AlterField("Note", "name", models.CharField(max_length=20, unique=True)),'
INDEX = "migrations.RunSQL('CREATE UNIQUE INDEX one_name ON notes_note (name, text)'),"
TWO = 'migrations.AddIndex("Note", models.Index(fields=["name"], name="by_name")),'


@pytest.fixture
def base(project: Path) -> Path:
    """The deployed project: it has one app with one migration."""
    settle(project, 'INSTALLED_APPS += ["notes"]\nUSE_TZ = True\n')
    (project / "notes/migrations").mkdir(parents=True)
    for name, text in {"__init__": "", "migrations/__init__": "", "migrations/0001_initial": FIRST}.items():
        (project / f"notes/{name}.py").write_text(text)
    (project / "notes/models.py").write_text(MODELS)
    return project


def upgrade(base: Path, python: str, files: Mapping[str, str]) -> tuple[ProbeResult, ProbeResult]:
    """Fills the base, and migrates it with a tree in which these files of migrations are other ones."""
    tree = base.parent / "head"
    shutil.copytree(base, tree)
    for name, text in files.items():
        (tree / f"notes/migrations/{name}.py").write_text(text)
    env = environment({"PREDEPLOY_SQLITE": "1"})
    database = ("127.0.0.1", "15999", "check_1", "--file", str(base.parent / "files/upgrade.sqlite3"))
    filled, upgraded = (
        run_probe(f"django/{name}", *database, "--within", str(place), *more, cwd=place, python=python, env=env)
        for name, place, more in (
            ("upgrade_from", base, ("--base", "abc")),
            ("upgrade_to", tree, ("--fresh", "unused")),
        )
    )
    assert filled.code == 0, filled.stderr
    return filled, upgraded


def second(operations: str, code: str = "") -> dict[str, str]:
    """A second migration."""
    return {"0002_next": NEXT.format(operations=operations, code=code)}


@pytest.mark.parametrize(
    ("operations", "code"), [(FILLED, FILL), pytest.param("", "", marks=SLOW), pytest.param(TWO, "", marks=SLOW)]
)
def test_migration_that_fits_the_rows_is_applied(base: Path, django_python: str, operations: str, code: str) -> None:
    filled, upgraded = upgrade(base, django_python, second(operations, code))

    assert filled.document["diagnostics"] == []
    assert filled.document["summary"].startswith("abc: ")
    assert (upgraded.code, upgraded.document) == (0, {"summary": "1 migration applied", "diagnostics": []})
    assert not (base / "db.sqlite3").exists()


@pytest.mark.parametrize(
    ("operations", "says"),
    [
        (REQUIRED, "NOT NULL constraint failed: new__notes_note.text: notes_note.text is NULL in the row "),
        pytest.param(UNIQUE, "notes_note.name has the same value in the rows ", marks=SLOW),
        pytest.param(INDEX, "UNIQUE constraint failed: notes_note.name, notes_note.text", marks=SLOW),
    ],
)
def test_migration_that_does_not_fit_the_rows_is_red(
    base: Path, django_python: str, operations: str, says: str
) -> None:
    _, upgraded = upgrade(base, django_python, second(operations))

    assert upgraded.code == 11, upgraded.stderr
    (found,) = upgraded.document["diagnostics"]
    assert (found["file"], found["line"]) == ("notes/migrations/0002_next.py", 7)
    assert says in found["message"]


def test_migration_that_was_edited_after_it_was_applied_is_red(base: Path, django_python: str) -> None:
    edited = FIRST.replace('models.CharField(max_length=20, default="", blank=True)', "models.TextField()")

    _, upgraded = upgrade(base, django_python, {"0001_initial": edited})

    assert upgraded.code == 13, upgraded.stderr
    assert (
        "notes_note differs from a fresh database after the upgrade: it lacks `column name text NOT NULL`"
        in (upgraded.messages[0])
    )
    assert "notes.0001_initial was edited after it was applied" in upgraded.messages[0]
