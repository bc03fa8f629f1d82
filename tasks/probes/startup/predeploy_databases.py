"""Sets the database of the run in Django's settings, and keeps files of SQLite inside the workspace."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

POSTGRES = ("postg", "psql", "psycopg", "timescale")
NOWHERE = 1
"""The port of a step without a database."""
ELSEWHERE = ("service", "passfile", "host", "port", "dbname", "hostaddr", "user", "password")
OF_MYSQL = ("unix_socket", "db", "database", "passwd", "read_default_file", "read_default_group", "ssl", "ssl_mode")
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def set_databases(settings: Any, url: str, work: str, filled: Collection[str] = ()) -> Iterator[str]:
    """Replaces each other Postgres by that of the run. Yields the gaps in the proof.

    `filled` are the throwaway values of variables.
    """
    if not url:
        return
    mysql = os.environ.get("PREDEPLOY_MYSQL", "")
    databases = getattr(settings, "DATABASES", None)
    for alias, given in databases.items() if isinstance(databases, dict) else ():
        engine = str(given.get("ENGINE", "")) if isinstance(given, dict) else ""
        if filled and engine and ("." not in engine or engine.rpartition(".")[2] in filled):  # a throwaway chose it
            engine = given["ENGINE"] = "django.db.backends.postgresql"
        if any(word in engine for word in POSTGRES):
            yield from set_postgres(alias, given, url)
        elif "mysql" in engine and mysql:
            set_mysql(given, mysql)
        elif "sqlite" in engine or "spatialite" in engine:
            yield from set_sqlite(alias, given, work)


def set_postgres(alias: str, given: dict[str, Any], url: str) -> Iterator[str]:
    """Sets the run's Postgres in the table of an alias."""
    parts = urlsplit(url)
    values = {"HOST": parts.hostname or "", "PORT": str(parts.port or ""), "NAME": parts.path.lstrip("/")}
    values.update({"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")})
    options = given.get("OPTIONS") or {}
    differing = [key for key, value in values.items() if given.get(key) and str(given[key]) != value]
    elsewhere = [key for key in ELSEWHERE if key in options]
    if differing or elsewhere:
        place = f"{given.get('NAME') or options.get('service') or '(not named)'} at {given.get('HOST') or 'localhost'}"
        given.update(values)
        given["OPTIONS"] = options = {key: value for key, value in options.items() if key not in ELSEWHERE}
        if parts.port != NOWHERE:
            yield (
                f"the settings name the PostgreSQL database {place} for `{alias}`, not by a variable that predeploy "
                "knows: this run replaced it by its own"
            )
    if any(str(options.get(key, "prefer")) not in {"prefer", "allow", "disable"} for key in TLS if key in options):
        given["OPTIONS"] = {key: value for key, value in options.items() if key not in TLS}
        if parts.port != NOWHERE:
            yield f"the connection of `{alias}` has no TLS in this run: its Postgres has no certificate"


def set_mysql(given: dict[str, Any], url: str) -> None:
    """Sets the database on the person's server in the table of an alias."""
    parts = urlsplit(url)
    # an address, because `localhost` would mean a socket
    host = "127.0.0.1" if parts.hostname in {None, "localhost"} else parts.hostname
    given.update({"HOST": host, "PORT": str(parts.port or 3306)})
    given.update({"NAME": parts.path.lstrip("/"), "USER": unquote(parts.username or "")})
    given["PASSWORD"] = unquote(parts.password or "")
    options = given.get("OPTIONS") or {}
    given["OPTIONS"] = {key: value for key, value in options.items() if key not in (*ELSEWHERE, *OF_MYSQL)}


def set_sqlite(alias: str, given: dict[str, Any], work: str) -> Iterator[str]:
    """Keeps the file of a database inside the workspace, and makes its directory."""
    name = os.fspath(given.get("NAME") or "")
    if not work or not name or ":memory:" in name or name.startswith("file:"):
        return
    path = Path(name).absolute()
    if not (is_inside(path, Path(work)) or is_inside(path.resolve(), Path(work).resolve())):
        given["NAME"] = str(Path(work) / f"predeploy-{alias}.sqlite3")
        yield f"the SQLite file {name} of `{alias}` is outside of the tree: this run replaced it by one of its own"
        return
    path.parent.mkdir(parents=True, exist_ok=True)


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path is the root or below it. `Path.is_relative_to` is newer than some Pythons of images."""
    return root in (path, *path.parents)
