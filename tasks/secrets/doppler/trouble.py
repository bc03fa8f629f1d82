"""Errors of Doppler, each as one line: the event, the reason and the next action."""

import json
import socket
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from requests.exceptions import RequestException, SSLError, Timeout
from urllib3.exceptions import HTTPError, IncompleteRead, NameResolutionError, ProxyError

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE

SHOWN = 160
"""Characters of Doppler's own message that are shown."""


class DopplerError(SecretsError):
    """Doppler returned no secrets.

    `silent`: Doppler did not answer, so an earlier answer may still be valid. `refused`: it denied access or has no
    such config, so no earlier answer is valid any more.
    """

    def __init__(self, text: str, *, silent: bool = False, refused: bool = False) -> None:
        self.silent, self.refused = silent, refused
        super().__init__(text)


class RetryableError(Exception):
    """An attempt failed, and another may succeed. `wait` are the seconds that Doppler asks to wait before."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        self.what, self.wait = what, wait
        super().__init__(what)


def messages_in(body: bytes) -> str:
    """The messages in an error of the API, as one short line."""
    try:
        messages = json.loads(body)["messages"]
        text = " ".join(" ".join(map(str, messages)).split())
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def http_line(status: int, body: bytes) -> str:
    """`HTTP 401: Invalid Auth token`."""
    said = messages_in(body)
    if not said and status in {each.value for each in HTTPStatus}:
        said = HTTPStatus(status).phrase
    return f"HTTP {status}: {said}" if said else f"HTTP {status}"


def refusal(status: int, body: bytes, kind: str, where: str) -> DopplerError:
    """The error for an answer that a retry does not change."""
    line = http_line(status, body)
    match status:
        case 401:
            text = f"Doppler does not accept {TOKEN_VARIABLE} ({line}). Make a new one for {where} and set it."
        case 403:
            text = f"Doppler does not let this {kind} read {where} ({line}). Give it access, or name another config."
        case 404:
            text = f"Doppler does not have {where} ({line}). Correct doppler_project or doppler_config."
        case _ if 300 <= status < 400:
            text = f"Doppler answers with a redirect ({line}), which no token follows. Correct DOPPLER_API_HOST."
        case _ if status >= 500:
            text = f"Doppler cannot give secrets ({line}). Try again later; is something wrong at doppler.com?"
            return DopplerError(text, silent=True)
        case _:
            text = f"Doppler refuses to read {where} ({line}). Correct doppler_project or doppler_config."
    return DopplerError(text, refused=status in {401, 403, 404})


def no_answer(last: RetryableError, attempts: int, seconds: float) -> DopplerError:
    """The error after the last attempt without an answer."""
    tried = f"{attempts} {'attempt' if attempts == 1 else 'attempts'} in {seconds:.0f} s"
    wait = f"; it asks to wait {last.wait:.0f} s" if last.wait else ""
    return DopplerError(f"Doppler does not answer: {last.what} ({tried}{wait}). Try again later.", silent=True)


def invalid_answer(what: str) -> DopplerError:
    """The error for an answer that is not in the format of Doppler's API."""
    return DopplerError(f"Doppler's answer does not have the format of its API: {what}. Is DOPPLER_API_HOST correct?")


def connection_failure(error: RequestException | HTTPError | OSError) -> DopplerError | RetryableError:
    """The error for an attempt without an answer."""
    if isinstance(error, SSLError):
        reason = next((str(each.verify_message) for each in causes(error) if hasattr(each, "verify_message")), "")
        text = f"Doppler cannot be trusted: its TLS certificate is not valid here ({reason or 'TLS failed'})."
        return DopplerError(f"{text} Set SSL_CERT_FILE if a proxy decrypts TLS.")
    found = [*causes(error)]
    kinds: tuple[tuple[Any, str], ...] = (
        ((Timeout, TimeoutError), "no answer in time"),
        (ConnectionRefusedError, "the connection was refused"),
        ((NameResolutionError, socket.gaierror), "its name was not found"),
        (ProxyError, "the proxy does not forward to it"),
        (IncompleteRead, "the answer broke off"),
    )
    for kind, text in kinds:
        if any(isinstance(each, kind) for each in found):
            return RetryableError(text)
    return RetryableError("the connection broke off")


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, and all exceptions that it contains."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
