"""Makes throwaway values for variables that only production has. Standard library only, and no sibling imports.

The catalogue fills variables that it finds in the code, `predeploy_settings` those that are missing at run time.
"""

import re

KEY = "throwaway-k3y-0f-a-validation-run-w1th-n0-worth-anywhere-else-8c1d7"
"""Long and varied enough for Django's check of the key (security.W009). No deploy uses it."""
FERNET = "dGhyb3dhd2F5LWtleS1vZi1hLXZhbGlkYXRpb24hISE="
HOSTS = "localhost,127.0.0.1,testserver"
DATABASE = re.compile(
    r"(?:.*_)?(?:DATABASE|POSTGRES|POSTGRESQL|PG|NEON|DB)(?:_.*)?_(?:URL|URI|DSN|CONNECTION|STRING)(?:_.*)?"
)
# The first pattern that matches the whole name decides. `_` stands for a border of a word.
BY_NAME = tuple(
    (shape, re.compile(rf"(?:.*_)?(?:{words})(?:_.*)?" if inner else rf"(?:.*_)?(?:{words})"))
    for shape, inner, words in (
        ("hosts", False, "ALLOWED_HOSTS?|HOSTS"),
        ("admin", False, "ADMIN_(?:URL|PATH)"),
        ("prefix", False, "(?:STATIC|MEDIA)_(?:URL|PREFIX)"),
        ("redis", False, "(?:REDIS|BROKER|CELERY|RESULT|VALKEY)(?:_.*)?_(?:URL|URI|BACKEND|DSN|LOCATION)"),
        ("cache", False, "CACHE_URL"),
        ("mailer", False, "EMAIL_URL"),
        ("dsn", False, "DSN"),
        ("fernet", True, "FERNET|ENCRYPTION_KEYS?"),
        ("number", False, "PORT|TIMEOUT|SECONDS|MINUTES|HOURS|DAYS|COUNT|SIZE|LIMIT|AGE|TTL|WORKERS|THREADS|MAX|MIN"),
        ("number", True, "MAX|MIN|NUM"),
        ("boolean", False, "DEBUG|ENABLED?|DISABLED?|SSL|TLS|SECURE"),
        ("boolean", True, "USE|IS|ENABLE|DISABLE"),
        ("log_level", False, "LOG_?LEVEL"),
        ("url", False, "URLS?|URI|ORIGINS?|ENDPOINT|WEBHOOK"),
        ("path", False, "PATH|DIR|DIRECTORY|FILE|ROOT|FOLDER"),
        ("host", False, "HOST|HOSTNAME|DOMAIN|SERVER"),
        ("email", False, "EMAIL|EMAIL_FROM|FROM|MAIL|EMAIL_ADDRESS|ADMINS?"),
        ("key", True, "KEY|TOKEN|SECRET|PASSWORD|PASS|SALT"),
        ("json", False, "JSON"),
        ("region", False, "REGION"),
        ("zone", False, "TIME_?ZONE|TZ"),
        ("language", False, "LANGUAGE(?:_CODE)?|LANG|LOCALE"),
        ("stage", False, "ENV|ENVIRONMENT|STAGE"),
    )
)
FIXED = {
    "hosts": HOSTS,
    "admin": "admin/",
    "prefix": "/files/",
    "cache": "locmemcache://",
    "mailer": "consolemail://",
    "search": "simple://",
    "fernet": FERNET,
    "number": "1",
    "numbers": "1",
    "boolean": "False",
    "log_level": "INFO",
    "email": "predeploy@predeploy.invalid",
    "key": KEY,
    "json": "{}",
    "json_list": "[]",
    "json_numbers": "[1]",
    "dict": "predeploy=predeploy",
    "region": "eu-central-1",
    "zone": "UTC",
    "language": "en",
    "stage": "production",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date": "2024-01-01",
    "datetime": "2024-01-01T00:00:00",
    "time": "00:00:00",
    "base64": "cHJlZGVwbG95",
}
ROTATION = (
    "text",
    "number",
    "boolean",
    "url",
    "json",
    "path",
    "json_list",
    "email",
    "fernet",
    "uuid",
    "lower",
    "dict",
    "database",
)
"""The shapes to try, in order, if the code refuses a value."""


def shape_by_name(name: str) -> str:
    """Returns the shape that a variable's name suggests, otherwise `text`."""
    upper = name.upper()
    if DATABASE.fullmatch(upper):
        return "database"
    return next((shape for shape, pattern in BY_NAME if pattern.fullmatch(upper)), "text")


def throwaway_value(name: str, shape: str, database: str) -> str:
    """Returns a value of a shape. No address in it exists. `database` is the URL of the run's database."""
    if shape == "text" or (shape == "list" and shape_by_name(name) in {"hosts", "url", "email"}):
        shape = shape_by_name(name)
    if shape == "database":
        return database
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    host = f"{word}.predeploy.invalid"
    addresses = {"url": f"https://{host}", "redis": f"redis://{host}:6379/0", "dsn": f"https://public@{host}/1"}
    texts = {"host": host, "path": f"/tmp/predeploy-{word}", "lower": "false"}  # noqa: S108
    return {**addresses, **texts, **FIXED}.get(shape, f"predeploy-{word}")
