"""Reads the body of a request within limits of size, time, and the memory of all requests together."""

import asyncio
from collections.abc import AsyncIterator, Mapping

SECONDS = 7.0
"""The time limit of a body. GitHub waits 10 seconds for an answer."""
TOGETHER = 4
"""The memory limit of all bodies together, as a multiple of the size limit of one."""


class RefusedBodyError(Exception):
    """A request is refused with this status."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Bodies:
    """Reads bodies. `limit` is the most bytes of one body, `held` the bytes of all that are being read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    async def read(self, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> bytes:
        """Returns the whole body. Raises RefusedBodyError at once when a limit is exceeded, and reads no further."""
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
                        raise RefusedBodyError(503, "too many deliveries at once. Deliver it again in a moment.")
        except TimeoutError as error:
            raise RefusedBodyError(408, f"the body did not arrive within {SECONDS:g} s. Deliver it again.") from error
        finally:
            self.held -= len(body)
        return bytes(body)

    def _too_large(self) -> RefusedBodyError:
        return RefusedBodyError(413, f"the body is larger than {self.limit} bytes. Raise PREDEPLOY_WEBHOOK_BODY_LIMIT.")
