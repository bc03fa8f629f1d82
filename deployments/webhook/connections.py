"""The open connections of the service. Senders that keep it waiting lose theirs when others need the room."""

import resource
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

MOST = 1024
"""The most connections at once."""
OF_ONE_ADDRESS = 32
"""The most connections of one address that may keep the service waiting. A further one closes the oldest of them."""
GRACE = 3.0
"""Seconds in which a connection may keep the service waiting in any case."""
OWN_FILES = 128
"""Descriptors that the service needs for itself: its database, Prefect and git."""


class Connection(Protocol):
    """One connection, from the address `source` since `opened`, a time of the event loop."""

    source: str
    opened: float

    @property
    def keeps_waiting(self) -> bool:
        """Whether its sender is at turn: its request is not complete, and none of its requests was authentic."""

    def drop(self) -> None:
        """Ends it at once."""


@dataclass(slots=True, kw_only=True)
class Connections:
    """The open connections. `clock` is that of the event loop."""

    clock: Callable[[], float]
    most: int = MOST
    _open: dict[Connection, None] = field(default_factory=dict)

    def admit(self, new: Connection) -> bool:
        """Takes a connection in. Returns False if there is no room, and no connection that has to give way."""
        self._open[new] = None
        waiting: dict[str, list[Connection]] = defaultdict(list)
        for each in self._open:  # in the order of their arrival
            if each is not new and each.keeps_waiting:
                waiting[each.source].append(each)
        own = waiting.get(new.source, [])
        if len(own) >= OF_ONE_ADDRESS:
            self._close(own[0])
        if len(self._open) > self.most and waiting:
            self._close(max(waiting.values(), key=len)[0])
        if len(self._open) > self.most:
            del self._open[new]
            return False
        return True

    def forget(self, gone: Connection) -> None:
        """A connection has ended."""
        self._open.pop(gone, None)

    def _close(self, oldest: Connection) -> None:
        if self.clock() - oldest.opened >= GRACE and oldest in self._open:
            del self._open[oldest]
            oldest.drop()


def room() -> int:
    """Returns the most connections for which this process has file descriptors, after it has asked for enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST if soft == resource.RLIM_INFINITY else max(16, min(MOST, soft - OWN_FILES))
