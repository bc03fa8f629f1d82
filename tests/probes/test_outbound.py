"""outbound.py over plain HTTP and a real Postgres: what it answers, what it refuses, and what it writes down."""

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from tests.probes.neon_bench import (
    DRIVER,
    GIVEN,
    HOST,
    LOG_HOST,
    PASSWORD,
    Outbound,
    make_database,
    outbound,
    send,
    until,
)

pytestmark = [pytest.mark.real, pytest.mark.network]

KINDS = "SELECT 1 AS n, 'a' AS s, '{1,2,3}'::int4[] AS arr"
SECRET = "Ada.Lovelace@example.invalid"
TABLE = "CREATE TABLE IF NOT EXISTS person (id serial PRIMARY KEY, email text UNIQUE NOT NULL, age int CHECK (age > 0))"


@pytest.fixture(scope="module")
def database(postgres: str) -> str:
    return make_database(postgres, "outbound")


@pytest.fixture(scope="module")
def service(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outbound]:
    with outbound(tmp_path_factory.mktemp("service"), database) as service:
        service.query(TABLE)
        yield service


# The first group is what the tests of Neon's own proxy say of it.
@pytest.mark.parametrize(
    ("query", "params", "rows"),
    [
        ("select 42 as answer", [], [{"answer": 42}]),
        ("select $1 as answer", [42], [{"answer": "42"}]),
        ("select $1 * 1 as answer", [42], [{"answer": 42}]),
        ("select $1::int[] as answer", [[1, 2, 3]], [{"answer": [1, 2, 3]}]),
        ("select $1::json->'a' as answer", [{"a": {"b": 42}}], [{"answer": {"b": 42}}]),
        ("select $1::jsonb[] as answer", [[{}]], [{"answer": [{}]}]),
        ("select $1::jsonb[] as answer", [[{"foo": 1}, {"bar": 2}]], [{"answer": [{"foo": 1}, {"bar": 2}]}]),
        ("select $1::bool as answer", [True], [{"answer": True}]),
        ("select $1::text as answer", [None], [{"answer": None}]),
        ("select 1 as a, 2 as a", [], [{"a": 2}]),
    ],
)
def test_rows_are_objects_with_json_values_unless_asked_otherwise(
    service: Outbound, query: str, params: list[Any], rows: list[Any]
) -> None:
    answer = service.ask({"query": query, "params": params})

    assert (answer.status, answer.data["rows"]) == (200, rows)


@pytest.mark.parametrize(
    ("raw", "arrays", "row"),
    [
        ("false", "false", {"n": 1, "s": "a", "arr": [1, 2, 3]}),
        ("false", "true", [1, "a", [1, 2, 3]]),
        ("true", "false", {"n": "1", "s": "a", "arr": "{1,2,3}"}),
        ("true", "true", ["1", "a", "{1,2,3}"]),
        ("yes", "TRUE", {"n": 1, "s": "a", "arr": [1, 2, 3]}),
    ],
)
def test_headers_say_how_rows_are_written(service: Outbound, raw: str, arrays: str, row: Any) -> None:
    answer = service.ask({"query": KINDS}, Neon_Raw_Text_Output=raw, Neon_Array_Mode=arrays)

    assert (answer.data["rows"], answer.data["rowAsArray"]) == ([row], isinstance(row, list))


def test_each_query_of_a_batch_may_say_itself_how_its_rows_are_written(service: Outbound) -> None:
    queries = [{"query": "select $1 as answer", "params": [42], "arrayMode": mode} for mode in (True, False)]
    results = service.ask({"queries": queries}).data["results"]

    assert [(each["rows"], each["rowAsArray"]) for each in results] == [([["42"]], True), ([{"answer": "42"}], False)]


def test_what_is_not_raw_keeps_every_digit_and_every_type(service: Outbound) -> None:
    service.query("CREATE TYPE mood AS ENUM ('sad', 'so so')")
    query = """SELECT 0.1::float8 AS f, 'NaN'::float8 AS nan, '-Infinity'::float4 AS low, 9007199254740993 AS big,
        1.50 AS n, '{"a": 1.50}'::json AS j, ARRAY['so so', NULL]::mood[] AS moods, '[0:1]={1,2}'::int8[] AS shifted,
        '{{1,NULL},{3,4}}'::int2[] AS deep, '{}'::text[] AS none, ARRAY['NULL', '', 'a"\\{,}'] AS odd"""

    row = service.ask({"query": query}).body.decode().partition('"rows":[')[2].partition('],"command"')[0]

    assert row == (
        '{"f":0.1,"nan":"NaN","low":"-Infinity","big":"9007199254740993","n":"1.50","j":{"a": 1.50},'
        '"moods":["so so",null],"shifted":["1","2"],"deep":[[1,null],[3,4]],"none":[],"odd":["NULL","","a\\"\\\\{,}"]}'
    )


