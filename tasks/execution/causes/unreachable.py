"""Finds errors that come of a host which this machine does not reach. Pure."""

import re

from tasks.execution.causes.raised_errors import RaisedError

_UNRESOLVED = re.compile(
    r"gaierror|Name or service not known|Temporary failure in name resolution|No address associated with hostname"
    r"|Temporary failure resolving '|Could not resolve host|nodename nor servname provided"
    r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|NameResolutionError|Failed to resolve '"
)
_UNREACHED = re.compile(
    r"ConnectionRefusedError|Connection refused|ECONNREFUSED|Network is unreachable|ENETUNREACH|No route to host"
    r"|EHOSTUNREACH|Failed to establish a new connection|ConnectTimeout|ETIMEDOUT|Tunnel connection failed"
    r"|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE"
)
_HOSTS = (
    re.compile(r"host='(?P<host>[^']+)'"),
    re.compile(r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<host>[\w.-]+)"),
    re.compile(r"(?:Failed to resolve|failure resolving) '(?P<host>[^']+)'"),
    re.compile(r"Could not resolve host: (?P<host>[\w.-]+)"),
    re.compile(r"connect E[A-Z]+ (?P<host>[\w.]+|\[?[\da-f:]+\]?):\d+"),
    re.compile(r"(?:host(?:name)?|to) (?P<quote>[\"'])(?P<host>[\w.-]+)(?P=quote)"),
    re.compile(r"https?://(?P<host>[\w.-]+)"),
)
LOOPBACK = re.compile(r"localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0")


def unreachable_host(error: RaisedError) -> str | None:
    """Returns the host that was not reached, an empty text if the error does not name it, or None for other errors.

    A refused connection counts only if the error names a host that is not this machine.
    """
    host = next((match["host"] for pattern in _HOSTS if (match := pattern.search(error.text))), "")
    if LOOPBACK.fullmatch(host):
        return None
    if _UNRESOLVED.search(error.text):
        return host
    return host if host and _UNREACHED.search(error.text) else None


def unreachable_reason(host: str, error: str) -> str:
    """Returns the reason of the missing verdict."""
    what = f"this machine does not reach {host}" if host else "this machine does not reach a host that the code needs"
    return (
        f"{what}: {error}. The code connects to it before it can be validated. Allow the connection, "
        "or let the code connect only when it serves a request"
    )
