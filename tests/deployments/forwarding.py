"""A TCP port on loopback in front of a Dagger engine's unix socket, which containers may not be able to reach.

usage: python -m tests.deployments.forwarding SOCKET
"""

import asyncio
import contextlib
import sys


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copies one direction until its end."""
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(1 << 16):
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def serve(path: str) -> None:
    """Prints the port, then forwards until a signal arrives."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, front = await asyncio.open_unix_connection(path)
        try:
            await asyncio.gather(copy(reader, front), copy(behind, writer))
        finally:
            front.close()
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by the test
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