def test_a_cell_that_is_no_array_like_its_type_is_an_error_of_neon(service: Outbound) -> None:
    answer = service.ask({"query": "SELECT '1 2'::int2vector"})

    assert (answer.status, answer.data["message"]) == (500, "could not parse postgres response")


@pytest.mark.parametrize(
    ("query", "command", "count"),
    [
        ("CREATE TABLE counted (n int)", "CREATE", None),
        ("INSERT INTO counted VALUES (10), (20), (30)", "INSERT", 3),
        ("UPDATE counted SET n = n WHERE n > 10", "UPDATE", 2),
        ("SELECT * FROM counted", "SELECT", 3),
        ("CREATE TABLE copied AS SELECT * FROM counted", "SELECT", 3),
        ("DELETE FROM counted", "DELETE", 3),
        ("DROP TABLE counted, copied", "DROP", None),
        ("", "", None),
        ("-- nothing", "", None),
    ],
)
def test_commands_and_counts(service: Outbound, query: str, command: str, count: int | None) -> None:
    data = service.query(query).data

    assert (data["command"], data["rowCount"]) == (command, count)


def test_a_batch_echoes_its_headers(service: Outbound) -> None:
    flags = {"Neon-Batch-Read-Only": "true", "Neon-Batch-Deferrable": "true"}
    said = {"Neon-Batch-Isolation-Level": "Serializable", **flags}
    shows = [f"SHOW transaction_{each}" for each in ("isolation", "read_only", "deferrable")]
    answer = service.batch(*shows, **said)

    assert {name: answer.headers.get(name.lower()) for name in said} == said
    assert [each["rows"] for each in answer.data["results"]] == [[["serializable"]], [["on"]], [["on"]]]


def test_a_batch_without_headers_echoes_none(service: Outbound) -> None:
    answer = service.batch("SELECT 1", Neon_Batch_Read_Only="false")

    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("neon-batch")]


def test_a_batch_that_fails_leaves_nothing_and_says_so_before_it_answers(service: Outbound) -> None:
    service.query("CREATE TABLE locked (n int)")
    answer = service.batch("LOCK TABLE locked", "INSERT INTO locked VALUES (1)", "SELECT 1/0")
    after = service.query("SELECT count(*) FROM locked")

    assert (answer.status, answer.data["code"]) == (400, "22012")
    assert after.data["rows"] == [["0"]]


def test_what_fails_at_the_commit_of_a_batch_is_its_error(service: Outbound) -> None:
    service.query("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    answer = service.batch("INSERT INTO late VALUES (1)", "INSERT INTO late VALUES (1)")

    assert (answer.status, answer.data["code"]) == (400, "23505")
    assert [each["query"] for each in service.last["queries"]][2:] == ["COMMIT"]


def test_a_request_leaves_no_state_behind(service: Outbound) -> None:
    for query in (
        "SET search_path TO nowhere",
        "CREATE TEMP TABLE mine (n int)",
        "BEGIN",
        "SELECT pg_advisory_lock(7)",
    ):
        assert service.query(query).status == 200
    shown = service.query("SHOW search_path").data["rows"]
    locked = service.query("SELECT pg_try_advisory_lock(7)").data["rows"]

    assert shown == [['"$user", public']]
    assert locked == [["t"]]
    assert service.query("SELECT * FROM mine").data["code"] == "42P01"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no json", "could not parse the HTTP request body"),
        (b"[]", "could not parse the HTTP request body"),
        ({"quer": "SELECT 1"}, "could not parse the HTTP request body"),
        ({"query": "SELECT 1", "params": None}, "could not parse the HTTP request body"),
        ({"queries": ["SELECT 1"]}, "could not parse the HTTP request body"),
        (b'{"query": "SELECT $1", "params": ["\\ud800"]}', "could not parse the HTTP request body"),
        ({"query": "SELECT 1 \0 FROM nowhere"}, "error encoding message to server: string contains embedded null"),
        ({"query": "SELECT 1", "params": [1] * 65536}, "error encoding message to server: value too large to transmit"),
        ({"query": "COPY person TO STDOUT"}, "unexpected message from server"),
    ],
)
def test_what_the_proxy_itself_refuses(service: Outbound, body: Any, message: str) -> None:
    answer = service.ask(body)

    assert (answer.status, answer.data["code"]) == (400, "")
    assert answer.data["message"].startswith(message)
    assert (service.last["kind"], service.last["status"]) == ("sql", 400)


def test_a_nul_in_a_parameter_is_refused_as_postgres_does_and_never_cuts_it_off(service: Outbound) -> None:
    answer = service.query("INSERT INTO person (email) VALUES ($1)", "ab\0cd")

    assert answer.status == 400
    assert (answer.data["code"], answer.data["where"]) == ("22021", "unnamed portal parameter $1")
    assert answer.data["message"] == 'invalid byte sequence for encoding "UTF8": 0x00'


