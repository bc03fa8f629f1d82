"""Chooses the database of a check that runs a Worker: a copy of the Django project's, an empty one, or none."""

from tasks.catalogue.row import CatalogueContext, DatabaseKind
from tasks.catalogue.worker.service import asks_database, migrating
from tasks.stack import Component


def database(component: Component, context: CatalogueContext) -> DatabaseKind:
    """Returns the kind of database: a copy of the Django project's, an empty one, or none."""
    if not asks_database(component, context):
        return ""
    return "migrated" if migrating(component, context) else "empty"


def migrated_by(component: Component, context: CatalogueContext) -> str:
    """Returns the path of the Django project whose database is copied, or an empty text."""
    web = migrating(component, context)
    return web.path if web and asks_database(component, context) else ""


def across(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the id of the check that migrates the database."""
    path = migrated_by(component, context)
    return (f"migrate[{path}]",) if path else ()
