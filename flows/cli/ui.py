"""`predeploy ui`: the history of all runs in Prefect's UI."""

import sys
import time
import webbrowser
from collections.abc import Mapping

from tasks.errors import EngineError
from tasks.prefect_server import Phase, ServerHandle, answers, ensure_server, phase
from tasks.prefect_server.guard import OPEN
from tasks.prefect_server.password import TICKET_SECONDS, signed
from tasks.prefect_server.start import START_SECONDS
from tasks.user_dirs import UserDirs

POLL = 0.1
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def find_history_url(environ: Mapping[str, str], user_dirs: UserDirs) -> str:
    """The URL of the runs in Prefect's UI. Returns when the server answers.

    For our own server it is a link that lets this user's browser in. The link is valid for ten minutes.
    """
    handle = find_history(environ, user_dirs)
    origin = handle.url.removesuffix("/api")
    if not handle.password:
        return f"{origin}/runs"
    return f"{origin}{OPEN}?ticket={signed(handle.password, 'ticket', TICKET_SECONDS)}"


def find_history(environ: Mapping[str, str], user_dirs: UserDirs) -> ServerHandle:
    """A Prefect server that answers. Raises EngineError if there is none.

    The local server stays up afterwards, in CI too, so that a browser can show it.
    """
    outside_ci = {name: value for name, value in environ.items() if name != "CI"}
    user_dirs.cache.mkdir(parents=True, exist_ok=True)
    try:
        handle = ensure_server(outside_ci, data_dir=user_dirs.data, cache_dir=user_dirs.cache)
    except OSError as error:
        raise EngineError(
            f"Prefect's server did not start: {error}. Check the directory {user_dirs.data}.", "prefect"
        ) from error
    wait_for(handle)
    return handle


def wait_for(handle: ServerHandle, limit: float = START_SECONDS) -> None:
    """Waits until the server answers. Its first start takes long."""
    deadline = time.monotonic() + limit
    while phase(handle) is Phase.STARTING and time.monotonic() < deadline:
        time.sleep(POLL)
    if phase(handle) is not Phase.READY or not answers(handle.url, timeout=5):
        log = f" See {handle.log}." if handle.log else " Start it, or correct PREFECT_API_URL."
        raise EngineError(f"Prefect's server at {handle.url} does not answer.{log}", "prefect")


def open_browser(url: str, environ: Mapping[str, str]) -> bool:
    """Opens the URL in a browser, if there is a terminal and a screen. Returns whether it did."""
    has_screen = sys.platform == "darwin" or any(environ.get(name) for name in SCREENS)
    return sys.stdout.isatty() and has_screen and webbrowser.open(url)
