"""An HTTP protocol for uvicorn that closes connections which are idle, or too slow with the head of a request."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 10.0


class ImpatientProtocol(H11Protocol):
    """Looks at a connection every `SECONDS`, and closes it if no request has begun since the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer."""
        super().connection_made(transport)
        self._looking = self.loop.call_later(SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look(self, last_seen: object) -> None:
        if self.conn.our_state is h11.IDLE and self.cycle in {None, last_seen}:
            self.transport.close()
            return
        self._looking = self.loop.call_later(SECONDS, self._look, self.cycle)
