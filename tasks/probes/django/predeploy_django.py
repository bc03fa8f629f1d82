"""Functions that the probes inside a Django project share. The prefix keeps clear of the stack's module names."""

import os
import runpy
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

HELP = (
    "Let the settings read DATABASE_URL or PG*, or set the variables that they read in predeploy.toml "
    f"([{os.environ.get('PREDEPLOY_TABLE', 'env')}], with "
    "{db.url}, {db.host}, {db.port}, {db.user}, {db.password}, {db.name})"
)
"""The catalogue names the component's table in a variable."""


def set_up_project(modules: Iterable[str] = ()) -> None:
    """Sets Django up in the project of the current directory. `modules` are imported first, without manage.py.

    The project takes the place of this file's directory on the module path.
    """
    sys.path[0] = str(Path.cwd())
    for module in modules:
        import_module(module)
    run_manage()
    import django

    django.setup()


def run_manage() -> None:
    """Runs `manage.py version` for its side effects: it chooses the settings module, and may extend the module path.

    An error in the settings shows later, when they are used: Django does not report it here. A project without a
    manage.py has its settings module in the environment.
    """
    if not Path("manage.py").is_file():
        return
    argv, sys.argv = sys.argv, ["manage.py", "version"]
    try:
        with redirect_stdout(StringIO()):
            runpy.run_path("manage.py", run_name="__main__")
    except SystemExit:
        pass
    finally:
        sys.argv = argv


MYSQL = "Name a server for it: PREDEPLOY_MYSQL_URL=mysql://user:password@host with --engine local"
OTHER, GONE, UNSUPPORTED = 75, 77, 78


def unfit_database(port: str, name: str) -> int:
    """Returns 0 if the settings use the database of this check.

    Otherwise it prints the reason and returns OTHER (another database), GONE (the database does not exist) or
    UNSUPPORTED (no run has such a database). A file of SQLite is fit if the tree names no Postgres.
    """
    if is_sqlite() and os.environ.get("PREDEPLOY_SQLITE"):
        return 0
    if is_own_mysql():
        return 0
    if (vendor := vendor_of_settings()) not in {"postgresql", "sqlite"}:
        hint = MYSQL if vendor == "mysql" else HELP
        print(
            f"the settings use {vendor}, and this run has only Postgres and SQLite, so no command was run. {hint}",
            file=sys.stderr,
        )
        return UNSUPPORTED
    other = other_database(port, name)
    if not other:
        make_schema()
        return 0
    if f'database "{name}" does not exist' in other:
        print(f"the database of this check is gone: {other}", file=sys.stderr)
        return GONE
    print(f"the settings use the {other}, not that of this check, so no command was run. {HELP}", file=sys.stderr)
    return OTHER


def make_schema() -> None:
    """Makes the schema of the connection's search path if there is none: production has it, and a new database not."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema(), current_setting('search_path')")
        current, path = cursor.fetchone()
        named = [name.strip().strip('"') for name in path.split(",")]
        names = [name for name in named if name and name != "$user"]
        if current is None and names:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(names[0])}")
    connection.close()


def vendor_of_settings() -> str:
    """Returns the kind of the default database: `postgresql`, `sqlite`, `mysql` and so on."""
    from django.db import connection

    return str(connection.vendor)


def is_sqlite() -> bool:
    """Whether the settings use a file of SQLite, which then belongs to the workspace of this check."""
    return vendor_of_settings() == "sqlite"


def is_own_mysql() -> bool:
    """Whether the settings use the database of this command on the person's MySQL server."""
    from django.db import connection

    own = os.environ.get("PREDEPLOY_MYSQL", "").rpartition("/")[2]
    return vendor_of_settings() == "mysql" and bool(own) and connection.settings_dict["NAME"] == own


def migrate_file() -> None:
    """Migrates a database of this command's own: a file of SQLite, or one on a MySQL server.

    The check of the migrations reports their errors and output.
    """
    from django.core.management import call_command

    with redirect_stdout(StringIO()):
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def other_database(port: str, name: str) -> str:
    """Returns a description of the database that the settings use, or an empty text if it is that of this check."""
    from django.db import Error, connection

    given = connection.settings_dict
    if connection.vendor != "postgresql":
        return f"{connection.vendor} database {given['NAME']}"
    place = f"{given['HOST'] or 'localhost'}:{given['PORT'] or '5432'}"
    shown = f"PostgreSQL database {given['NAME'] or '(not named)'} at {place}"
    # the driver takes missing values from PG*
    if (given["PORT"] and str(given["PORT"]) != port) or (given["NAME"] and given["NAME"] != name):
        return shown
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), current_setting('port')")
            there = cursor.fetchone()
    except Error as error:
        return f"{shown}, which refuses the connection ({str(error).strip().partition(chr(10))[0]})"
    finally:
        connection.close()
    return "" if (there[0], str(there[1])) == (name, port) else f"PostgreSQL database {there[0]} at port {there[1]}"
