"""Reads the body of a request within limits of size, time, and of what all requests together may hold in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping

SECONDS = 10.0
"""What a body may take: GitHub gives up then, too."""
TOGETHER = 4
"""How many of the greatest bodies there may be at once."""


class RefusedBodyError(Exception):
    """A request that is not taken, with the status that says why."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Bodies:
    """All bodies that are being read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    async def read(self, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> bytes:
        """The whole body. Raises RefusedError as soon as a limit is passed, with nothing more read."""
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limit:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(SECONDS):
                async for chunk in stream:
                    self.held += len(chunk)
                    body += chunk
                    if len(body) > self.limit:
                        raise self._too_large()
                    if self.held > self.limit * TOGETHER:
                        raise RefusedBodyError(503, "too much at once. Deliver it again in a moment.")
        except TimeoutError as error:
            raise RefusedBodyError(408, f"the body did not come within {SECONDS:g} s. Deliver it again.") from error
        finally:
            self.held -= len(body)
        return bytes(body)

    def _too_large(self) -> RefusedBodyError:
        return RefusedBodyError(413, f"the body is larger than {self.limit} bytes. Raise PREDEPLOY_WEBHOOK_BODY_LIMIT.")
