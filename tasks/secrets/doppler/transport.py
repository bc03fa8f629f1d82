"""Asks Doppler over HTTP, for so long and no longer: time-outs, attempts, pauses between them, no redirects."""

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

MOST = 16 << 20
"""Bytes of an answer."""
PIECE = 1 << 16
LONGEST_PAUSE = 8.0
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerReply:
    """A whole answer, whatever it says."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether it is the API that speaks."""
        return self.headers.get("content-type", "").startswith("application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """Sends what one token asks, from now on until its limits ends.

    `where` is the config that it is about, for a message.
    """

    token: Token
    where: str
    limits: DopplerLimits = field(default_factory=DopplerLimits)
    begun: float = field(default_factory=time.monotonic)

    def get(self, url: str) -> dict[str, Any]:
        """The document at a URL. Raises DopplerError where it cannot be had in time, or will not be."""
        last, attempt = RetryableError("there was no time left to ask"), 0
        while attempt < self.limits.attempts and (left := self.limits.total - self.spent) > 0:
            attempt += 1
            try:
                return self._once(url, min(left, self.limits.answer))
            except RetryableError as again:
                last = again
            pause = last.wait if last.wait is not None else self._pause(attempt)
            if attempt == self.limits.attempts or self.spent + pause >= self.limits.total:
                break
            time.sleep(pause)
        raise no_answer(last, attempt, self.spent)

    @property
    def spent(self) -> float:
        """Seconds since the first request."""
        return time.monotonic() - self.begun

    def _pause(self, attempt: int) -> float:
        """Longer from time to time, and never the same for two who were turned away together."""
        longest = min(self.limits.pause * (1 << (attempt - 1)), LONGEST_PAUSE)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nothing is kept secret with it

    def _once(self, url: str, limit: float) -> dict[str, Any]:
        try:
            # beside us: finding the address of a name, and headers that come one by one, know no time-out
            reply = run_in_daemon_thread(partial(send, url, self.token, limit)).result(limit)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise connection_failure(error) from None  # its own text holds the whole URL
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
            raise RetryableError(f"HTTP {reply.status} with something that is no JSON") from None
        if not isinstance(document, dict):
            raise invalid_answer("a JSON object was expected")
        return document


def wait_of(headers: Mapping[str, str]) -> float | None:
    """For how long a limited client is asked to wait: in seconds, until a date, or until the limit is new."""
    given = headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        return max(0.0, float(given))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - time.time())
    with contextlib.suppress(ValueError):
        return max(0.0, float(headers.get("x-ratelimit-reset", "")) - time.time())
    return None


class SystemTrust(HTTPAdapter):
    """Trusts what this machine trusts, too: a company's own authority is in no package's list."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **kwargs)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Behind a proxy as well: there such an authority is most often found."""
        return super().proxy_manager_for(*args, ssl_context=ssl.create_default_context(), **kwargs)


def send(url: str, token: Token, limit: float) -> DopplerReply:
    """One request. A session of its own: what is left of one that was given up must not meet the next."""
    deadline = time.monotonic() + limit
    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": f"Bearer {token.text}",
        "user-agent": f"predeploy/{VERSION}",
    }
    with requests.Session() as session:
        session.trust_env = False  # it would put a password of .netrc in place of the token
        session.verify = next((os.environ[name] for name in BUNDLES if os.environ.get(name)), True)
        if urlsplit(url).hostname not in LOOPBACK:
            session.proxies = dict(requests.utils.get_environ_proxies(url))
        session.mount("https://", SystemTrust())
        with session.get(url, headers=headers, timeout=limit, allow_redirects=False, stream=True) as answer:
            body = bytearray()
            while piece := answer.raw.read1(PIECE):
                body += piece
                if len(body) > MOST:
                    raise invalid_answer(f"it has more than {MOST >> 20} MiB")
                if time.monotonic() > deadline:
                    raise TimeoutError
            return DopplerReply(status=answer.status_code, headers=answer.headers, body=bytes(body))
