"""The pure parts of outbound.py: values, connection strings, bodies, and a log without secrets."""

from pathlib import Path
from typing import Any

import neon_cells as cells
import pytest
import request_log
from neon_request import NeonAccount, Query, RefusedQueryError, read_account, read_body, read_mode
from outbound import open_router, read_target
from postgres import QueryResult

from tests.probes.conftest import PROBES

REPOSITORY = Path(__file__).parents[2]
LOCK = PROBES / "requirements.lock"
URL = "postgresql://predeploy:pass@ep-predeploy.neon.invalid/neondb"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (42, "42"),
        ('foo"', 'foo"'),
        ({"a": [1, "ü"]}, '{"a":[1,"ü"]}'),
        ([True, None, "NULL", 42, "foo", 'bar"-\\'], '{true,NULL,"NULL",42,"foo","bar\\"-\\\\"}'),
        ([[1, 2], [None, "x"]], '{{1,2},{NULL,"x"}}'),
        ([{"foo": 1}, {"bar": 2}], '{"{\\"foo\\":1}","{\\"bar\\":2}"}'),
        ([], "{}"),
    ],
)
def test_parameters_become_text(value: Any, text: str | None) -> None:
    assert cells.read_param(value) == text


@pytest.mark.parametrize(
    ("text", "item", "written"),
    [
        ('{"aa\\"\\\\\\,a",cha,"bbbb"}', 25, '["aa\\"\\\\,a","cha","bbbb"]'),
        ('{{"foo","bar"},{"bee","bop"}}', 25, '[["foo","bar"],["bee","bop"]]'),
        ('{{{{"foo",NULL,"bop",bup}}}}', 25, '[[[["foo",null,"bop","bup"]]]]'),
        ("{{t,NULL},{NULL,f}}", cells.BOOL, "[[true,null],[null,false]]"),
        ("{1,2,3}", cells.INT2, "[1,2,3]"),
        ("{1,2,3}", 20, '["1","2","3"]'),
        ("{1.1,NaN,-Infinity}", cells.FLOAT8, '[1.1,"NaN","-Infinity"]'),
        ("[1:1][-2:-1][3:5]={{{1,2,3},{4,5,6}}}", cells.INT2, "[[[1,2,3],[4,5,6]]]"),
        ('{"{\\"foo\\": 1}","{}"}', cells.JSONB, '[{"foo": 1},{}]'),
        ("{}", 25, "[]"),
        ('{""}', 25, '[""]'),
    ],
)
def test_arrays_become_json(text: str, item: int, written: str) -> None:
    assert cells.write_cell(text, 1, raw=False, elements={1: item}) == written
    assert cells.write_cell(text, 1, raw=True, elements={1: item}) == cells.quote(text)


@pytest.mark.parametrize("text", ["", "1 2", "{1", '{"1', "{1}}", "{1}x", "{{1}", "[1:2]"])
def test_text_that_is_no_array_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"array|quoted"):
        cells.write_array(text, cells.INT4)


@pytest.mark.parametrize(
    ("tag", "command", "count"),
    [("INSERT 0 3", "INSERT", 3), ("SELECT 5", "SELECT", 5), ("CREATE TABLE", "CREATE", None), ("", "", None)],
)
def test_command_and_count_come_from_the_tag(tag: str, command: str, count: int | None) -> None:
    result = QueryResult(tag=tag)

    assert (result.command, result.count) == (command, count)


def test_an_account_has_the_hosts_of_its_endpoint() -> None:
    account = read_account("postgres://a%40b:p%2Fw@EP-x-pooler.eu.neon.invalid:5432/d%20b?sslmode=require")

    assert account == NeonAccount(user="a@b", password="p/w", database="d b", host="ep-x.eu.neon.invalid")
    assert (account.hosts, account.token_host) == (
        ("ep-x.eu.neon.invalid", "api.eu.neon.invalid"),
        "apiauth.eu.neon.invalid",
    )
    assert "p/w" not in repr(account)


def test_a_host_without_a_dot_keeps_its_name() -> None:
    assert set(read_account("postgres://a:b@localhost/db").hosts) == {"localhost"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "neon",
        "postgres://[::1/db",
        "postgres://u:p\u2100@h/d",
        "postgres:///db",
        "postgres://u@h/db",
        "http://u:p@h/d",
    ],
)
def test_an_invalid_connection_string_is_refused(url: str) -> None:
    with pytest.raises(RefusedQueryError) as refused:
        read_account(url)

    assert refused.value.status == 400


