"""Throwaway variables for Django processes, which then need no real key or database."""

from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_URL, DB_USER

# Long and varied enough for Django's check of the key (security.W009). No deploy uses it.
THROWAWAY_KEY = "throwaway-k3y-0f-a-validation-run-w1th-n0-worth-anywhere-else-8c1d7"
DATABASE = {"HOST": DB_HOST, "PORT": DB_PORT, "USER": DB_USER, "PASSWORD": DB_PASSWORD, "NAME": DB_NAME}
PREFIXES = ("POSTGRES_", "DB_", "DATABASE_", "DJANGO_DB_", "SQL_")
HOSTS = "localhost,127.0.0.1,testserver"


def throwaway_variables() -> dict[str, str]:
    """Returns the variables that are always set: a key, the database under its usual names, and the hosts."""
    env = {"SECRET_KEY": THROWAWAY_KEY, "DJANGO_SECRET_KEY": THROWAWAY_KEY}
    env |= {"ALLOWED_HOSTS": HOSTS, "DJANGO_ALLOWED_HOSTS": HOSTS}
    env |= {"DATABASE_URL": DB_URL}
    env |= {"PGHOST": DB_HOST, "PGPORT": DB_PORT, "PGUSER": DB_USER, "PGPASSWORD": DB_PASSWORD, "PGDATABASE": DB_NAME}
    for prefix in PREFIXES:
        env |= {prefix + name: value for name, value in DATABASE.items()}
    return env | {"POSTGRES_DB": DB_NAME, "SQL_DATABASE": DB_NAME}
