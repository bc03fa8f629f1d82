"""Ten thousand bad requests on loopback: memory stays within its limit, and valid requests are served."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.deployments.events import encoded, headers, push, signature
from tests.deployments.service import Service, serving

pytestmark = pytest.mark.slow
REQUESTS, SIDE_BY_SIDE = 10_000, 50
ROOM = 64 * 1024 * 1024
"""The most bytes by which the service's memory may grow."""


def bad_requests() -> list[tuple[bytes, dict[str, str], int]]:
    """Returns body, headers and expected status of each kind of bad request."""
    large, small = b'{"ref": "' + b"x" * 300_000 + b'"}', b'{"ref": "refs/heads/main"}'
    wrong = signature(small, "another")
    return [
        (small, headers(small, X_Hub_Signature_256=None), 401),
        (small, headers(small, X_Hub_Signature_256=wrong), 401),
        (large, headers(large, X_Hub_Signature_256=wrong), 401),
        (small, headers(small, Content_Type="text/plain"), 415),
        (b"{", headers(b"{"), 400),
        (small, headers(small), 400),
        (small, headers(small) | {"Content-Length": "99000000"}, 413),
    ]


async def flood(service: Service) -> tuple[Counter[int], list[int]]:
    """Returns the unexpected statuses of bad requests, and all statuses of the valid ones in between."""
    kinds = itertools.cycle(bad_requests())
    left = iter(range(REQUESTS))
    unexpected: Counter[int] = Counter()
    good: list[int] = []
    # shorter than the idle limit of the service, so that no closed connection is reused
    limits = httpx.Limits(max_connections=SIDE_BY_SIDE, keepalive_expiry=1)

    async def send(client: httpx.AsyncClient) -> None:
        for number in left:
            body, head, expected = next(kinds)
            if expected == 413:
                status = await refused_by_its_head(service, head)
            else:
                status = (await client.post(f"{service.url}/github", content=body, headers=head)).status_code
            unexpected.update([status] if status != expected else [])
            if number % 100 == 0:
                body = encoded(push())
                answer = await client.post(f"{service.url}/github", content=body, headers=headers(body))
                good.append(answer.status_code)

    async with httpx.AsyncClient(limits=limits, timeout=60) as client:
        await asyncio.gather(*(send(client) for _ in range(SIDE_BY_SIDE)))
    return unexpected, good


async def refused_by_its_head(service: Service, head: dict[str, str]) -> int:
    """Returns the status of a request whose body is never sent."""
    place = httpx.URL(service.url)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    lines = [
        f"POST /github HTTP/1.1\r\nHost: {place.host}\r\n",
        *(f"{name}: {text}\r\n" for name, text in head.items()),
    ]
    writer.write("".join([*lines, "\r\n"]).encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


async def test_a_flood_of_bad_requests(tmp_path: Path) -> None:
    with serving(tmp_path / "data", tmp_path) as service:
        service.deliver(push())
        before = service.memory

        unexpected, good = await flood(service)

        grown = service.memory - before
        print(f"{grown / 1024 / 1024:.1f} MB more at the most, of {before / 1024 / 1024:.0f} MB")  # noqa: T201
        assert unexpected == {}
        assert good == [202] * (REQUESTS // 100)
        assert grown < ROOM
        assert len(service.rows()) == 1 + len(good)
        assert service.get("/healthz").json()["status"] in {"ok", "late"}


async def test_bodies_that_never_end_do_not_delay_valid_requests(tmp_path: Path) -> None:
    """100 connections, each of which sends one byte of its body and stops."""
    with serving(tmp_path / "data", tmp_path) as service:
        place = httpx.URL(service.url)
        signed = headers(b"never") | {"Content-Length": "1000000"}
        head = "".join(
            [f"POST /github HTTP/1.1\r\nHost: {place.host}\r\n", *(f"{k}: {v}\r\n" for k, v in signed.items())]
        )
        slow = [await asyncio.open_connection(place.host, place.port) for _ in range(100)]
        for _, writer in slow:
            writer.write(f"{head}\r\n{{".encode())
            await writer.drain()

        answers = [service.deliver(push()).status_code for _ in range(5)]
        ends = [int((await reader.readline()).split()[1]) for reader, _ in slow]

        assert answers == [202] * 5
        assert set(ends) == {408}
        for _, writer in slow:
            writer.close()


async def test_idle_connections_are_closed(tmp_path: Path) -> None:
    """More connections than one address may keep. Half of them have begun a request."""
    with serving(tmp_path / "data", tmp_path) as service:
        place = httpx.URL(service.url)
        silent = [await asyncio.open_connection(place.host, place.port) for _ in range(255)]
        for _, writer in silent[::2]:
            writer.write(b"POST /github HTTP/1.1\r\nHost:")
            await writer.drain()

        while_slow = await asyncio.to_thread(status_of, service)
        ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in silent)), 60)
        answer = await asyncio.to_thread(status_of, service)

        assert (while_slow, answer) == (202, 202)
        assert set(ends) == {b""}
        for _, writer in silent:
            writer.close()


async def test_two_hundred_deliveries_at_once_are_answered_in_time(tmp_path: Path) -> None:
    """GitHub waits 10 s. As many connections keep the service waiting meanwhile."""
    with serving(tmp_path / "data", tmp_path) as service:
        place = httpx.URL(service.url)
        silent = [await asyncio.open_connection(place.host, place.port) for _ in range(200)]
        bodies = [encoded(push()) for _ in range(200)]
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=200), timeout=10) as client:
            posts = (client.post(f"{service.url}/github", content=body, headers=headers(body)) for body in bodies)
            answers = await asyncio.gather(*posts)

        assert {answer.status_code for answer in answers} == {202}
        for _, writer in silent:
            writer.close()


def status_of(service: Service) -> int:
    """Returns the status of one delivery on a new connection."""
    body = encoded(push())
    return httpx.post(f"{service.url}/github", content=body, headers=headers(body), timeout=30).status_code
