"""The environment variables that make Prefect's client use one server only, without output."""

import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from tasks.prefect_server.handle import ServerHandle
from tasks.prefect_server.password import auth_string

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
    # a proxy cannot reach this machine's loopback
    return values | {name: _with_loopback(environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")} | {
        "PREFECT_HOME": str(handle.home),
        "PREFECT_API_AUTH_STRING": auth_string(handle.password),
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        # each client otherwise loads every certificate authority there is (17 ms), and here nothing is encrypted
        "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",
    }  # fmt: skip


def client_environment(handle: ServerHandle, environ: MutableMapping[str, str]) -> None:
    """Change `environ` so that Prefect, imported next, knows this server only.

    The user's own settings of Prefect stay for the user's server, and are removed for ours.
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
    """Drop Prefect's log record of a failed check with an empty traceback: the next record says the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to keep a record."""
        return record.exc_info != (None, None, None)
