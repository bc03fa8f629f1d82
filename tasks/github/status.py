"""Sets commit statuses on GitHub, and retries as its rate limits ask."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from tasks.errors import EngineError

DESCRIPTION = 140
"""The most characters that GitHub accepts in a description."""
ATTEMPTS = 6
BACKOFF = 1.0
"""Seconds before the second attempt. The pause doubles before each further attempt."""
TOO_LONG = 120.0
"""Seconds. If GitHub asks for a longer pause, the status is given up: it would come too late to be useful."""
SECONDS = 10.0
CREATED = 201


class StatusState(StrEnum):
    """The four states that GitHub accepts."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """One status of a commit. `url` is the page with the details."""

    state: StatusState
    context: str
    description: str
    url: str = ""

    @property
    def document(self) -> dict[str, str]:
        """The JSON body of the request. The description is one line of at most `DESCRIPTION` characters."""
        line = " ".join(self.description.split())
        short = line if len(line) <= DESCRIPTION else f"{line[: DESCRIPTION - 1]}…"
        status = {"state": self.state.value, "context": self.context, "description": short}
        return status | ({"target_url": self.url} if self.url else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """The API's address, and the token for it."""

    api_url: str
    token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})


async def set_status(github: GitHub, repository: str, commit: str, status: CommitStatus) -> None:
    """Sets the status of a commit. Raises EngineError if GitHub still refuses it after the last attempt."""
    advice = "Check that the token may set statuses there (PREDEPLOY_GITHUB_TOKEN, `statuses: write`)."
    what = f"the status of {repository}@{commit[:10]}"
    # any other success is no proof: after a redirect, the POST may have been repeated as a GET
    await ask(github, "POST", f"repos/{repository}/statuses/{commit}", status.document, (CREATED,), advice, what)


async def ask(
    github: GitHub,
    method: str,
    path: str,
    document: Mapping[str, object] | None,
    accepted: tuple[int, ...],
    advice: str,
    what: str = "",
) -> httpx.Response:
    """Sends a request, again if that may help. Raises EngineError if no answer has one of the accepted codes."""
    url, trouble = f"{github.api_url}/{path}", ""
    async with httpx.AsyncClient(timeout=SECONDS, headers=github.headers, follow_redirects=True) as client:
        for attempt in range(ATTEMPTS):
            backoff = BACKOFF * 2**attempt
            pause: float | None = backoff
            try:
                answer = await client.request(method, url, json=document)
            except httpx.HTTPError as error:
                trouble = type(error).__name__
            else:
                if answer.status_code in accepted:
                    return answer
                # the body may have anything, and the reason stands in a public log
                trouble = f"{answer.status_code} {answer.reason_phrase}".strip()
                pause = pause_after(answer.status_code, answer.headers, answer.text, backoff, time.time())
            if pause is None or pause > TOO_LONG or attempt == ATTEMPTS - 1:
                break
            await asyncio.sleep(pause)
    what = what or f"{method} {path.partition('?')[0]}"
    raise EngineError(f"GitHub did not accept {what} ({trouble}). {advice}", "status")


def pause_after(code: int, headers: Mapping[str, str], text: str, backoff: float, now: float) -> float | None:
    """Returns the seconds before the next attempt, or None if another attempt cannot succeed. `now` is a Unix time."""
    is_spent = headers.get("x-ratelimit-remaining") == "0"
    is_limit = is_spent or "retry-after" in headers or "rate limit" in text.lower()
    if code < 500 and code != 429 and not (code == 403 and is_limit):
        return None
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    if is_spent and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(float(headers["x-ratelimit-reset"]) - now, 0.0)
    return backoff
