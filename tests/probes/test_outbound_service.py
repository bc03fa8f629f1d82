"""outbound.py as a server: connections, bodies, limits, concurrency, a lost Postgres, and its shutdown."""

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.probes.neon_bench import (
    DRIVER,
    GIVEN,
    HOST,
    Outbound,
    make_database,
    outbound,
    send,
    until,
)

pytestmark = [pytest.mark.real, pytest.mark.network]


def test_one_connection_serves_many_requests_of_all_kinds(service: Outbound) -> None:
    connection = service.connection()
    headers = {"Neon-Connection-String": GIVEN, **DRIVER}
    statuses = []
    for host, body in [(HOST, {"query": "SELECT 1"}), ("a.example", {"x": "1"}), (HOST, {})] * 3:
        statuses.append(send(connection, body, method="POST", path="/sql", headers={"Host": host, **headers}).status)
    connection.close()

    assert statuses == [200, 502, 400] * 3


def test_a_body_in_chunks(service: Outbound) -> None:
    body = json.dumps({"query": "SELECT $1 AS long", "params": ["x" * 200_000]}).encode()
    connection = service.connection()
    lengths = []
    for size in (7001, len(body)):
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        connection.request("POST", "/sql", pieces, {"Host": HOST, "Neon-Connection-String": GIVEN}, encode_chunked=True)
        lengths.append(len(json.loads(connection.getresponse().read())["rows"][0]["long"]))
    connection.close()

    assert lengths == [200_000] * 2


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
)
def test_a_body_that_cannot_be_read_is_400_and_closes_the_connection(service: Outbound, framing: bytes) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as plain:
        plain.sendall(b"POST /sql HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n" + framing)
        answer = plain.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"cannot be read" in answer


def test_a_body_over_the_limit_is_413(service: Outbound) -> None:
    body = b'{"query": "SELECT 1", "params": ["' + b"x" * (64 << 20) + b'"]}'
    answer = service.ask(body)

    assert (answer.status, answer.data["message"]) == (413, "request is too large (max is 67108864 bytes)")
    assert service.query("SELECT 1").status == 200


def test_rows_over_the_limit_are_507_and_are_not_collected(service: Outbound) -> None:
    answer = service.query("SELECT repeat('x', 1000000) FROM generate_series(1, 9999) a, generate_series(1, 9999) b")

    assert (answer.status, answer.data["message"]) == (507, "response is too large (max is 67108864 bytes)")
    assert (service.last["kind"], service.last["status"]) == ("sql", 507)


def test_the_rows_of_a_batch_share_the_limit_and_the_batch_is_rolled_back(service: Outbound) -> None:
    half = "SELECT repeat('x', 1000000) FROM generate_series(1, 40)"
    answer = service.batch("CREATE TABLE too_much (n int)", half, half)

    assert (answer.status, service.last["queries"][-1]["query"]) == (507, half)
    assert service.query("SELECT * FROM too_much").data["code"] == "42P01"


def test_many_requests_at_once(service: Outbound) -> None:
    numbers = [str(number) for number in range(60)]
    with ThreadPoolExecutor(60) as threads:
        answers = list(threads.map(lambda number: service.query("SELECT $1::int, pg_sleep(0.05)", number), numbers))

    assert [each.data["rows"][0][0] for each in answers] == numbers


def test_a_slow_query_does_not_delay_others(service: Outbound, database: str) -> None:
    with psycopg.connect(database) as holder, ThreadPoolExecutor(1) as thread:
        holder.execute("LOCK TABLE person")
        slow = thread.submit(service.query, "SELECT count(*) FROM person")
        with psycopg.connect(database, autocommit=True) as other:
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT count%'"
            until(lambda: other.execute(waiting).fetchone())
        quick = service.query("SELECT 1")
        early = slow.done()
        holder.rollback()

    assert (quick.status, early, slow.result().status) == (200, False, 200)


def test_a_client_that_hangs_up_has_its_query_cancelled(service: Outbound, database: str) -> None:
    connection = service.connection()
    body = json.dumps({"query": "SELECT pg_sleep(600) /* hang up */"})
    connection.request("POST", "/sql", body, {"Host": HOST, "Neon-Connection-String": GIVEN})
    with psycopg.connect(database, autocommit=True) as other:
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(600)%'"
        until(lambda: other.execute(running).fetchone())
        connection.close()
        until(lambda: not other.execute(running).fetchone())

    until(lambda: service.last["status"] == 499)
    assert service.last["queries"][0]["message"].startswith("the client closed the connection")


def test_a_pipelined_request_does_not_cancel_the_running_query(service: Outbound) -> None:
    head = f"POST /sql HTTP/1.1\r\nHost: {HOST}\r\nNeon-Connection-String: {GIVEN}\r\nContent-Length: "
    body = json.dumps({"query": "SELECT pg_sleep(0.1)"})
    with socket.create_connection(("127.0.0.1", service.port)) as plain:
        plain.sendall((f"{head}{len(body)}\r\n\r\n{body}" * 2).encode())
        answers = b""
        while answers.count(b'"rowCount":1') < 2:
            part = plain.recv(65536)
            assert part, answers
            answers += part

    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_an_unreachable_server_is_no_verdict(database: str, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        parts = urlsplit(database)
        closed = database.replace(f":{parts.port}/", f":{unused.getsockname()[1]}/")
        with outbound(tmp_path, closed) as service:
            answer = service.query("SELECT 1")
            logged = service.last

    assert answer.status == 500
    assert answer.data["message"].startswith("Couldn't connect to compute node")
    assert (logged["kind"], logged["queries"][0]["query"]) == ("lost", "SELECT 1")
    assert "refused" in logged["reason"]


@pytest.mark.parametrize("batch", [False, True])
def test_a_server_that_is_lost_during_a_query_is_no_verdict(service: Outbound, batch: bool) -> None:
    end = "SELECT pg_terminate_backend(pg_backend_pid())"
    answer = service.batch("SELECT 1", end) if batch else service.query(end)

    assert (answer.status, answer.data["code"]) == (500, "57P01")
    assert (service.last["kind"], service.last["queries"][-1]["sqlstate"]) == ("lost", "57P01")


def test_too_few_connections_are_no_verdict(postgres: str, tmp_path: Path) -> None:
    database = make_database(postgres, "crowded")
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute("ALTER DATABASE crowded CONNECTION LIMIT 0")
    parts = urlsplit(database)
    with outbound(tmp_path, f"postgresql://plain:plain@127.0.0.1:{parts.port}/crowded") as service:
        answer = service.query("SELECT 1")

        assert (answer.status, service.last["kind"]) == (500, "lost")


def test_pg_variables_of_the_environment_do_not_reach_libpq(database: str, tmp_path: Path) -> None:
    with outbound(tmp_path, database, PGOPTIONS="-c search_path=elsewhere", PGHOST="nowhere.invalid") as service:
        assert service.query("SHOW search_path").data["rows"] == [['"$user", public']]


def test_it_exits_cleanly_during_requests(database: str, tmp_path: Path) -> None:
    with outbound(tmp_path, database) as service:
        connection = service.connection()
        body = json.dumps({"query": "SELECT pg_sleep(600) /* the end */"})
        connection.request("POST", "/sql", body, {"Host": HOST, "Neon-Connection-String": GIVEN})
        with psycopg.connect(database, autocommit=True) as other:
            running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%the end%'"
            until(lambda: other.execute(running).fetchone())
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(timeout=20)
        connection.close()

    assert code == 0
