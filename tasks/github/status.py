"""Tells GitHub how a commit is doing, with the patience that its limits ask for."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from tasks.errors import EngineError

DESCRIPTION = 140
"""How many characters GitHub takes."""
ATTEMPTS = 6
BACKOFF = 1.0
"""Seconds before the second attempt; twice as many before each further one."""
TOO_LONG = 120.0
"""Seconds that nobody waits for: a status that comes later than that helps nobody."""
SECONDS = 10.0
CREATED = 201


class StatusState(StrEnum):
    """The four words that GitHub knows."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """What is said of a commit: `url` is where people read more."""

    state: StatusState
    context: str
    description: str
    url: str = ""

    @property
    def document(self) -> dict[str, str]:
        """As GitHub takes it."""
        line = " ".join(self.description.split())
        short = line if len(line) <= DESCRIPTION else f"{line[: DESCRIPTION - 1]}…"
        told = {"state": self.state.value, "context": self.context, "description": short}
        return told | ({"target_url": self.url} if self.url else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """The API, and who asks it."""

    api_url: str
    token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Sent with every request."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})


async def set_status(github: GitHub, repository: str, commit: str, status: CommitStatus) -> None:
    """Sets the status of a commit. Raises EngineError where GitHub does not take it, after trying for a while."""
    url = f"{github.api_url}/repos/{repository}/statuses/{commit}"
    trouble = ""
    async with httpx.AsyncClient(timeout=SECONDS, headers=github.headers, follow_redirects=True) as client:
        for attempt in range(ATTEMPTS):
            backoff = BACKOFF * 2**attempt
            pause: float | None = backoff
            try:
                answer = await client.post(url, json=status.document)
            except httpx.HTTPError as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                # who follows a redirect may have asked instead of told
                if answer.status_code == CREATED:
                    return
                trouble = f"{answer.status_code}: {answer.text[:200]}"
                pause = pause_after(answer.status_code, answer.headers, answer.text, backoff, time.time())
            if pause is None or pause > TOO_LONG or attempt == ATTEMPTS - 1:
                break
            await asyncio.sleep(pause)
    advice = "May the token set statuses there (PREDEPLOY_GITHUB_TOKEN, `statuses: write`)?"
    raise EngineError(f"GitHub did not take the status of {repository}@{commit[:10]} ({trouble}). {advice}", "status")


def pause_after(code: int, headers: Mapping[str, str], text: str, backoff: float, now: float) -> float | None:
    """How long to wait before trying once more; None where that would be no use."""
    is_spent = headers.get("x-ratelimit-remaining") == "0"
    is_limit = is_spent or "retry-after" in headers or "rate limit" in text.lower()
    if code < 500 and code != 429 and not (code == 403 and is_limit):
        return None
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    if is_spent and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(float(headers["x-ratelimit-reset"]) - now, 0.0)
    return backoff
