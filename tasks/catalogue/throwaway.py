"""Throwaway variables for Django processes, which then need no real key or database."""

import re

from tasks.probes.throwaway_values import HOSTS, KEY
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_USER

DATABASE = {"HOST": DB_HOST, "PORT": DB_PORT, "USER": DB_USER, "PASSWORD": DB_PASSWORD, "NAME": DB_NAME}
PREFIXES = ("POSTGRES_", "DB_", "DATABASE_", "DJANGO_DB_", "SQL_")
RESERVED = re.compile(r"(?:^|\.)(?:example|test|invalid|localhost|local|internal|example\.(?:com|org|net))$")
ADDRESS = re.compile(r"(?P<start>\b[a-z][a-z0-9+.-]*://(?:[^\s/@,]*@)?)(?P<host>[\w-]+(?:\.[\w-]+)+)", re.IGNORECASE)
HOST_NAME = re.compile(r"(?:.*_)?(?:HOST|HOSTNAME|SERVER|ENDPOINT)(?:_.*)?")
DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?::\d+)?", re.IGNORECASE)


def database_url(scheme: str = "postgres") -> str:
    """Returns the URL of the run's database, with the tree's own scheme."""
    return f"{scheme}://{DB_USER}:{DB_PASSWORD}@{DB_HOST}:{DB_PORT}/{DB_NAME}"


def throwaway_keys() -> dict[str, str]:
    """Returns the variables that are always set: a key under its usual names, and the hosts."""
    env = {"SECRET_KEY": KEY, "DJANGO_SECRET_KEY": KEY}
    return env | {"ALLOWED_HOSTS": HOSTS, "DJANGO_ALLOWED_HOSTS": HOSTS}


def throwaway_database(scheme: str = "postgres") -> dict[str, str]:
    """Returns the run's database under its usual names."""
    env = {"DATABASE_URL": database_url(scheme)}
    env |= {"PGHOST": DB_HOST, "PGPORT": DB_PORT, "PGUSER": DB_USER, "PGPASSWORD": DB_PASSWORD, "PGDATABASE": DB_NAME}
    for prefix in PREFIXES:
        env |= {prefix + name: value for name, value in DATABASE.items()}
    return env | {"POSTGRES_DB": DB_NAME, "SQL_DATABASE": DB_NAME}


def throwaway_variables(scheme: str = "postgres") -> dict[str, str]:
    """Returns the variables that are always set for a stack on Postgres."""
    return throwaway_keys() | throwaway_database(scheme)


def without_addresses(name: str, value: str) -> str:
    """Returns an example's value with hosts that may exist replaced: a run must not contact them."""
    host = f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.predeploy.invalid"

    def replaced(match: re.Match[str]) -> str:
        return match[0] if is_harmless(match["host"]) else match["start"] + host

    if HOST_NAME.fullmatch(name) and DOMAIN.fullmatch(value):
        domain, _, port = value.partition(":")
        return value if is_harmless(domain) else f"{host}:{port}" if port else host
    return ADDRESS.sub(replaced, value)


def is_harmless(host: str) -> bool:
    """Whether a host is reserved, or an address of this machine."""
    return bool(RESERVED.search(host.lower())) or host.startswith(("127.", "0.0.0.0"))  # noqa: S104
