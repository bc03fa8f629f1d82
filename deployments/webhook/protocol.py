"""HTTP that lets nobody keep a place without using it: whoever is silent, or slow with a request's head, is let go."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 10.0


class ImpatientProtocol(H11Protocol):
    """A connection that has begun no request from one look at it to the next one is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to look."""
        super().connection_made(transport)
        self._looking = self.loop.call_later(SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Looks no more."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look(self, last_seen: object) -> None:
        if self.conn.our_state is h11.IDLE and self.cycle in {None, last_seen}:
            self.transport.close()
            return
        self._looking = self.loop.call_later(SECONDS, self._look, self.cycle)
