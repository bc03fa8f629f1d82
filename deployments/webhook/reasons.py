"""Reasons of errors for the log and for answers: without a URL, a credential, or the body of another server."""

import sqlite3

import httpx

from tasks.errors import PredeployError


def reason_of(error: BaseException) -> str:
    """Returns the kind of an error, and what is known to be harmless: a status, a code, or the disk's own words."""
    kind = type(error).__name__
    match error:
        case httpx.HTTPStatusError():
            return f"{kind}: the answer was {error.response.status_code}"
        case PredeployError():
            return f"{kind}: {error.reason_code}"
        case sqlite3.Error():
            return f"{kind}: {error}"
        case OSError() if error.strerror:
            return f"{kind}: {error.strerror}"
    return kind
