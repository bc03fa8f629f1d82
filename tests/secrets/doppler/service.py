"""The state of the fake Doppler: tokens, projects, configs, a rate limit, and the next faults."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

Place = tuple[str, str]
"""A project and one of its configs."""
Values = Mapping[str, str | None]
"""Secrets by name. None is a restricted secret: the API never returns its value."""
Fault = Callable[[Any], None]
"""Shows one fault instead of an answer, with the connection's handler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The actor of a token. `home` is the one config of a service token, `reach` the configs of other tokens."""

    kind: str
    name: str
    home: Place | None = None
    reach: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A received request, and the status of its answer; 0 if there was no answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    status: int


class RefusedError(Exception):
    """The API's answer to a request that it refuses."""

    def __init__(self, status: int, *messages: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status, self.messages, self.headers = status, messages, dict(headers or {})


@dataclass(slots=True, kw_only=True)
class Doppler:
    """The service: its contents, the received requests, and the next faults.

    Each request consumes one of `faults` until none is left; `always` applies to every request. `limit` is the number
    of requests per token and minute.
    """

    configs: dict[Place, Values] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    limit: int = 0
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    used: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def service_token(self, project: str, config: str, token: str = "dp.st.dev.T0kenT0kenT0ken") -> str:
        """A token for one config."""
        self.actors[token] = Actor(kind="service_token", name="ci", home=(project, config))
        return token

    def account_token(self, *reach: Place, token: str = "dp.sa.T0kenT0kenT0ken", kind: str = "service_account") -> str:
        """A token of an account, which may read several configs."""
        self.actors[token] = Actor(kind=kind, name="robot", reach=frozenset(reach))
        return token

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always

    def count(self, token: str) -> dict[str, str]:
        """Counts a request of a token. Returns headers with the rest of its limit. Raises RefusedError above it."""
        if not self.limit:
            return {}
        with self.lock:
            self.used[token] += 1
            left = self.limit - self.used[token]
        reset = str(int(time.time()) + 60)
        said = {"x-ratelimit-limit": str(self.limit), "x-ratelimit-remaining": str(max(0, left))}
        said["x-ratelimit-reset"] = reset
        if left < 0:
            raise RefusedError(429, "Rate limit exceeded", headers={**said, "retry-after": "60"})
        return said
