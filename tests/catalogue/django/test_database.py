"""Whether a Django project connects to the Postgres of the run."""

from dataclasses import replace

import pytest

from tasks.catalogue.django.database import database_variables, uses_postgres
from tasks.stack import Component
from tasks.variable import Variable
from tests.support.factories import make_web

URL = Variable(name="DATABASE_URL", shape="database", default="sqlite:///db.sqlite3")


def project(packages: set[str], *given: tuple[str, str, str]) -> Component:
    """A project whose settings read a URL, with these packages and variables of production."""
    found = make_web()
    assert found.web
    assert found.python
    web = replace(found.web, reads=(URL,), given=given)
    return replace(found, web=web, python=replace(found.python, packages=frozenset(packages)))


@pytest.mark.parametrize(
    ("packages", "given", "uses"),
    [
        pytest.param({"django", "psycopg"}, (), True, id="a driver"),
        pytest.param({"django"}, (), False, id="no driver, and no file names the database"),
        pytest.param({"django"}, (("DATABASE_URL", "postgres://db/shop", "compose.yaml"),), True, id="given"),
        pytest.param({"django"}, (("DATABASE_URL", "sqlite:////data/db", "compose.yaml"),), False, id="a file given"),
        pytest.param({"django"}, (("OTHER_URL", "postgres://db/shop", "compose.yaml"),), False, id="not read"),
    ],
)
def test_project_uses_postgres(packages: set[str], given: tuple[tuple[str, str, str], ...], uses: bool) -> None:
    component = project(packages, *given)

    assert uses_postgres(component) is uses
    assert ("DATABASE_URL" in database_variables(component, {})) is uses
