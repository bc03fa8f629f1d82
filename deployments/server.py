"""The Prefect server of an operator's program: it must be named, reachable, and accept the credentials."""

import asyncio
from collections.abc import Mapping

from tasks.errors import EngineError, UsageError
from tasks.files import page

REFUSED = frozenset({401, 403})
"""The answers to wrong credentials."""


def require_server(environ: Mapping[str, str]) -> str:
    """Returns the URL of the server's API. Raises UsageError without one: Prefect would start a temporary server."""
    if url := environ.get("PREFECT_API_URL"):
        return url
    from prefect.settings import PREFECT_API_URL

    # a profile of Prefect may name it
    if not (url := str(PREFECT_API_URL.value() or "")):
        raise UsageError(f"PREFECT_API_URL is not set. Set it to your Prefect server, as in {page('operating.md')}.")
    return url


def require_answer(url: str) -> None:
    """Raises EngineError if the server cannot be used, and UsageError if it refuses the credentials."""
    import httpx

    try:
        asyncio.run(_ask())
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code in REFUSED:
            text = f"Prefect's server at {url} refuses the credentials ({code})"
            raise UsageError(f"{text}. Set PREFECT_API_AUTH_STRING, or PREFECT_API_KEY for Prefect Cloud.") from error
        text = f"{url} answers with {code}. Correct PREFECT_API_URL, which ends with /api, or look at the server's log."
        raise EngineError(text, "prefect") from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        text = f"Prefect's server at {url} cannot be reached ({str(error) or type(error).__name__})"
        raise EngineError(f"{text}. Start it, or correct PREFECT_API_URL.", "prefect") from error


async def _ask() -> None:
    """Asks for something that a server gives only to a client with credentials."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        await client.read_work_pools(limit=1)
