"""Free ports on loopback, outside the range that the system uses for outgoing connections."""

import contextlib
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 15000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def pick_port() -> int:
    """A port without a listener, below the range of automatically assigned ports."""
    highest = 32000
    with contextlib.suppress(OSError, ValueError, IndexError):
        highest = int(RANGE.read_text().split()[0]) - 1
    low = LOWEST if highest > LOWEST + 1000 else 1024
    for _ in range(200):
        port = random.randint(low, max(low, highest))  # noqa: S311 - no secret
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server can listen on a port now. Lingering connections of an earlier server do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def listens(port: int) -> bool:
    """Whether a server accepts connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
