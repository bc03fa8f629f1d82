"""The faults of migrations, of the models and of the upgrade from the deployed commit. Data only."""

from pathlib import Path

from tests.faults.fault import CONTAINERS, EMBEDDED, WEB, Edit, Fault, delete, migration, open_, red, replace, write

CONTRIB = write(
    f"{WEB}/menu/migrations/0003_search.py",
    """from django.contrib.postgres.operations import BtreeGinExtension, CITextExtension, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("menu", "0002_product_position")]

    operations = [CITextExtension(), TrigramExtension(), BtreeGinExtension()]
""",
)

DATABASE = (
    Fault(
        name="a model changed without its migration",
        edits=(replace(f"{WEB}/menu/models.py", "max_length=80", "max_length=90"),),
        red=(
            red("migrations_missing", "findings", f"{WEB}/menu/models.py", "menu lacks a migration: Alter field name"),
            red("pytest", "tests_failed", f"{WEB}/tests/test_production.py:29", "SystemExit: 1"),
        ),
    ),
    Fault(
        name="an app with a model and without migrations",
        edits=(
            replace(f"{WEB}/config/settings.py", '    "menu",\n', '    "menu",\n    "tables",\n'),
            write(f"{WEB}/tables/__init__.py", ""),
            write(
                f"{WEB}/tables/models.py",
                "from django.db import models\n\n\nclass Table(models.Model):\n    seats = models.IntegerField()\n\n"
                "    def __str__(self) -> str:\n        return str(self.seats)\n",
            ),
        ),
        red=(red("migrations_missing", "findings", f"{WEB}/tables/models.py", "production lacks the tables of Table"),),
    ),
    Fault(
        name="a new field without a default and without its migration",
        edits=(
            replace(
                f"{WEB}/menu/models.py",
                "    name = models.CharField(max_length=80)\n",
                "    name = models.CharField(max_length=80)\n    seats = models.IntegerField()\n",
            ),
        ),
        red=(
            red("migrations_missing", "findings", f"{WEB}/menu/models.py", "menu lacks a migration: Add field seats"),
            red(
                "pytest",
                "tests_failed",
                f"{WEB}/tests/conftest.py",
                'column "seats" of relation "menu_product" does not exist',
            ),
            red("django_health", "unhealthy", f"{WEB}/menu/views.py:12", "column menu_product.seats does not exist"),
        ),
    ),
    Fault(
        name="a migration that only SQLite takes",
        edits=(
            migration(
                "0003_till", 'migrations.RunSQL("CREATE TABLE menu_till (id INTEGER PRIMARY KEY AUTOINCREMENT)")'
            ),
        ),
        red=(
            red("migrate", "findings", f"{WEB}/menu/migrations/0003_till.py", "syntax error at or near"),
            red("pytest", "tests_failed", f"{WEB}/tests/test_inbox.py", "syntax error at or near"),
        ),
    ),
    Fault(
        name="extensions of Postgres's contrib",
        edits=(CONTRIB,),
        exit=0,
        says=("migrate", "23 migrations"),
        engines=CONTAINERS,  # this machine's Postgres may have been installed without them
    ),
    Fault(
        name="extensions that the packaged Postgres does not have",
        edits=(CONTRIB, write("predeploy.toml", 'postgres = "wheel"\n')),
        red=(
            open_("migrate", "extension_absent", f"{WEB}/menu/migrations/0003_search.py", "citext"),
            open_("pytest", "extension_absent", f"{WEB}/tests/test_inbox.py", "citext"),
        ),
        exit=3,
        engines=EMBEDDED,  # the setting is for it alone
    ),
    Fault(
        name="an extension that no Postgres here has",
        edits=(migration("0003_maps", 'migrations.RunSQL("CREATE EXTENSION cafe_maps")'),),
        red=(
            open_("migrate", "extension_absent", f"{WEB}/menu/migrations/0003_maps.py", "cafe_maps"),
            open_("pytest", "extension_absent", f"{WEB}/tests/test_inbox.py", "cafe_maps"),
        ),
        exit=3,
    ),
    Fault(
        name="a migration whose own code raises",
        edits=(
            write(
                f"{WEB}/menu/migrations/0003_fill.py",
                """from django.db import migrations


def fill(apps, schema_editor):  # type: ignore[no-untyped-def]
    apps.get_model("menu", "Drink").objects.update(position=1)


class Migration(migrations.Migration):
    dependencies = [("menu", "0002_product_position")]

    operations = [migrations.RunPython(fill)]
""",
            ),
        ),
        red=(
            red("migrate", "findings", f"{WEB}/menu/migrations/0003_fill.py:5", "doesn't have a 'Drink' model"),
            red("pytest", "tests_failed", f"{WEB}/menu/migrations/0003_fill.py:5", "doesn't have a 'Drink' model"),
        ),
    ),
    Fault(
        name="two leaf migrations",
        edits=(migration("0003_cups"), migration("0003_mugs")),
        red=(
            red("migrate", "findings", f"{WEB}/menu/migrations/0003_cups.py", "two leaf migrations in menu"),
            red("migrations_missing", "findings", f"{WEB}/menu/migrations/0003_cups.py", "two leaf migrations in menu"),
            red("pytest", "tests_failed", f"{WEB}/tests/test_inbox.py", "multiple leaf nodes"),
        ),
    ),
    Fault(
        name="a migration after one that is not there",
        edits=(replace(f"{WEB}/menu/migrations/0002_product_position.py", '"0001_initial"', '"0001_first"'),),
        red=(
            red("migrate", "findings", f"{WEB}/menu/migrations/0002_product_position.py", "0001_first"),
            red("migrations_missing", "findings", f"{WEB}/menu/migrations/0002_product_position.py", "0001_first"),
            red("pytest", "tests_failed", f"{WEB}/tests/test_inbox.py", "0001_first"),
        ),
    ),
    Fault(
        name="an error that Django's own checks find",
        edits=(replace(f"{WEB}/menu/admin.py", '"price", "available"', '"prize", "available"'),),
        red=(red("django_check", "findings", f"{WEB}/menu/admin.py", "prize"),),
    ),
    Fault(
        name="the URLs name a module that is not there",
        edits=(replace(f"{WEB}/config/urls.py", '"inbox.urls"', '"inbox.pages"'),),
        red=(
            red("django_check", "findings", f"{WEB}/config/urls.py:8", "No module named 'inbox.pages'"),
            red("django_health", "unhealthy", f"{WEB}/config/urls.py:8", "No module named 'inbox.pages'"),
            red("pytest", "tests_failed", f"{WEB}/config/urls.py:8", "No module named 'inbox.pages'"),
        ),
    ),
    Fault(
        name="weak settings are a warning",
        edits=(
            replace(f"{WEB}/config/settings.py", "SECURE_SSL_REDIRECT = not DEBUG", "SECURE_SSL_REDIRECT = False"),
            delete(f"{WEB}/tests/test_production.py"),
        ),
        exit=0,
        says=("django_check", "SECURE_SSL_REDIRECT"),
    ),
)

