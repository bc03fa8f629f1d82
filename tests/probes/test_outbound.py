"""outbound.py over plain HTTP and a real Postgres: the answers of Neon, and the accounts that get them."""

from typing import Any

import psycopg
import pytest

from tests.probes.neon_bench import GIVEN, HOST, PASSWORD, Outbound

pytestmark = [pytest.mark.real, pytest.mark.network]

KINDS = "SELECT 1 AS n, 'a' AS s, '{1,2,3}'::int4[] AS arr"


# These cases are those of the tests of Neon's own proxy.
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
def test_rows_are_objects_with_json_values_by_default(
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
def test_headers_choose_the_format_of_rows(service: Outbound, raw: str, arrays: str, row: Any) -> None:
    answer = service.ask({"query": KINDS}, Neon_Raw_Text_Output=raw, Neon_Array_Mode=arrays)

    assert (answer.data["rows"], answer.data["rowAsArray"]) == ([row], isinstance(row, list))


def test_each_query_of_a_batch_may_choose_the_format_of_its_rows(service: Outbound) -> None:
    queries = [{"query": "select $1 as answer", "params": [42], "arrayMode": mode} for mode in (True, False)]
    results = service.ask({"queries": queries}).data["results"]

    assert [(each["rows"], each["rowAsArray"]) for each in results] == [([["42"]], True), ([{"answer": "42"}], False)]


def test_json_values_keep_every_digit_and_type(service: Outbound) -> None:
    service.query("CREATE TYPE mood AS ENUM ('sad', 'so so')")
    query = """SELECT 0.1::float8 AS f, 'NaN'::float8 AS nan, '-Infinity'::float4 AS low, 9007199254740993 AS big,
        1.50 AS n, '{"a": 1.50}'::json AS j, ARRAY['so so', NULL]::mood[] AS moods, '[0:1]={1,2}'::int8[] AS shifted,
        '{{1,NULL},{3,4}}'::int2[] AS deep, '{}'::text[] AS none, ARRAY['NULL', '', 'a"\\{,}'] AS odd"""

    row = service.ask({"query": query}).body.decode().partition('"rows":[')[2].partition('],"command"')[0]

    assert row == (
        '{"f":0.1,"nan":"NaN","low":"-Infinity","big":"9007199254740993","n":"1.50","j":{"a": 1.50},'
        '"moods":["so so",null],"shifted":["1","2"],"deep":[[1,null],[3,4]],"none":[],"odd":["NULL","","a\\"\\\\{,}"]}'
    )


def test_an_array_cell_that_cannot_be_parsed_is_an_error_of_neon(service: Outbound) -> None:
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


def test_a_failed_batch_is_rolled_back_before_the_answer(service: Outbound) -> None:
    service.query("CREATE TABLE locked (n int)")
    answer = service.batch("LOCK TABLE locked", "INSERT INTO locked VALUES (1)", "SELECT 1/0")
    after = service.query("SELECT count(*) FROM locked")

    assert (answer.status, answer.data["code"]) == (400, "22012")
    assert after.data["rows"] == [["0"]]


def test_an_error_at_the_commit_of_a_batch_is_returned(service: Outbound) -> None:
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
def test_requests_that_the_proxy_itself_refuses(service: Outbound, body: Any, message: str) -> None:
    answer = service.ask(body)

    assert (answer.status, answer.data["code"]) == (400, "")
    assert answer.data["message"].startswith(message)
    assert (service.last["kind"], service.last["status"]) == ("sql", 400)


def test_a_nul_in_a_parameter_is_refused_as_postgres_does_and_does_not_cut_it(service: Outbound) -> None:
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
def test_only_the_account_of_the_worker_has_access(
    service: Outbound, url: str | None, message: str, sqlstate: str | None
) -> None:
    answer = service.ask({"query": "SELECT 1"}, url=url)

    assert (answer.status, answer.data["message"], answer.data["code"]) == (400, message, "")
    assert [each["sqlstate"] for each in service.last["queries"]] == ([sqlstate] if sqlstate else [])


def test_a_missing_database_is_refused_as_postgres_does(service: Outbound, database: str) -> None:
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
def test_other_spellings_of_the_same_account_are_accepted(service: Outbound, url: str) -> None:
    assert service.ask({"query": "SELECT 1"}, url=url).status == 200


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{HOST}:443", "ep-predeploy.neon.invalid"])
def test_the_endpoint_answers_under_all_its_names(service: Outbound, host: str) -> None:
    assert service.ask({"query": "SELECT 1"}, host=host).status == 200


def test_preflight(service: Outbound) -> None:
    answer = service.ask(url=None, method="OPTIONS")

    assert (answer.status, answer.body, answer.headers["Access-Control-Allow-Origin"]) == (200, b"", "*")
    assert "Neon-Connection-String" in answer.headers["Access-Control-Allow-Headers"]
