"""HTTP requests to Doppler, within a total time: attempts, pauses and time-outs, and no redirects.

The retries are a loop of our own. With tenacity they need as many lines, as one time limit holds for several requests,
and its import takes 20 ms.
"""

import contextlib
import email.utils
import json
import os
import random
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from tasks.daemon_thread import run_in_daemon_thread
from tasks.secrets.doppler.access import LOOPBACK, DopplerLimits
from tasks.secrets.doppler.token import Token
from tasks.secrets.doppler.trouble import (
    RetryableError,
    connection_failure,
    http_line,
    invalid_answer,
    no_answer,
    refusal,
)
from tasks.version import VERSION

MAX_BYTES = 16 << 20
"""The maximum size of an answer in bytes."""
CHUNK = 1 << 16
LONGEST_PAUSE = 8.0
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerReply:
    """A complete HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether it is an answer of the API, and not of a proxy."""
        return self.headers.get("content-type", "").startswith("application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """Sends the requests of one token. The time limit is for all of them together, and begins now.

    `where` is the config, for messages.
    """

    token: Token
    where: str
    limits: DopplerLimits = field(default_factory=DopplerLimits)
    started: float = field(default_factory=time.monotonic)

    def get(self, url: str) -> dict[str, Any]:
        """The document at a URL. Raises DopplerError if there is no answer in time, or a refusal."""
        last, attempt = RetryableError("there was no time left for a request"), 0
        while attempt < self.limits.attempts and (left := self.limits.total - self.elapsed) > 0:
            attempt += 1
            try:
                return self._once(url, min(left, self.limits.answer))
            except RetryableError as again:
                last = again
            pause = last.wait if last.wait is not None else self._pause(attempt)
            if attempt == self.limits.attempts or self.elapsed + pause >= self.limits.total:
                break
            time.sleep(pause)
        raise no_answer(last, attempt, self.elapsed)

    @property
    def elapsed(self) -> float:
        """Seconds since the first request."""
        return time.monotonic() - self.started

    def _pause(self, attempt: int) -> float:
        """A pause that grows with each attempt. It is random, so that rejected clients do not return together."""
        longest = min(self.limits.pause * (1 << (attempt - 1)), LONGEST_PAUSE)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it

    def _once(self, url: str, limit: float) -> dict[str, Any]:
        try:
            # in a thread: a slow name resolution, and headers that arrive one by one, have no time-out
            reply = run_in_daemon_thread(partial(send, url, self.token, limit)).result(limit)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise connection_failure(error) from None  # the text of the original error has the complete URL
        return self._read(reply)

    def _read(self, reply: DopplerReply) -> dict[str, Any]:
        if reply.status == 429:
            raise RetryableError(http_line(reply.status, reply.body), wait_of(reply.headers))
        if reply.status >= 500 and not reply.is_json:
            raise RetryableError(http_line(reply.status, b""))
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.body, self.token.kind, self.where)
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError):
            raise RetryableError(f"HTTP {reply.status} without valid JSON") from None
        if not isinstance(document, dict):
            raise invalid_answer("a JSON object was expected")
        return document


def wait_of(headers: Mapping[str, str]) -> float | None:
    """The requested wait of a rate-limited client in seconds: from seconds, a date, or the reset of the limit."""
    given = headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        return max(0.0, float(given))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - time.time())
    with contextlib.suppress(ValueError):
        return max(0.0, float(headers.get("x-ratelimit-reset", "")) - time.time())
    return None


class SystemTrust(HTTPAdapter):
    """Trusts the system's certificates, because a company's own authority is only there."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """The same for proxies, which are the usual reason for such an authority."""
        return super().proxy_manager_for(*args, ssl_context=ssl.create_default_context(), **kwargs)


def send(url: str, token: Token, limit: float) -> DopplerReply:
    """Sends one request, in its own session: an abandoned request must not disturb the next."""
    deadline = time.monotonic() + limit
    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": f"Bearer {token.text}",
        "user-agent": f"predeploy/{VERSION}",
    }
    with requests.Session() as session:
        session.trust_env = False  # otherwise a password in .netrc replaces the token
        session.verify = next((os.environ[name] for name in BUNDLES if os.environ.get(name)), True)
        if urlsplit(url).hostname not in LOOPBACK:
            session.proxies = dict(requests.utils.get_environ_proxies(url))
        session.mount("https://", SystemTrust())
        with session.get(url, headers=headers, timeout=limit, allow_redirects=False, stream=True) as answer:
            body = bytearray()
            while chunk := answer.raw.read1(CHUNK):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise invalid_answer(f"it has more than {MAX_BYTES >> 20} MiB")
                if time.monotonic() > deadline:
                    raise TimeoutError
            return DopplerReply(status=answer.status_code, headers=answer.headers, body=bytes(body))
