"""Upgrades of a project with complex models: the rows that migrations find, and the causes of failures."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.models import Report, Result, Severity, Status
from tasks.steps import DB_HOST, DB_NAME, DB_PORT, PROBES, WORK
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope, read_scope
from tests.faults.fault import Edit, append, cut, delete, replace, write
from tests.faults.test_faults import apply
from tests.support.validate import Validator, commit, shared_cache, told

MODELS = Path(__file__).parent / "stacks/django-models"
SETTINGS = "project/settings.py"
MIGRATION = """import re

from django.db import migrations, models


{code}
class Migration(migrations.Migration):
    dependencies = [("things", "0001_initial")]

    operations = [{operations}]
"""
# A data migration may rely on rows that the fields can read and that satisfy the models, and it can add further rows.
# It deletes a few rows, which shows that it ran.
READ = """
def read(apps, schema_editor):
    def rows(name):
        return list(apps.get_model("things", name).objects.order_by("pk"))

    if not rows("Everything"):
        return  # a fresh database
    first, second = rows("Everything")
    for each in (first, second):
        assert each.sealed.startswith("sealed"), each.sealed
        assert re.fullmatch(r"\\d{5}", each.code), each.code
        assert len(each.long) >= 5
        assert each.size in {"S", "L"} and each.level in {10, 20} and each.grouped in {"x", "y"}
        assert each.defaulted == "as usual"
        assert each.mood in {"happy", "sad"} and 0 <= each.percent <= 100
        assert each.broken is None
        assert "@" in each.email and each.url.startswith("https://")
        assert each.total == each.integer + each.small
        assert each.numbers and each.json == {}
        assert each.moment.tzinfo is not None
    for name in ("one", "email", "slug", "small", "uuid", "words", "level"):
        assert getattr(first, name) != getattr(second, name), name
    comments = rows("Comment")
    roots = {each.pk for each in comments if each.answered_id is None}
    assert 1 <= len(roots) < len(comments) and {each.answered_id for each in comments} - {None} <= {*roots}
    assert [each.pk for each in rows("Category")] == ["coffee"]
    assert [each.name for each in rows("Tag")] == ["filter"]
    assert 1 in {each.tags.count() for each in rows("Article")}
    assert len(rows("Member")) == 1 and len(rows("Profile")) == 1
    assert 1 in {each.article_id for each in rows("Chapter")}
    assert {each.hen_id for each in rows("Egg")} == {None}
    assert {each.egg_id for each in rows("Hen")} < {each.pk for each in rows("Egg")}
    for booking in rows("Booking"):
        assert booking.starts < booking.ends and booking.seats > 0 and booking.state.startswith("A")
        assert (booking.paid_by_member_id is None) != (booking.paid_by_voucher is None)
    assert min(len(rows(name)) for name in ("Seat", "Booking", "Terrace")) >= 2
    assert {each.pk for each in rows("Cafe")} < {each.pk for each in rows("Building")}
    assert not rows("Impossible") and not rows("OfImpossible")
    for name in ("Building", "Egg", "Impossible"):
        model = apps.get_model("things", name)
        model(**({"word": "xyzzy"} if name == "Impossible" else {})).save()
    apps.get_model("things", "Reading").objects.all().delete()