MENU = f"{WEB}/menu/migrations"
ESPRESSOS = """[
  {"model": "menu.product", "pk": 1, "fields": {"name": "Espresso", "slug": "espresso", "price": "2.40"}},
  {"model": "menu.product", "pk": 2, "fields": {"name": "Espresso", "slug": "espresso-doppio", "price": "3.10"}}
]
"""
NUMBERED = """from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def number(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for product in apps.get_model("menu", "Product").objects.all():
        product.position = int(product.slug)
        product.save()


class Migration(migrations.Migration):
    dependencies = [("menu", "0002_product_position")]

    operations = [migrations.RunPython(number)]
"""
# The two migrations of the menu, as one.
WHOLE_MENU = (
    replace(
        f"{MENU}/0001_initial.py",
        """sold out."),
                ),
""",
        """sold out."),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(default=0, help_text="Low comes first."),
                ),
""",
    ),
    replace(f"{MENU}/0001_initial.py", '"ordering": ("name",),', '"ordering": ("position", "name"),'),
)


def renamed(file: str, name: str) -> Edit:
    """Gives a file another name."""

    def edit(stack: Path) -> None:
        (stack / file).rename(stack / name)

    return edit


UPGRADE = (
    Fault(
        name="a column that rows cannot have",
        edits=(
            migration(
                "0003_code",
                'migrations.RunSQL("ALTER TABLE menu_product ADD COLUMN code integer NOT NULL")',
                'migrations.RunSQL("ALTER TABLE menu_product ALTER COLUMN code SET DEFAULT 0")',
            ),
        ),
        red=(red("migrate_upgrade", "upgrade_failed", f"{MENU}/0003_code.py", 'column "code" of relation'),),
        fast="servers and rows",
    ),
    Fault(
        name="a constraint that rows do not fulfil",
        base=(write(f"{WEB}/menu/fixtures/espressos.json", ESPRESSOS),),
        edits=(
            replace(f"{WEB}/menu/models.py", "max_length=80)", "max_length=80, unique=True)"),
            migration(
                "0003_names",
                """migrations.AlterField(
            model_name="product",
            name="name",
            field=models.CharField(max_length=80, unique=True),
        )""",
                imports=", models",
            ),
        ),
        red=(red("migrate_upgrade", "upgrade_failed", f"{MENU}/0003_names.py", "Key (name)=(Espresso) is duplicated"),),
    ),
    Fault(
        name="a migration whose own code raises for rows alone",
        edits=(write(f"{MENU}/0003_number.py", NUMBERED),),
        red=(red("migrate_upgrade", "upgrade_failed", f"{MENU}/0003_number.py:8", "invalid literal for int()"),),
    ),
    Fault(
        name="a migration that keeps a table locked for long",
        edits=(migration("0003_wait", 'migrations.RunSQL("SELECT pg_sleep(60) FROM menu_product LIMIT 1")'),),
        red=(red("migrate_upgrade", "too_slow", f"{MENU}/0003_wait.py", "more than 30 s"),),
    ),
    Fault(
        name="a migration edited after it was applied",
        edits=(
            replace(f"{WEB}/menu/models.py", "max_length=80", "max_length=90"),
            replace(f"{MENU}/0001_initial.py", "max_length=80", "max_length=90"),
        ),
        red=(red("migrate_upgrade", "schema_differs", f"{MENU}/0001_initial.py", "character varying(90)"),),
    ),
    Fault(
        name="a migration removed after it was applied",
        edits=(*WHOLE_MENU, delete(f"{MENU}/0002_product_position.py")),
        red=(
            red(
                "migrate_upgrade", "migration_removed", f"{MENU}/0002_product_position.py", "menu.0002_product_position"
            ),
        ),
    ),
    Fault(
        name="a migration put before one that is applied",
        edits=(
            migration("0001_more", after="0001_initial"),
            replace(f"{MENU}/0002_product_position.py", '"0001_initial"', '"0001_more"'),
        ),
        red=(red("migrate_upgrade", "upgrade_failed", f"{MENU}/0001_more.py", "is applied before its dependency"),),
    ),
    Fault(
        name="migrations squashed into one that does the same",
        edits=(
            *WHOLE_MENU,
            delete(f"{MENU}/0002_product_position.py"),
            renamed(f"{MENU}/0001_initial.py", f"{MENU}/0001_squashed.py"),
            replace(
                f"{MENU}/0001_squashed.py",
                "    initial = True\n",
                '    initial = True\n\n    replaces = [("menu", "0001_initial"), ("menu", "0002_product_position")]\n',
            ),
        ),
        exit=0,
        says=("migrate_upgrade", "no migrations applied"),
    ),
    Fault(
        name="migrations squashed into one that does something else",
        edits=(
            WHOLE_MENU[1],
            delete(f"{MENU}/0002_product_position.py"),
            replace(f"{WEB}/menu/models.py", '(default=0, help_text="Low comes first.")', "(default=0, db_index=True)"),
            renamed(f"{MENU}/0001_initial.py", f"{MENU}/0001_squashed.py"),
            replace(
                f"{MENU}/0001_squashed.py",
                "    initial = True\n",
                '    initial = True\n\n    replaces = [("menu", "0001_initial"), ("menu", "0002_product_position")]\n',
            ),
            replace(
                f"{MENU}/0001_squashed.py",
                """sold out."),
                ),
""",
                """sold out."),
                ),
                ("position", models.PositiveSmallIntegerField(db_index=True, default=0)),
""",
            ),
        ),
        red=(red("migrate_upgrade", "schema_differs", f"{MENU}/0001_squashed.py", "INDEX ON"),),
    ),
    Fault(
        name="an applied migration edited, and nothing of the schema with it",
        edits=(
            replace(
                f"{MENU}/0002_product_position.py", "class Migration", "# in the order of the menu\nclass Migration"
            ),
        ),
        exit=0,
        says=("migrate_upgrade", "no migrations applied"),
    ),
    Fault(
        name="a migration that takes rows with it",
        edits=(migration("0003_tidy", 'migrations.RunSQL("DELETE FROM menu_product WHERE position = 0")'),),
        exit=0,
        says=("migrate_upgrade", "1 migration applied"),
    ),
)
