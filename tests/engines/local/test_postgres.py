"""The run's Postgres: it works for root too, starts fast the second time, and its restart is detected."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local.ports import is_free, listens, pick_port
from tasks.engines.local.postgres import cluster as cluster_module
from tasks.engines.local.postgres import databases
from tasks.engines.local.postgres.account import SystemAccount, choose_account
from tasks.engines.local.postgres.binaries import host_binaries, inspect, numbers
from tasks.engines.local.postgres.cluster import is_ready
from tasks.errors import EngineError
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_URL, DB_USER, Database

HOST = host_binaries(os.environ)
needs_host = pytest.mark.skipif(HOST is None, reason="this machine has no Postgres of its own")
SQL = "import psycopg, sys; print(psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2]).statusmessage)"
ASK = "import psycopg, sys; print(*psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"


@pytest.fixture
def cluster(bench: Any, shared_cache: Path) -> Any:
    """A stack whose engine shares the Postgres of slow tests."""
    return replace(bench, cache=shared_cache)


def sql(cluster: Any, database: Database, query: str, code: str = ASK) -> Any:
    return cluster.step(sys.executable, "-c", code, DB_URL, query, database=database)


def test_port_is_free_until_a_process_listens() -> None:
    port = pick_port()

    assert is_free(port)
    assert not listens(port)
    assert port < 32768


def test_versions_compare_as_numbers() -> None:
    assert max("9.6", "15.18", "15.2", key=numbers) == "15.18"


def test_installed_server_must_be_complete_and_new_enough(tmp_path: Path) -> None:
    for version, found in (("13.9", None), ("16.2", "16.2"), ("nonsense", None)):
        directory = tmp_path / version
        directory.mkdir()
        for program in ("initdb", "postgres"):
            (directory / program).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            (directory / program).chmod(0o755)
        binaries = inspect(directory)
        assert (binaries.version if binaries else None) == found
    (tmp_path / "16.2/initdb").unlink()
    assert inspect(tmp_path / "16.2") is None


def test_server_is_ready_when_its_pid_file_says_so(tmp_path: Path) -> None:
    status = tmp_path / "postmaster.pid"
    assert not is_ready(status)
    status.write_text("1\n/data\n0\n5432\n/sockets\n127.0.0.1\n 1 2\nstarting\n")
    assert not is_ready(status)
    status.write_text("1\n/data\n0\n5432\n/sockets\n127.0.0.1\n 1 2\nready   \n")
    assert is_ready(status)


@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("choice", ["auto", "wheel"])
async def test_databases_are_made_and_copied(cluster: Any, choice: str, running: Any) -> None:
    made, copy = Database(name="made"), Database(name="copy", template="made")
    tokens = (DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, DB_NAME)
    async with cluster.engine("postgres", postgres=choice) as engine:
        created = await engine.run(sql(cluster, made, "CREATE TABLE t AS SELECT 42 AS x", SQL), cluster.log)
        copied = await engine.run(sql(cluster, copy, "SELECT x FROM t"), cluster.log)
        await engine.run(sql(cluster, copy, "DROP TABLE t", SQL), cluster.log)
        kept = await engine.run(sql(cluster, made, "SELECT count(*) FROM t"), cluster.log)
        facts = await engine.run(cluster.step("echo", *tokens, database=made), cluster.log)
        trouble = await engine.trouble()

    assert created.stdout == "SELECT 1\n", created.stderr + created.detail
    assert (copied.stdout, kept.stdout) == ("42\n", "1\n"), copied.stderr + copied.detail
    host, port, user, password, name = facts.stdout.split()
    assert (host, user, name) == ("127.0.0.1", "predeploy", "made")
    assert len(password) >= 32
    assert trouble is None
    assert not listens(int(port))
    assert not running("PREDEPLOY_RUN=postgres-")
    assert not list(cluster.data.glob("runs/*"))
    assert "database system is ready" in cluster.log.with_name("postgres.log").read_text()


@pytest.mark.real
@needs_host
async def test_a_wrong_password_is_refused(cluster: Any) -> None:
    database = Database(name="closed")
    url = f"postgresql://{DB_USER}:wrong@{DB_HOST}:{DB_PORT}/{DB_NAME}"
    async with cluster.engine() as engine:
        exit = await engine.run(
            cluster.step(sys.executable, "-c", ASK, url, "SELECT 1", database=database), cluster.log
        )

    assert exit.code == 1
    assert "password authentication failed" in exit.stderr


@pytest.mark.real
@needs_host
async def test_failure_after_a_killed_server_is_no_verdict(cluster: Any, running: Any) -> None:
    database, other = Database(name="one"), Database(name="two")
    async with cluster.engine("killed") as engine:
        before = await engine.run(sql(cluster, database, "SELECT 1"), cluster.log)
        (process,) = [pid for pid in running("PREDEPLOY_RUN=killed-") if is_postmaster(pid)]
        shared = memory_of(process)
        os.kill(process, signal.SIGKILL)
        failed = await engine.run(cluster.step("false", database=database), cluster.log)
        passed = await engine.run(cluster.step("true", database=database), cluster.log)
        alone = await engine.run(cluster.step("false"), cluster.log)
        later = await engine.run(cluster.step("true", database=other), cluster.log)
        trouble = await engine.trouble()

    assert before.stdout == "1\n"
    assert "pg_dynshmem" in shared
    assert "/dev/shm/PostgreSQL" not in shared, "a killed server would leave this file"
    assert (failed.code, failed.trouble) == (1, "service_lost")
    assert "the Postgres of this run is gone" in failed.detail
    assert (passed.code, passed.trouble) == (0, "")
    assert (alone.code, alone.trouble) == (1, "")
    assert (later.code, later.trouble) == (None, "service_lost")
    assert trouble is not None
    assert trouble[0] == "service_lost"


@pytest.mark.real
@needs_host
async def test_server_that_crashed_and_recovered_is_detected(cluster: Any) -> None:
    database = Database(name="crashing")
    code = (
        "import os, psycopg, signal, sys\n"
        "connection = psycopg.connect(sys.argv[1])\n"
        "os.kill(int(sys.argv[2]) or connection.info.backend_pid, signal.SIGKILL)\n"
        "connection.execute('SELECT 1')"
    )
    async with cluster.engine() as engine:
        failed = await engine.run(cluster.step(sys.executable, "-c", code, DB_URL, "0", database=database), cluster.log)

    assert (failed.code, failed.trouble) == (1, "service_lost")


def memory_of(pid: int) -> str:
    """The files that a process maps into its memory."""
    return Path(f"/proc/{pid}/maps").read_text()


def is_postmaster(pid: int) -> bool:
    parts = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return parts[0].endswith(b"/postgres") and b"-D" in parts


@pytest.mark.real
@needs_host
async def test_copy_of_a_missing_database_is_an_error(cluster: Any) -> None:
    async with cluster.engine() as engine:
        exit = await engine.run(cluster.step("true", database=Database(name="a", template="absent")), cluster.log)

    assert (exit.code, exit.trouble) == (None, "postgres")
    assert "absent" in exit.detail


@pytest.mark.real
@needs_host
async def test_template_is_copied_despite_an_open_connection(cluster: Any) -> None:
    made, copy = Database(name="busy"), Database(name="copy", template="busy")
    stay = "import psycopg, sys, time; c = psycopg.connect(sys.argv[1]); print('here', flush=True); time.sleep(60)"
    async with cluster.engine() as engine:
        staying = asyncio.create_task(
            engine.run(cluster.step(sys.executable, "-c", stay, DB_URL, database=made), cluster.log)
        )
        await engine.run(sql(cluster, made, "SELECT 1"), cluster.log)
        copied = await engine.run(sql(cluster, copy, "SELECT 1"), cluster.log)
        staying.cancel()

    assert copied.stdout == "1\n", copied.detail


@pytest.mark.real
@needs_host
async def test_server_that_does_not_start_is_no_verdict_with_a_reason(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cluster_module.SETTINGS, "max_connections", "none")
    async with cluster.engine() as engine:
        exits = [await engine.run(cluster.step("true", database=Database(name="a")), cluster.log) for _ in range(3)]
        with pytest.raises(EngineError, match="did not start"):
            await engine.warm_database()

    assert {(exit.code, exit.trouble) for exit in exits} == {(None, "postgres")}
    assert "max_connections" in exits[0].detail
    assert cluster.log.with_name("postgres.log").read_text().count("max_connections=none") == 2


@pytest.mark.real
@needs_host
async def test_port_that_another_process_takes_is_replaced(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = pick_port()
    ports = iter([taken, pick_port()])
    monkeypatch.setattr(cluster_module, "pick_port", lambda: next(ports))
    squatter = await asyncio.start_server(lambda _, __: None, "127.0.0.1", taken)
    async with squatter, cluster.engine() as engine:
        exit = await engine.run(sql(cluster, Database(name="a"), "SELECT 1"), cluster.log)

    assert exit.stdout == "1\n", exit.detail
    assert next(ports, None) is None


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
@pytest.mark.network
@pytest.mark.parametrize("choice", ["auto", "wheel"])
async def test_root_without_user_namespaces_becomes_another_user(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    async def without(**options: Any) -> SystemAccount:
        return await choose_account(**options, namespaces=False)

    # only root can reach the wheel's programs
    cluster.cache.chmod(0o700)
    monkeypatch.setattr(databases, "choose_account", without)
    async with cluster.engine(postgres=choice) as engine:
        exit = await engine.run(sql(cluster, Database(name="a"), "SELECT 1"), cluster.log)

    assert exit.stdout == "1\n", exit.detail


@pytest.mark.real
async def test_host_server_can_be_selected(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.engines.local.postgres.binaries.host_binaries", lambda _: None)
    async with cluster.engine(postgres="host") as engine:
        with pytest.raises(EngineError, match="no Postgres 14 or newer on this machine"):
            await engine.warm_database()
