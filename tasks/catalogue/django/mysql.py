"""Gives commands of a Django project a database on the MySQL server that the person names."""

from dataclasses import replace

from tasks.catalogue.row import CatalogueContext
from tasks.models import SkipReason
from tasks.settings.models import MYSQL_VARIABLE
from tasks.stack import Component
from tasks.steps import PROBES, Command

DRIVERS = frozenset({"mysqlclient", "pymysql"})
GONE = 77
"""The exit code of the program that makes the database, if the server refuses it."""
NO_UPGRADE = SkipReason(
    reason_code="unsupported_database",
    reason="no upgrade was tried: the project uses MySQL, and rows are made only on Postgres and SQLite",
)


def has_server(component: Component, context: CatalogueContext) -> bool:
    """Whether a server is named, and the project has a driver for it."""
    packages = component.python.packages if component.python else frozenset()
    return context.settings.mysql_url is not None and bool(packages & DRIVERS)


def on_mysql(
    command: Command, component: Component, context: CatalogueContext, *, is_migrated: bool = False
) -> Command:
    """Returns the command with a database of its own for its time, if a server is named. `is_migrated` migrates it."""
    if not has_server(component, context):
        return command
    options = ("--migrate",) if is_migrated else ()
    return replace(
        command,
        argv=("python", f"{PROBES}/django/on_mysql.py", *options, "--", *command.argv),
        secrets=(*command.secrets, MYSQL_VARIABLE),
        unfit=(*command.unfit, *(() if GONE in dict(command.unfit) else ((GONE, "service_lost"),))),
        explained=(*command.explained, "service_lost"),
    )
