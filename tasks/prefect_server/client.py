"""The environment variables that make Prefect talk to one server and to nobody else, silently."""

import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from tasks.prefect_server.handle import ServerHandle

_LOGGING = Path(__file__).with_name("logging.yml")
_LOOPBACK = ("127.0.0.1", "localhost")


def server_environment(handle: ServerHandle, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what has to be set before Prefect is imported, given what is set already."""
    values = {
        "PREFECT_API_URL": handle.url,
        "PREFECT_LOGGING_SETTINGS_PATH": str(_LOGGING),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if handle.home is None:
        return values
    # a proxy knows nothing of this machine's loopback
    return values | {name: _with_loopback(environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")} | {
        "PREFECT_HOME": str(handle.home),
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        # each client otherwise loads every certificate authority there is (17 ms), and here nothing is encrypted
        "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",
    }  # fmt: skip


def client_environment(handle: ServerHandle, environ: MutableMapping[str, str]) -> None:
    """Change `environ` so that Prefect, imported next, knows this server only.

    What a user has set for Prefect holds for a server of theirs, and is taken away for ours.
    """
    values = server_environment(handle, environ)
    if handle.home is not None:
        for name in [name for name in environ if name.startswith("PREFECT_")]:
            del environ[name]
    environ.update(values)


def _with_loopback(listed: str) -> str:
    names = [name.strip() for name in listed.split(",") if name.strip()]
    return ",".join([*names, *(name for name in _LOOPBACK if name not in names)])


class SaidOnce(logging.Filter):
    """Leave out what Prefect logs of a red check with an empty traceback: it says the same in the next line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to keep a record."""
        return record.exc_info != (None, None, None)
