"""Runs management commands of a Django project, only on the database that was made for this check.

    managed.py HOST PORT NAME COMMAND [ARGUMENT ...] [--then COMMAND [ARGUMENT ...]]

Runs with the stack's packages and ends as `manage.py COMMAND` would. First it verifies which database the settings
connect to. If that is another database or none, it runs no command, prints one line on stderr, and exits with 75, or
with 77 if the database of the check is gone. If the settings clearly name another database, the program does not
connect to it: it may be production's. On SQLite, whose file is in the workspace of this check, it migrates before a
command that needs a migrated database. With a database that no run has, it exits with 78.

The command `unmigrated` is its own: it exits with 1 if an app of the stack has models and no migrations.
"""

import inspect
import os
import sys
import sysconfig
from importlib.util import find_spec
from typing import Any

from predeploy_django import is_own_mysql, is_sqlite, migrate_file, set_up_project, unfit_database
from predeploy_unmigrated import print_unmigrated


def commands(arguments: list[str]) -> list[list[str]]:
    """Returns the commands, which `--then` separates."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--then":
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def needs_migrations(command: list[str]) -> bool:
    """Whether a command needs a database that an earlier check has migrated."""
    return command[0] == "check" or command[:2] == ["migrate", "--check"]


def name_new_fields() -> None:
    """Makes `makemigrations --noinput` print where a new field without a default is, before it exits.

    Django prints the names of the field and its model without the app, and before Django 4.1 nothing at all.
    """
    from django.db.migrations.questioner import NonInteractiveMigrationQuestioner as Questioner

    def printing(name: str) -> Any:
        ask = getattr(Questioner, name)

        def printing_ask(self: Any, field_name: str, model_name: str) -> Any:
            print_field(field_name, model_name)
            return ask(self, field_name, model_name)

        return printing_ask

    for name in ("ask_not_null_addition", "ask_auto_now_add_addition"):
        setattr(Questioner, name, printing(name))


def print_field(field_name: str, model_name: str) -> None:
    """Prints the app and the file of a field. Models of several apps can have the same name."""
    from django.apps import apps

    for model in apps.get_models():
        names = {field.name for field in model._meta.local_fields}
        if model._meta.model_name == model_name.lower() and field_name in names:
            place = os.path.relpath(inspect.getfile(model))
            print(f"No default: field {field_name} of model {model_name} of app {model._meta.app_label} in {place}")


def is_installed(label: str) -> bool:
    """Whether an app's migrations come from an installed package, so that the stack cannot add one."""
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    module, _ = MigrationLoader.migrations_module(label)  # MIGRATION_MODULES can move them into the stack
    try:
        found = find_spec(module) if module else None
    except ImportError:
        found = None
    place = found.origin if found and found.origin else apps.get_app_config(label).path
    packages = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return any(os.path.realpath(place).startswith(f"{folder}{os.sep}") for folder in packages)


def leave_out_installed_apps() -> None:
    """Makes `makemigrations` see the changes of the stack's own apps alone.

    An installed package whose models differ from its migrations is common, for example by DEFAULT_AUTO_FIELD.
    """
    from django.db.migrations.autodetector import MigrationAutodetector

    every = MigrationAutodetector.changes

    def own_changes(self: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        changes: dict[str, Any] = every(self, *arguments, **options)
        return {label: migrations for label, migrations in changes.items() if not is_installed(label)}

    MigrationAutodetector.changes = own_changes


def run(command: list[str]) -> None:
    """Runs a command. `makemigrations --check` of Django 4.2 prints no changes: then they are printed here."""
    from django.core.management import execute_from_command_line
    from django.core.management.commands.makemigrations import Command

    printed: list[object] = []
    write = Command.write_migration_files

    def writing(self: Any, changes: Any, *arguments: Any) -> None:
        printed.append(changes)
        write(self, changes, *arguments)

    Command.write_migration_files = writing
    try:
        execute_from_command_line(["manage.py", *command])
    except SystemExit as end:
        if end.code == 1 and command[:2] == ["makemigrations", "--check"] and not printed:
            execute_from_command_line(["manage.py", *(each for each in command if each != "--check")])
        raise


def check_before_migrations() -> None:
    """Runs Django's checks as `migrate` does, and raises their errors of the database alone.

    They import the URLs. Code that queries a table while it is imported ends `migrate` on a new database.
    """
    from django.core.checks import run_checks
    from django.db.utils import DatabaseError

    try:
        run_checks()
    except DatabaseError:
        raise
    except Exception:
        return


def main() -> int:
    _, port, name, *arguments = sys.argv[1:]
    set_up_project()
    if code := unfit_database(port, name):
        return code
    name_new_fields()
    leave_out_installed_apps()
    listed = commands(arguments)
    if (is_sqlite() or is_own_mysql()) and needs_migrations(listed[0]):
        migrate_file()
    if listed[0][0] == "migrate" and not needs_migrations(listed[0]):
        check_before_migrations()
    for command in listed:
        if command[0] == "unmigrated":
            return int(print_unmigrated(is_installed))
        run(command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
