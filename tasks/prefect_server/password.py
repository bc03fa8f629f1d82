"""The password of our own server: only the user whose server it is can read it, and so use the server.

Programs send it with each request. A browser gets a ticket in the URL that `predeploy ui` opens, and a cookie for it.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import time
from pathlib import Path

USER = "predeploy"
COOKIE = "predeploy-ui"
TICKET_SECONDS, COOKIE_SECONDS = 600, 12 * 3600
NAME = "password"
"""The file in the home of the server, with mode 0600."""


def password_in(home: Path) -> str:
    """The password of the servers in this home. It is made if there is none, or if others can read or write it."""
    path = home / NAME
    if found := _read(path):
        return found
    path.unlink(missing_ok=True)
    with contextlib.suppress(FileExistsError):  # another process has made one just now
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    if found := _read(path):
        return found
    raise OSError(f"{path} is not a file of this user alone")


def auth_string(password: str) -> str:
    """The value of PREFECT_API_AUTH_STRING."""
    return f"{USER}:{password}"


def authorization(password: str) -> str:
    """The header of a request."""
    return f"Basic {base64.b64encode(auth_string(password).encode()).decode()}"


def signed(password: str, purpose: str, seconds: float) -> str:
    """A text that proves for some seconds that its sender has the password, without showing it."""
    end = str(int(time.time() + seconds))
    return f"{end}.{_digest(password, purpose, end)}"


def is_signed(text: str, password: str, purpose: str) -> bool:
    """Whether the text is such a proof, and still valid."""
    end, _, digest = text.partition(".")
    if not (end.isascii() and end.isdecimal() and len(end) < 12 and int(end) >= time.time()):
        return False
    return hmac.compare_digest(digest.encode(), _digest(password, purpose, end).encode())


def _digest(password: str, purpose: str, end: str) -> str:
    return hmac.new(password.encode(), f"{purpose} {end}".encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> str:
    """The password, or an empty text if the file is not a regular one of this user, with mode 0600."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        found = os.fstat(descriptor)
        is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        text = file.read(200).strip() if is_own else ""
    return text if len(text) >= 32 and text.isascii() else ""
