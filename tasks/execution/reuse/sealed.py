"""Sealed files: what another program wrote or damaged is read as nothing. Needs nothing but Python."""

import contextlib
import hmac
import os
from pathlib import Path
from secrets import token_bytes, token_hex

SECRET_BYTES = 32
SECRET = "results.secret"  # noqa: S105 - the name of a file


def read_secret(data: Path) -> bytes:
    """Returns the secret of this user; empty if there is none yet."""
    try:
        secret = (data / SECRET).read_bytes()
    except OSError:
        return b""
    return secret if len(secret) == SECRET_BYTES else b""


def make_secret(data: Path) -> bytes:
    """Returns the secret of this user, which is made once; empty if it can neither be read nor made."""
    if secret := read_secret(data):
        return secret
    new = data / f".results.{token_hex(4)}"
    with contextlib.suppress(OSError):
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, token_bytes(SECRET_BYTES))
            os.link(new, data / SECRET)  # all at once, and only one of several runs wins
        finally:
            os.close(descriptor)
            new.unlink()
    return read_secret(data)


def seal(secret: bytes, content: bytes) -> bytes:
    """Returns the first line of a sealed file."""
    return hmac.digest(secret, content, "sha256").hex().encode()


def read_sealed(path: Path, secret: bytes) -> bytes:
    """Returns the content of a sealed file; empty if it is missing or damaged."""
    try:
        found, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return b""
    return content if hmac.compare_digest(found, seal(secret, content)) else b""


def write_sealed(path: Path, secret: bytes, content: bytes) -> None:
    """Writes a sealed file as a whole. Errors of the file system cost time, never a verdict."""
    new = path.with_name(f".{path.name}.{token_hex(4)}")
    with contextlib.suppress(OSError):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(seal(secret, content) + b"\n" + content)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
