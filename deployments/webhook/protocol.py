"""An HTTP protocol for uvicorn that closes connections which are idle, too slow, too old, or too many."""

import asyncio
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from deployments.webhook.connections import Connections

SECONDS = 10.0
LIFE = 60.0
"""The longest life of a connection in seconds, whatever it does. GitHub opens one for each delivery."""
ANSWER = 5.0
"""Seconds more for the answer to a request that was complete when the life ended. Storing takes less."""
LINGER = 2.0
"""Seconds in which the rest of an unread body is thrown away, so that its sender can read the answer."""
AUTHENTIC = "predeploy.authentic"
"""The key of a request's scope that the application calls when the sender has proved that it has the secret."""


class ImpatientProtocol(H11Protocol):
    """Looks at a connection every `SECONDS`, and closes it if no request has begun since the last look."""

    room: ClassVar[Connections | None] = None
    source = ""
    opened = 0.0
    _is_authentic = False
    _is_ending = False

    @property
    def keeps_waiting(self) -> bool:
        """Whether the sender is at turn, and has not proved anything yet."""
        return not self._is_authentic and self.conn.their_state in {h11.IDLE, h11.SEND_BODY}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timers. Closes the connection if there is no room for it."""
        self._timers = [
            self.loop.call_later(SECONDS, self._look, None),
            self.loop.call_later(LIFE, self._end),
        ]
        super().connection_made(transport)
        self.source, self.opened = self.client[0] if self.client else "", self.loop.time()
        if self.room is not None and not self.room.admit(self):
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timers."""
        for timer in self._timers:
            timer.cancel()
        if self.room is not None:
            self.room.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes bytes in; after the end of the answer it throws them away."""
        if not self._is_ending:
            super().data_received(data)

    def handle_events(self) -> None:
        """Gives the application of each request the means to vouch for its sender."""
        super().handle_events()
        if self.cycle is not None:
            cast("dict[str, Any]", self.cycle.scope)[AUTHENTIC] = self._vouch

    def on_response_complete(self) -> None:
        """Ends the connection if the body of the request was not read: the rest of it is no request."""
        unread = self.conn.their_state is h11.SEND_BODY
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self._throw_away()

    def drop(self) -> None:
        """Ends the connection at once."""
        self._is_ending = True
        self.transport.abort()

    def _vouch(self) -> None:
        self._is_authentic = True

    def _end(self) -> None:
        """Ends the connection. Its delivery may be stored already: then the answer is sent first."""
        is_answering = self.conn.our_state is h11.SEND_RESPONSE and self.conn.their_state is not h11.SEND_BODY
        if is_answering and self.cycle.keep_alive:
            self.cycle.keep_alive = False  # uvicorn closes the connection behind the answer
            self._timers.append(self.loop.call_later(ANSWER, self._end))
            return
        self.transport.close()
        self._throw_away()

    def _throw_away(self) -> None:
        self._is_ending = True
        self._timers.append(self.loop.call_later(LINGER, self.transport.abort))

    def _look(self, last_seen: object) -> None:
        if self.conn.our_state is h11.IDLE and self.cycle in {None, last_seen}:
            self.transport.close()
            return
        self._timers[0] = self.loop.call_later(SECONDS, self._look, self.cycle)