def test_an_unknown_isolation_level_is_refused() -> None:
    with pytest.raises(RefusedQueryError, match="invalid isolation level"):
        read_mode({"neon-batch-isolation-level": "serializable"})


def test_a_body_is_one_query_or_a_batch() -> None:
    queries = b'{"queries": [{"query": "SELECT 1"}, {"query": "SELECT $1", "params": [1], "arrayMode": true}]}'

    assert read_body(b'{"query": "SELECT 1"}') == ([Query(text="SELECT 1")], False)
    assert read_body(queries) == (
        [Query(text="SELECT 1"), Query(text="SELECT $1", params=("1",), arrays=True)],
        True,
    )


@pytest.mark.parametrize(
    ("asked", "host", "path"),
    [
        (("GET", "/a?b", "Example.COM:8080"), "example.com", "/a?b"),
        (("GET", "http://example.com:80/a?b", "proxy"), "example.com", "/a?b"),
        (("GET", "https://u:p@example.com", "proxy"), "example.com", "/"),
        (("CONNECT", "db.example.com:5432", "x"), "db.example.com", ""),
        (("OPTIONS", "*", "example.com."), "example.com", "*"),
        (("GET", "/", ""), "", "/"),
    ],
)
def test_host_and_path_of_a_request_target(asked: tuple[str, str, str], host: str, path: str) -> None:
    assert read_target(*asked) == (host, path)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PREDEPLOY_NEON_URL": URL}, "DATABASE_URL is not set"),
        ({"PREDEPLOY_NEON_URL": URL, "DATABASE_URL": "postgres:secret"}, "^DATABASE_URL is not a database URL$"),
        (
            {"PREDEPLOY_NEON_URL": URL, "DATABASE_URL": "postgres://u:secret\u2100@h/d"},
            "^DATABASE_URL is not a database URL",
        ),
        (
            {"PREDEPLOY_NEON_URL": "postgres://host/db", "DATABASE_URL": URL},
            "PREDEPLOY_NEON_URL is not a connection string",
        ),
    ],
)
def test_it_does_not_start_without_valid_urls(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_router(environ)


@pytest.mark.parametrize(
    ("text", "params", "query", "hidden"),
    [
        ("Key (email)=(a@b.c) already exists.", ["a@b.c"], "", "Key (email)=(…) already exists."),
        ("Key (a, b)=(x (y), z) is not there.", [], "", "Key (a, b)=(…) is not there."),
        ("Failing row contains (1, (a), null).", [], "", "Failing row contains (…)."),
        (
            'invalid input syntax for type integer: "ten"',
            ["1", "ten"],
            "",
            'invalid input syntax for type integer: "$2"',
        ),
        ('invalid input syntax: "b"', ['{"a b", b}'], "", 'invalid input syntax: "…"'),
        ("it failed: Ada, Ada1", ["Ada"], "", "it failed: $1, Ada1"),
        ('column "ada" does not exist', ["ada"], "SELECT ada", 'column "ada" does not exist'),
        ('relation "t" does not exist', ["x", None, ""], "", 'relation "t" does not exist'),
        ("value too long for type character varying(5)", ["5", "x" * 6], "", None),
    ],
)
def test_values_of_parameters_are_hidden_in_a_message(
    text: str, params: list[str | None], query: str, hidden: str | None
) -> None:
    assert request_log.hide_values(text, params, query) == (hidden or text)


def test_secrets_are_redacted_in_every_form_and_place() -> None:
    log = request_log.RequestLog(request_log.HiddenValues.of(["p/w d", "", "p/w d2"]))
    log.record({"path": "/p%2Fw%20d/p%2Fw+d", "status": 200, "queries": [{"query": "'p/w d' 'p/w d2'", "rows": None}]})

    (entry,) = log.requests
    assert entry.pop("at")
    assert entry == {"path": "/***/***", "status": 200, "queries": [{"query": "'***' '***'", "rows": None}]}


def test_the_lock_of_the_probes_is_part_of_predeploys() -> None:
    versions = [each for each in LOCK.read_text().splitlines() if "==" in each]
    ours = {each.split()[0] for each in (REPOSITORY / "requirements.lock").read_text().splitlines() if "==" in each}

    assert [each.split("==")[0] for each in versions][:2] == ["psycopg", "psycopg-binary"]
    assert {each.split()[0] for each in versions} <= ours