"""
ANOTHER_APP = (
    write("extra/__init__.py", ""),
    write("extra/migrations/__init__.py", ""),
    write(
        "extra/models.py",
        "from django.db import models\n\n\nclass Extra(models.Model):\n    name = models.CharField(max_length=9)\n",
    ),
    write(
        "extra/migrations/0001_initial.py",
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        '    operations = [migrations.CreateModel("Extra", [("id", models.BigAutoField(primary_key=True)), '
        '("name", models.CharField(max_length=9))])]\n',
    ),
    replace(SETTINGS, '    "things",\n', '    "things",\n    "extra",\n'),
)
WITHOUT_IT = (delete("extra/**/*.py"), replace(SETTINGS, '    "extra",\n', ""))
SQLITE = append(SETTINGS, '\nDATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}\n')


def further(operations: str, code: str = "") -> Edit:
    """Writes one more migration."""
    return write("things/migrations/0002_more.py", MIGRATION.format(operations=operations, code=code))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    stack = tmp_path / "models"
    shutil.copytree(MODELS, stack, ignore=shutil.ignore_patterns(".predeploy", "__pycache__"))
    return stack


Try = Callable[..., Report]


@pytest.fixture
def deploy(models: Path, shared_home: Path) -> Try:
    """Commits the stack with the first edits, and validates it with the second ones."""
    validator = Validator(user_dirs=UserDirs(cache=shared_cache(shared_home), data=shared_home / "engine-data"))

    def deploy(*edits: Edit, base: tuple[Edit, ...] = (), only: str = "migrate_upgrade") -> Report:
        apply(base, models)
        commit(models)
        apply(edits, models)
        return validator.validate(models, only=[only])

    return deploy


def upgrade_of(report: Report) -> Result:
    return next(check.result for check in report.checks if check.name == "migrate_upgrade")


def messages(result: Result, severity: Severity) -> list[str]:
    return [each.message for each in result.diagnostics if each.severity is severity]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_migrations_find_rows_that_satisfy_the_models(deploy: Try) -> None:
    report = deploy(further("migrations.RunPython(read)", READ))
    result = upgrade_of(report)

    assert report.verdict.exit_code == 0, told(report)
    assert re.fullmatch(r"[0-9a-f]{10}: 27 tables with \d+ rows, 1 migration applied", result.summary)
    assert result.proof.gaps == ("upgraded without a row in things_impossible, things_ofimpossible",)
    assert [message.partition(":")[0] for message in messages(result, Severity.WARNING)] == [
        "things_impossible",
        "things_ofimpossible",
    ]
    unloaded, deleted = messages(result, Severity.NOTE)
    assert "Invalid model identifier: things.gone" in unloaded
    assert deleted == "things_reading had 6 rows before the upgrade, and has 0 now"


@pytest.mark.real
@pytest.mark.network
def test_upgrade_passes(deploy: Try) -> None:
    """Names, columns and indexes change. The base has an app and a package that the tree has no more."""
    migration = further(
        'migrations.RenameModel("Tag", "Label"), migrations.RenameField("building", "name", "title"), '
        'migrations.AddField("booking", "note", models.TextField(default="none")), '
        'migrations.AddIndex("booking", models.Index(fields=["state"], name="booking_state")), '
        'migrations.DeleteModel("Seat")'
    )
    package = (
        append("requirements.txt", "dj-database-url==3.1.2\n"),
        replace(SETTINGS, "import os\n", "import os\n\nimport dj_database_url\n"),
    )
    without = (cut("requirements.txt", "^dj-.*\n"), cut(SETTINGS, "^import dj_.*\n"))

    report = deploy(migration, *WITHOUT_IT, *without, base=(*ANOTHER_APP, *package))

    assert upgrade_of(report).passed, told(report)
    assert "1 migration applied" in upgrade_of(report).summary


@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize(
    ("base", "edits", "says"),
    [
        ((append(SETTINGS, "\nimport gone\n"),), (cut(SETTINGS, "^import gone\n"),), "No module named 'gone'"),
        pytest.param(
            (SQLITE,),
            (cut(SETTINGS, "^DATABASES = .*sqlite3.*\n"),),
            "sqlite database",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (append("requirements.txt", "predeploy-no-such-package-at-all==1.0\n"),),
            (cut("requirements.txt", "^predeploy-no.*\n"),),
            "predeploy-no-such-package-at-all was not found",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["settings", "another database", "packages"],
)
def test_base_that_never_worked_is_reported_and_does_not_fail_the_tree(
    deploy: Try, base: tuple[Edit, ...], edits: tuple[Edit, ...], says: str
) -> None:
    report = deploy(*edits, base=base)
    result = upgrade_of(report)

    assert (result.status, result.reason_code) == (Status.SKIPPED, "base_broken"), told(report)
    assert says in result.reason
    assert (report.verdict.exit_code, report.verdict.ready) == (0, False)
    assert result.reason in report.verdict.gaps


@pytest.mark.real
@pytest.mark.network
def test_database_that_the_base_did_not_create_is_not_upgraded(deploy: Try) -> None:
    run = [
        "python",
        f"{PROBES}/django/upgrade_to.py",
        DB_HOST,
        DB_PORT,
        DB_NAME,
        "--within",
        WORK,
        "--fresh",
        "nothing",
    ]
    check = (
        f'[[check]]\nname = "alone"\nstage = "integration"\ncomponent = "."\nenvironment = "production"\nrun = {run}\n'
    )

    report = deploy(write("predeploy.toml", check + 'database = "empty"\n'), only="alone")

    (result,) = [each.result for each in report.checks if each.name == "alone"]
    assert (result.status, result.exit_code) == (Status.ERRORED, 76), told(report)
    assert "not as the base has left it" in result.reason


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_removal_of_all_migrations_is_reported(deploy: Try) -> None:
    report = deploy(delete("things/migrations/*.py"))
    result = upgrade_of(report)

    assert (result.status, result.reason_code) == (Status.FAILED, "migration_removed"), told(report)
    assert "things.0001_initial is applied" in result.reason


def scope_of(models: Path, cache: Path, **flags: Any) -> Scope:
    return read_scope(models, flags, {}, cache)


def settings_of(scope: Scope) -> list[str]:
    (check,) = [check for check in scope.catalogue.checks if check.name == "migrate_upgrade"]
    return [dict(command.env)["DJANGO_SETTINGS_MODULE"] for command in check.commands]


def configured(module: str) -> Edit:
    return write("predeploy.toml", f'[component."."]\nsettings = "{module}"\n')


def test_base_uses_its_own_configuration_or_else_that_of_the_tree(models: Path, tmp_path: Path) -> None:
    apply([configured("project.before")], models)
    commit(models)
    apply([configured("project.settings")], models)
    own = scope_of(models, tmp_path / "cache")
    (models / "predeploy.toml").unlink()
    commit(models)
    apply([configured("project.new")], models)
    without = scope_of(models, tmp_path / "cache", base="HEAD")

    assert settings_of(own) == ["project.before", "project.settings"]
    assert settings_of(without) == ["project.new", "project.new"]


def test_wrong_configuration_of_the_base_is_reported(models: Path, tmp_path: Path) -> None:
    apply([write("predeploy.toml", "jobs = 'many'\n")], models)
    commit(models)
    (models / "predeploy.toml").unlink()

    (check,) = [each for each in scope_of(models, tmp_path / "cache").plan.checks if each.name == "migrate_upgrade"]

    assert check.skip_reason is not None
    assert check.skip_reason.reason_code == "base_broken"
    assert "jobs: must be a whole number" in check.skip_reason.reason


def test_key_of_the_check_changes_with_the_base(models: Path, tmp_path: Path) -> None:
    commit(models)
    plans = [scope_of(models, tmp_path / "cache", base=name).plan for name in ("HEAD", "HEAD~1")]

    commands = [json.dumps([each.argv for each in plan["migrate_upgrade[.]"].commands]) for plan in plans]
    assert commands[0] != commands[1]
