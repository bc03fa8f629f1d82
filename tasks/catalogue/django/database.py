"""Decides which database a Django project uses in a run, and under which names its settings read it."""

import re
from collections.abc import Mapping

from tasks.catalogue.throwaway import DATABASE, database_url, throwaway_database
from tasks.stack import Component
from tasks.variable import Variable
from tasks.web import Web

DRIVERS = frozenset(
    {"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "psycopg-c", "psycopg2cffi", "asyncpg", "pg8000"}
)
POSTGRES = re.compile(r"postg|psycopg", re.IGNORECASE)
GIVEN = re.compile(r"(?:postgres|postgresql|postgis|psql|pgsql)(?:\+\w+)?://|(?:\w+\.)+postgresql$")
OTHERS = re.compile(r"sqlite|mysql|mariadb|oracle|mssql", re.IGNORECASE)
PARTS = {"HOST": "HOST", "HOSTNAME": "HOST", "PORT": "PORT", "USER": "USER", "USERNAME": "USER", "PASS": "PASSWORD"}
PARTS |= {"PASSWORD": "PASSWORD", "NAME": "NAME"}
PART = re.compile(rf"(?:.*_)?(?:DB|DATABASE|POSTGRES|POSTGRESQL|PG|RDS)_?(?P<part>{'|'.join(PARTS)})")
FOREIGN = re.compile(r"REDIS|MONGO|MYSQL|MARIADB|NEO4J|ELASTIC|CACHE|TEST")
FILE = re.compile(r"\.(?:sqlite3?|db)$|^:memory:$")


def uses_postgres(component: Component) -> bool:
    """Whether the project connects to Postgres: its packages have a driver, or its settings read no database.

    So does one whose variables production's files set to a Postgres. Without a driver, it fails here as it does there.
    """
    packages = component.python.packages if component.python else frozenset()
    reads = component.web.reads if component.web else ()
    is_read = any(each.shape == "database" or each.role or OTHERS.search(each.default) for each in reads)
    names = {each.name for each in reads}
    given = component.web.given if component.web else ()
    is_given = any(name in names and GIVEN.match(value) for name, value, _ in given)
    return not packages or bool(packages & DRIVERS) or not is_read or is_given


def may_use_file(component: Component) -> bool:
    """Whether the settings may use SQLite: no file names Postgres, and no variable gets the run's database."""
    web = component.web
    return web is not None and not web.postgres and not any(value_of(each, web, "") for each in web.reads)


def database_variables(component: Component, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the run's database under its usual names, and under those that the settings read.

    `given` are the values of examples and compose files. The result is empty for a project without Postgres.
    """
    web = component.web
    if web is None or not uses_postgres(component):
        return {}
    env = throwaway_database(web.scheme)
    for read in web.reads:
        value = value_of(read, web, given.get(read.name, ""))
        env |= {read.name: value} if value else {}
    return env


def value_of(read: Variable, web: Web, given: str) -> str:
    """Returns the value of a variable that names the database or a part of it, or an empty text."""
    named = PART.fullmatch(read.name)
    role = read.role or (PARTS[named["part"]] if named and not FOREIGN.search(read.name) else "")
    if role in DATABASE:
        return "" if FILE.search(read.default) else DATABASE[role]
    is_other = bool(OTHERS.search(given or read.default))
    wanted = read.required or web.postgres or bool(POSTGRES.search(given or read.default))
    if read.shape == "database":
        return database_url(web.scheme) if wanted or not is_other else ""
    choice = next((each for each in read.choices if POSTGRES.search(each)), "")
    if read.role == "ENGINE":
        return engine_of(read, web, given, choice) if wanted else ""
    is_choice = bool(choice) and any(OTHERS.search(each) for each in (*read.choices, "sqlite"))
    return choice if is_choice and web.postgres and not given else ""


def engine_of(read: Variable, web: Web, given: str, named: str) -> str:
    """Returns the engine's name as the settings expect it, or an empty text if the given or default one fits."""
    if POSTGRES.search(given):
        return given
    if not given and POSTGRES.search(read.default):
        return ""
    if re.search(r"mysql|mariadb|oracle|mssql", given, re.IGNORECASE):
        return given
    engine = "postgis" if web.scheme.startswith("postgis") else "postgresql"
    backends = "django.contrib.gis.db.backends" if engine == "postgis" else "django.db.backends"
    return named or (engine if read.bare else f"{backends}.{engine}")
