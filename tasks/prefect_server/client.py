"""Sets the environment variables that make Prefect's client use one server only, without output on the terminal."""

import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from tasks.prefect_server.handle import ServerHandle

_LOGGING = Path(__file__).with_name("logging.yml")
_LOOPBACK = ("127.0.0.1", "localhost")


def server_environment(handle: ServerHandle, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables to set before Prefect is imported. `environ`: the current environment."""
    values = {
        "PREFECT_API_URL": handle.url,
        "PREFECT_LOGGING_SETTINGS_PATH": str(_LOGGING),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if handle.home is None:
        return values
    # a proxy cannot reach the loopback interface of this machine
    return values | {name: _with_loopback(environ.get(name, "")) for name in ("NO_PROXY", "no_proxy")} | {
        "PREFECT_HOME": str(handle.home),
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        # saves 17 ms a client, which would load all certificate authorities; this connection is not encrypted
        "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",
    }  # fmt: skip


def client_environment(handle: ServerHandle, environ: MutableMapping[str, str]) -> None:
    """Changes `environ` so that Prefect, imported next, uses this server only.

    The user's own PREFECT_* variables apply to the user's own server. For predeploy's server they are removed.
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
    """Drops Prefect's record with an empty traceback for a red check. The next record has the same information."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep a record."""
        return record.exc_info != (None, None, None)
