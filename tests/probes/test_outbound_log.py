"""The requests that outbound.py refuses or does not support, and the contents of its log."""

import json
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.probes.neon_bench import (
    GIVEN,
    HOST,
    LOG_HOST,
    PASSWORD,
    Outbound,
    outbound,
    send,
)

pytestmark = [pytest.mark.real, pytest.mark.network]

SECRET = "Ada.Lovelace@example.invalid"


@pytest.mark.parametrize("asked", ["GET /sql", "POST /", "POST /sql/more", "DELETE /sql"])
def test_the_endpoint_has_no_other_paths(service: Outbound, asked: str) -> None:
    method, path = asked.split()
    answer = service.ask({}, method=method, path=path)

    assert (answer.status, answer.data) == (400, "query is not supported")
    assert (service.last["kind"], service.last["path"]) == ("sql", path)


@pytest.mark.parametrize(
    ("host", "method", "path"),
    [
        ("challenges.example.com", "POST", f"/siteverify?secret={SECRET}"),
        ("neon.invalid", "POST", "/sql"),
        ("api.neon.invalid.example.com", "POST", "/sql"),
        ("xapi.neon.invalid", "POST", "/sql"),
        ("169.254.169.254", "GET", "/"),
        (LOG_HOST, "POST", "/predeploy/log"),
        (LOG_HOST, "GET", "/"),
        ("example.com", "PROPFIND", "/"),
    ],
)
def test_every_other_host_is_refused(service: Outbound, host: str, method: str, path: str) -> None:
    answer = service.ask({"query": "SELECT 1"}, host=host, method=method, path=path)

    assert answer.status == 502
    assert f"{host} is not reachable" in answer.data["error"]
    logged = service.last
    assert (logged["kind"], logged["status"], logged["host"], logged["method"]) == ("refused", 502, host, method)
    assert SECRET not in json.dumps(logged)


def test_a_worker_without_a_database_reaches_no_host(database: str, tmp_path: Path) -> None:
    with outbound(tmp_path, database, given="") as service:
        answer = service.ask({"query": "SELECT 1"})

        assert (answer.status, service.last["kind"]) == (502, "refused")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"method": "GET", "path": "/v2", "host": "ep-predeploy.neon.invalid", "Upgrade": "websocket"}, "WebSocket"),
        ({"host": "apiauth.neon.invalid"}, "authToken"),
        ({"Authorization": "Bearer header.payload.signature"}, "authToken"),
    ],
)
def test_an_unsupported_request_is_501_with_the_reason(service: Outbound, over: dict[str, str], words: str) -> None:
    answer = service.ask({"query": "SELECT 1"}, **over)

    assert answer.status == 501
    assert words in answer.data["error"]
    assert (service.last["kind"], words in service.last["reason"]) == ("unspoken", True)


def test_a_tcp_connection_is_not_supported(service: Outbound) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as plain:
        plain.sendall(
            b"CONNECT ep-predeploy.neon.invalid:5432 HTTP/1.1\r\nHost: ep-predeploy.neon.invalid:5432\r\n\r\n"
        )
        answer = plain.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 501 ")
    assert "TCP" in service.last["reason"]


def test_the_log_of_a_query(service: Outbound) -> None:
    service.query("INSERT INTO person (email, age) VALUES ($1, $2) RETURNING id", "log@example.invalid", "36")

    logged = service.last
    assert logged.pop("at").startswith("20")
    nothing = dict.fromkeys(("sqlstate", "message", "detail", "column", "table", "constraint"))
    query = "INSERT INTO person (email, age) VALUES ($1, $2) RETURNING id"
    assert logged.pop("queries") == [{"query": query, "command": "INSERT", "rows": 1, **nothing}]
    assert logged == {"method": "POST", "host": HOST, "path": "/sql", "kind": "sql", "status": 200, "reason": ""}


def test_the_log_of_an_error_has_constraint_and_table_but_no_value(service: Outbound) -> None:
    insert = "INSERT INTO person (email) VALUES ($1)"
    service.query(insert, SECRET)
    service.query(insert, SECRET)
    (twice,) = service.last["queries"]
    service.query("INSERT INTO person (email, age) VALUES ($1, $2)", "new" + SECRET, "-7654321")
    (negative,) = service.last["queries"]
    service.query("SELECT $1::int", SECRET)
    (number,) = service.last["queries"]

    assert (twice["sqlstate"], twice["constraint"], twice["table"]) == ("23505", "person_email_key", "person")
    assert twice["detail"] == "Key (email)=(…) already exists."
    assert (negative["sqlstate"], negative["detail"]) == ("23514", "Failing row contains (…).")
    assert number["message"] == 'invalid input syntax for type integer: "$1"'


def test_no_log_has_passwords_or_parameters(service: Outbound, database: str) -> None:
    real = urlsplit(database).password or ""
    service.query("SELECT $1::int[]", "{" + SECRET + "}")
    service.query("DO $$ BEGIN RAISE NOTICE 'a notice'; END $$")
    service.query(f"SELECT '{PASSWORD} {real}' AS leaked")
    service.ask({}, host="example.com", path=f"/{quote(GIVEN, safe='')}/{PASSWORD}?dsn={GIVEN}")
    service.ask({"query": "SELECT 1"}, url=GIVEN.replace(PASSWORD, PASSWORD + "x"))

    logged = json.dumps(service.read_log(), ensure_ascii=False) + service.log.read_text()
    assert not [each for each in (PASSWORD, real, SECRET) if each in logged]
    assert "SELECT '*** ***' AS leaked" in logged


def test_stdout_has_a_line_for_each_request(service: Outbound) -> None:
    service.ask({}, host="lines.example.com", path="/a%0Ab?q=1", method="PUT")

    assert service.log.read_text().splitlines()[-1] == "refused 502 PUT lines.example.com /a%0Ab"


def test_the_log_is_bounded(database: str, tmp_path: Path) -> None:
    with outbound(tmp_path, database) as service:
        connection = service.connection()
        for number in range(1005):
            send(connection, None, method="GET", path=f"/{number}", headers={"Host": "example.com"})
        log = service.ask(url=None, method="GET", host=LOG_HOST, path="/predeploy/log").data
        service.batch(*["SELECT 1"] * 80, "SELECT 1/0", "SELECT 2")
        batch = service.last["queries"]
        connection.close()

    assert (log["dropped"], len(log["requests"]), log["requests"][0]["path"]) == (5, 1000, "/5")
    assert (len(batch), batch[-1]["query"], batch[-1]["sqlstate"]) == (50, "SELECT 1/0", "22012")
