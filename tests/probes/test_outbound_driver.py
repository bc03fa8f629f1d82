"""The real driver in real workerd with outbound.py: its results equal those of libpq on the same Postgres."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from tests.engines.conformance.packages import node_packages
from tests.probes.neon_bench import GIVEN, HOST, PASSWORD, Worker, make_database, outbound, until, workerd
from tests.probes.neon_cases import BATCHES, CASES, SCHEMA, Batch, Case
from tests.probes.neon_direct import run_batch_directly, run_directly
from tests.support.benches import Bench, cache_below

pytestmark = [pytest.mark.real, pytest.mark.network]

PACKAGES = Path(__file__).parent / "neon"
SAMPLE = Path(__file__).parents[2] / "examples/cafe/pnpm-lock.yaml"
FIND = "[require.resolve('@neondatabase/serverless').replace(/js$/, 'mjs'), require('workerd').default].join('\\n')"


@pytest.fixture(scope="module")
def databases(postgres: str) -> tuple[str, str]:
    """Twin databases with equal oids for all types and tables: one for the driver, one for libpq."""
    model = make_database(postgres, "driver_model")
    with psycopg.connect(model, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    return make_database(postgres, "driver", "driver_model"), make_database(postgres, "direct", "driver_model")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def packages(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The driver as an ES module, and workerd, as an engine installs them."""
    base = tmp_path_factory.mktemp("packages")
    bench = Bench(root=PACKAGES, base=base, cache=cache_below(shared_home))
    async with bench.engine("packages") as engine:
        step = bench.step("node", "-p", FIND, environment=node_packages(bench))
        found = await engine.run(step, bench.log)
        assert found.code == 0, found
        copies = []
        for path in map(Path, found.stdout.split()):
            copies.append(base / path.name)
            copies[-1].write_bytes(path.read_bytes())
            copies[-1].chmod(0o755)
    return copies[0], copies[1]


