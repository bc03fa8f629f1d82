"""Finds apps of the stack whose models have no migrations. `makemigrations` without names says nothing of them."""

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def print_unmigrated(is_installed: Callable[[str], bool]) -> bool:
    """Prints a line for each own app with models, and without a module of migrations. Returns whether there is one."""
    lines = list(unmigrated(is_installed))
    print(*lines, sep="\n")
    return bool(lines)


def unmigrated(is_installed: Callable[[str], bool]) -> Iterator[str]:
    """Yields the lines. An app that MIGRATION_MODULES sets to None has no migrations on purpose."""
    from django.apps import apps
    from django.conf import settings
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None, load=False, ignore_no_migrations=True)
    loader.load_disk()
    for config in apps.get_app_configs():
        label = config.label
        is_meant = settings.MIGRATION_MODULES.get(label, "") is None
        if label not in loader.unmigrated_apps or is_meant or is_installed(label):
            continue
        tables = [each for each in config.get_models() if each._meta.managed and not each._meta.proxy]
        tables = [each for each in tables if not each._meta.swapped]
        if tables:
            place = os.path.relpath(inspect.getfile(tables[0]))
            names = ", ".join(each.__name__ for each in tables)
            yield f"No migrations: app {label} with the models {names} in {place}{cause(Path(config.path))}"


def cause(folder: Path) -> str:
    """Why Django sees no migrations, if the folder has some."""
    migrations = folder / "migrations"
    has_files = any(migrations.glob("*.py")) and not (migrations / "__init__.py").exists()
    return f" ({os.path.relpath(migrations)} has no __init__.py)" if has_files else ""
