"""Finds the host that a build of Node packages did not reach. Pure.

The text alone proves nothing: a probe of the host decides whether the cause is this machine's network.
"""

import re

from tasks.diagnostics.reading import plain_text
from tasks.execution.causes.unreachable import LOOPBACK
from tasks.models import Diagnostic

_TAIL = 8000
_NETWORK = re.compile(
    r"\bENOTFOUND\b|\bEAI_AGAIN\b|\bECONNREFUSED\b|\bENETUNREACH\b|\bEHOSTUNREACH\b|\bETIMEDOUT\b|\bECONNRESET\b"
    r"|UND_ERR_CONNECT_TIMEOUT|\bfetch failed\b|Failed to fetch `|Could not resolve host|SELF_SIGNED_CERT_IN_CHAIN"
    r"|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|UNABLE_TO_VERIFY_LEAF_SIGNATURE|dial tcp"
    r"|(?i:(?:fail\w*|could not|unable to) (?:to )?(?:fetch|retrieve|download|load) (?:\w+ ){0,3}(?:from )?\S*https?://)"
    r"|FailedToFetchRemoteImageDimensions"
)
_HOSTS = (
    re.compile(r"\b(?:ENOTFOUND|EAI_AGAIN) (?P<host>[\w-]+(?:\.[\w-]+)+)"),
    re.compile(r"\bconnect E[A-Z]+ (?P<host>[\w.]+|\[?[\da-f:]+\]?):\d+"),
    re.compile(r"hostname: '(?P<host>[\w.-]+)'"),
    re.compile(r"Could not resolve host: (?P<host>[\w.-]+)"),
    re.compile(r"dial tcp: lookup (?P<host>[\w.-]+)"),
    re.compile(r"\battempted address(?:es)?: (?P<host>[\w.-]+):\d+"),
    re.compile(r"request to https?://(?P<host>[\w.-]+)\S* failed"),
    re.compile(
        r"(?i:fail\w*|could not|unable to) (?:to )?(?:fetch|retrieve|download|load) [^\n]*?https?://(?P<host>[\w.-]+)"
    ),
)
_GOOGLE = re.compile(r"Failed to fetch `[^`]+` from Google Fonts")


def unreached_host(first: Diagnostic | None, output: str) -> str | None:
    """Returns the host, an empty text if the output does not name it, or None for a failure of another kind.

    `first` is the first error of the output. If it has a place in the stack, it must speak of the network.
    """
    if first is not None and first.file and not _NETWORK.search(first.message):
        return None
    text = (f"{first.message}\n" if first else "") + plain_text(output)[-_TAIL:]
    if not _NETWORK.search(text):
        return None
    if _GOOGLE.search(text):
        return "fonts.googleapis.com"
    host = next((match["host"] for pattern in _HOSTS if (match := pattern.search(text))), "")
    if LOOPBACK.fullmatch(host):
        return None
    said = first.message if first else text
    return host if host or "fetch failed" in said else None