@pytest.fixture(scope="module")
def worker(
    databases: tuple[str, str], packages: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    driver, binary = packages
    with outbound(folder, databases[0]) as service, workerd(folder, binary, driver, service) as worker:
        yield worker


@pytest.fixture(scope="module")
def direct(databases: tuple[str, str]) -> str:
    return databases[1]


def plain(value: dict[str, Any]) -> dict[str, Any]:
    """Returns a full result of the driver without the fields that the driver adds."""
    assert value.pop("viaNeonFetch") is value.pop("rowAsArray") is True
    return {name: each for name, each in value.items() if not name.startswith("_")}


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{each.query[:40]}" for number, each in enumerate(CASES)])
def test_a_query_has_the_result_of_libpq(worker: Worker, direct: str, case: Case) -> None:
    said = worker.ask("query", query=case.query, params=case.params)
    with psycopg.connect(direct, autocommit=True) as connection:
        expected = run_directly(connection.pgconn, case)

    assert said.get("error", {}).get("code", "") == case.state, said
    assert said.get("error") == expected.get("error")
    assert ("value" in said and plain(said["value"])) == expected.get("value", False)


@pytest.mark.parametrize("batch", BATCHES, ids=[f"{number}-{each.begin}" for number, each in enumerate(BATCHES)])
def test_a_batch_has_the_result_of_libpq(worker: Worker, direct: str, batch: Batch) -> None:
    queries = [{"query": each.query, "params": each.params} for each in batch.queries]
    said = worker.ask("batch", queries=queries, options=batch.options)
    with psycopg.connect(direct, autocommit=True) as connection:
        expected = run_batch_directly(connection.pgconn, batch)

    assert said.get("error", {}).get("code", "") == batch.state, said
    assert said.get("error") == expected.get("error")
    assert ("value" in said and [plain(each) for each in said["value"]]) == expected.get("value", False)


FIELD = {"tableID": 0, "columnID": 0, "dataTypeSize": 4, "dataTypeModifier": -1, "format": "text"}
WAYS: dict[str, Any] = {
    "tagged": [{"n": 1, "s": "it's", "nothing": None}],
    "uncast": [{"n": "1", "b": "true", "o": '{"x":"y"}', "a": '{"a","b"}', "u": None}],
    "bigint": [{"n": "9007199254740993"}],
    "composed": [{"generate_series": 1}, {"generate_series": 2}, {"generate_series": 3}],
    "date": [{"at": "1970-01-01T00:00:00.000Z", "said": "1970-01-01 00:00:00+00"}],
    "bytes": [{"b": {"type": "Buffer", "data": [0, 65, 255]}}],
    "bytesPlain": [{"b": "\\x414243"}],
    "arrays": [{"n": [1, None, 3], "deep": [[2], [4]], "t": ['"', "\\", "NULL", ""]}],
    "json": [{"b": {"a": [1, 'ü"']}, "j": [1, 2]}],
    "kinds": [
        {"i2": 1, "i4": 2, "i8": "3", "n": "1.50", "f": 0.1, "nan": "number NaN", "low": "number -Infinity"}
        | {"yes": True, "b": {"type": "Buffer", "data": [0, 255]}, "a8": ["1", "2"]}
    ],
    "twice": [{"a": 2}],
    "rows": [[1, 2]],
    "transaction": [[{"n": 1}], [{"s": "two"}]],
    "transactionFunction": [[{"n": 1}]],
    "transactionMixed": [[{"n": 1}], [[2]]],
    "transactionEmpty": [],
    "poolByFetch": {"rows": [{"n": 5}], "command": "SELECT", "rowCount": 1},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_query_returns_its_values(worker: Worker, way: str) -> None:
    assert worker.ask(way) == {"value": WAYS[way]}


def test_full_results(worker: Worker) -> None:
    full, by_option = worker.ask("full")["value"], worker.ask("fullByOption")["value"]

    assert (full["rows"], full["rowAsArray"], full["rowCount"], full["command"]) == ([{"v": "x"}], False, 1, "SELECT")
    assert full["fields"][0] == FIELD | {"name": "v", "dataTypeID": 1043, "dataTypeSize": -1, "dataTypeModifier": 11}
    assert (by_option["rows"], by_option["rowAsArray"]) == ([[1]], True)


@pytest.mark.parametrize(
    "text", ["ü☕🙂", "a\u0001b\u007f", "'; DROP TABLE team; --", '\\"', "\u2028\u2029", "x" * 300_000]
)
def test_text_survives_the_round_trip(worker: Worker, text: str) -> None:
    assert worker.ask("echo", query=text) == {"value": True}


def test_many_queries_at_once(worker: Worker) -> None:
    assert worker.ask("together", count=40) == {"value": list(range(40))}


@pytest.mark.parametrize(
    ("url", "message", "code"),
    [
        (GIVEN.replace(PASSWORD, "wrong"), "password authentication failed for user 'predeploy'", ""),
        (GIVEN.replace("/neondb", "/other"), 'database "other" does not exist', "3D000"),
    ],
)
def test_other_credentials_are_refused(worker: Worker, url: str, message: str, code: str) -> None:
    error = worker.ask("tagged", url=url)["error"]

    assert (error["name"], error["message"], error["code"]) == ("NeonDbError", message, code)


def test_another_endpoint_is_another_host(worker: Worker) -> None:
    error = worker.ask("tagged", url=GIVEN.replace("neon.invalid", "elsewhere.invalid"))["error"]

    assert error["message"].startswith("Server error (HTTP status 502)")
    assert worker.outbound.last["kind"] == "refused"


def test_other_hosts_are_refused_and_logged_under_their_name(worker: Worker) -> None:
    status, text = worker.ask("fetch", address="https://mail.example.com/send?key=1", init={"method": "PUT"})["value"]

    assert status == 502
    assert "mail.example.com is not reachable" in text
    logged = worker.outbound.last
    assert [logged[each] for each in ("method", "host", "path", "kind")] == [
        "PUT",
        "mail.example.com",
        "/send",
        "refused",
    ]


@pytest.mark.parametrize("job", ["pool", "client", "socket", "token"])
def test_an_unsupported_request_is_an_error_for_the_worker_and_is_logged(worker: Worker, job: str) -> None:
    before = len(worker.outbound.read_log())
    said = worker.ask(job)
    after = worker.outbound.read_log()[before:]

    assert "error" in said
    assert [each["kind"] for each in after] == ["unspoken"]


def test_a_worker_that_gives_up_waiting_cancels_its_query(worker: Worker) -> None:
    said = worker.ask("aborted")

    assert "error" in said
    until(lambda: worker.outbound.last["status"] == 499)


def test_the_log_has_the_query_of_the_driver(worker: Worker) -> None:
    worker.ask("tagged")

    logged = worker.outbound.last
    assert (logged["host"], logged["path"], logged["kind"], logged["status"]) == (HOST, "/sql", "sql", 200)
    assert logged["queries"][0]["query"] == "SELECT $1::int AS n, $2 AS s, $3::text AS nothing"


@pytest.mark.parametrize("package", ["@neondatabase/serverless", "@cloudflare/workerd-linux-64"])
def test_the_sample_locks_the_same_package(package: str) -> None:
    locks = [(PACKAGES / "pnpm-lock.yaml").read_text(), SAMPLE.read_text()]
    entries = [
        [each for each in lock.split("\n\n") if each.startswith(f"  '{package}@") and "integrity" in each]
        for lock in locks
    ]

    assert entries[0] == entries[1]
    assert entries[0]