@pytest.mark.parametrize(
    ("url", "message", "sqlstate"),
    [
        (GIVEN.replace(PASSWORD, "wrong"), "password authentication failed for user 'predeploy'", "28P01"),
        (GIVEN.replace("predeploy:", "other:"), "password authentication failed for user 'other'", "28P01"),
        (GIVEN.replace("ep-predeploy", "ep-other"), "password authentication failed for user 'predeploy'", "28P01"),
        (GIVEN.replace(f":{PASSWORD}", ""), "missing authentication credentials: required password", None),
        (GIVEN.replace("predeploy:", ":"), "missing username", None),
        (GIVEN.replace("postgresql", "mysql"), "incorrect scheme", None),
        (None, "invalid header: neon-connection-string", None),
    ],
)
def test_only_what_the_worker_was_given_opens_the_database(
    service: Outbound, url: str | None, message: str, sqlstate: str | None
) -> None:
    answer = service.ask({"query": "SELECT 1"}, url=url)

    assert (answer.status, answer.data["message"], answer.data["code"]) == (400, message, "")
    assert [each["sqlstate"] for each in service.last["queries"]] == ([sqlstate] if sqlstate else [])


def test_a_database_that_is_not_there_is_refused_as_postgres_refuses_it(service: Outbound, database: str) -> None:
    answer = service.ask({"query": "SELECT 1"}, url=GIVEN.replace("/neondb", "/postgres"))
    with pytest.raises(psycopg.OperationalError) as real:
        psycopg.connect(database.rpartition("/")[0] + "/nowhere")

    assert answer.status == 400
    assert answer.data["message"].replace("postgres", "nowhere") in str(real.value)
    assert [answer.data[each] for each in ("code", "severity", "routine")] == ["3D000", "FATAL", "InitPostgres"]
    assert service.last["queries"][0]["sqlstate"] == "3D000"


@pytest.mark.parametrize(
    "url",
    [
        GIVEN.replace("ep-predeploy.", "ep-predeploy-pooler."),
        GIVEN.replace("postgresql://", "postgres://"),
        GIVEN.replace("ep-predeploy.", "EP-predeploy.") + "&channel_binding=require",
        GIVEN.replace(PASSWORD, "".join(f"%{ord(letter):02x}" for letter in PASSWORD)),
    ],
)
def test_the_same_account_may_be_written_in_other_ways(service: Outbound, url: str) -> None:
    assert service.ask({"query": "SELECT 1"}, url=url).status == 200


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:443", "ep-predeploy.neon.invalid"])
def test_the_endpoint_answers_under_all_its_names(service: Outbound, host: str) -> None:
    assert service.ask({"query": "SELECT 1"}, host=host).status == 200


def test_preflight(service: Outbound) -> None:
    answer = service.ask(url=None, method="OPTIONS")

    assert (answer.status, answer.body, answer.headers["Access-Control-Allow-Origin"]) == (200, b"", "*")
    assert "Neon-Connection-String" in answer.headers["Access-Control-Allow-Headers"]


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


def test_a_worker_without_a_database_reaches_nobody(database: str, tmp_path: Path) -> None:
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
def test_what_is_not_spoken_here_says_so(service: Outbound, over: dict[str, str], words: str) -> None:
    answer = service.ask({"query": "SELECT 1"}, **over)

    assert answer.status == 501
    assert words in answer.data["error"]
    assert (service.last["kind"], words in service.last["reason"]) == ("unspoken", True)


def test_a_tcp_connection_is_not_spoken_here(service: Outbound) -> None:
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


def test_the_log_of_an_error_has_its_place_and_no_value(service: Outbound) -> None:
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


def test_neither_passwords_nor_parameters_are_in_any_log(service: Outbound, database: str) -> None:
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


def test_one_connection_takes_many_requests_of_all_kinds(service: Outbound) -> None:
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
def test_a_body_that_cannot_be_read_is_400_and_the_end_of_its_connection(service: Outbound, framing: bytes) -> None:
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


def test_many_requests_at_once(service: Outbound) -> None:
    numbers = [str(number) for number in range(60)]
    with ThreadPoolExecutor(60) as threads:
        answers = list(threads.map(lambda number: service.query("SELECT $1::int, pg_sleep(0.05)", number), numbers))

    assert [each.data["rows"][0][0] for each in answers] == numbers


def test_a_slow_query_holds_up_nobody(service: Outbound, database: str) -> None:
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
    assert service.last["queries"][0]["message"].startswith("the client hung up")


def test_a_request_that_waits_already_hangs_nobody_up(service: Outbound) -> None:
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


def test_no_server_is_no_verdict(database: str, tmp_path: Path) -> None:
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
def test_a_server_that_goes_away_under_a_query_is_no_verdict(service: Outbound, batch: bool) -> None:
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


def test_settings_of_the_surroundings_do_not_reach_libpq(database: str, tmp_path: Path) -> None:
    with outbound(tmp_path, database, PGOPTIONS="-c search_path=elsewhere", PGHOST="nowhere.invalid") as service:
        assert service.query("SHOW search_path").data["rows"] == [['"$user", public']]


def test_it_ends_cleanly_while_requests_are_under_way(database: str, tmp_path: Path) -> None:
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
