"""The local server: one per home, without questions or telemetry, and it ends when it is not used."""

import contextlib
import http.client
import importlib.metadata
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tasks.prefect_server import (
    Phase,
    ServerHandle,
    answers,
    client_environment,
    ensure_server,
    history,
    is_asleep,
    phase,
    stop_server,
)
from tasks.prefect_server.handle import ServerRecord, process_identity, read_record, write_record
from tasks.prefect_server.password import authorization, password_in
from tasks.prefect_server.start import _repaired
from tests.flows.harness import Places, RecorderProcess, alive, environment_of, servers_below, wait_until

real = pytest.mark.real


def ask(server: ServerHandle, **headers: str) -> int:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", "/api/health", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@real
def test_running_server_is_found_at_once(server: ServerHandle, shared_places: Places) -> None:
    again = shared_places.ensure()

    assert (again.url, again.pid, again.started) == (server.url, server.pid, False)
    # different versions of Prefect cannot read each other's history
    assert again.home == shared_places.data / f"prefect-{importlib.metadata.version('prefect')}"


@real
def test_server_has_no_variables_of_its_starter(user_dirs: Places) -> None:
    given = {"DATABASE_URL": "postgres://secret", "PREFECT_API_KEY": "secret", "PREFECT_PROFILE": "theirs", "CI": "1"}
    handle = user_dirs.ensure(**given, HOME="/home/somebody")
    pid = handle.pid
    assert pid is not None
    # until its first instruction, a forked process has its parent's environment, or none
    wait_until(lambda: "PREFECT_SERVER_ANALYTICS_ENABLED" in environment_of(pid), limit=5)
    environment = environment_of(pid)
    cwd = Path(f"/proc/{handle.pid}/cwd").resolve()
    session = os.getsid(pid)
    stop_server(handle)

    assert "secret" not in json.dumps(dict(environment))
    assert not {"DATABASE_URL", "PREFECT_API_KEY", "PREFECT_PROFILE", "CI"} & set(environment)
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert list(cwd.iterdir()) == []
    assert session == handle.pid
    assert oct((handle.home or Path()).stat().st_mode & 0o777) == "0o700"


@real
def test_requests_of_other_sites_and_users_are_rejected(server: ServerHandle) -> None:
    own = server.url.removesuffix("/api")

    password = {"Authorization": authorization(server.password)}
    assert [
        ask(server, **password),
        ask(server, Origin=own, **password),
        ask(server),
        ask(server, Authorization=authorization("another")),
        ask(server, Origin="https://elsewhere.example", **password),
        ask(server, Host="elsewhere.example", **password),
    ] == [200, 200, 401, 401, 403, 403]
    assert answers(server.url)


@real
def test_two_concurrent_starters_start_one_server_which_ends_when_idle(user_dirs: Places) -> None:
    with ThreadPoolExecutor(4) as pool:
        handles = list(pool.map(lambda _: user_dirs.ensure(PREDEPLOY_SERVER_IDLE_SECONDS="1"), range(4)))
    first = handles[0]
    assert first.pid is not None
    pid = first.pid
    wait_until(lambda: phase(first) is not Phase.STARTING, limit=180)

    assert len({handle.pid for handle in handles}) == 1
    assert [handle.started for handle in handles].count(True) == 1
    assert answers(first.url)
    wait_until(lambda: not alive(pid), limit=30)
    assert list(user_dirs.data.rglob("server-*.json")) == []


@real
def test_under_ci_the_server_ends_with_a_starter_that_is_killed(user_dirs: Places) -> None:
    recorder = RecorderProcess(user_dirs, seconds=60, CI="1")
    wait_until(
        lambda: [*user_dirs.data.rglob("server-of-*.json")] != [] and servers_below(user_dirs.data) != [], limit=60
    )
    time.sleep(0.2)
    recorder.kill()

    wait_until(lambda: servers_below(user_dirs.data) == [], limit=60)


@real
def test_hung_server_of_this_run_is_stopped(user_dirs: Places) -> None:
    handle = user_dirs.ensure(CI="1")
    assert handle.pid is not None
    os.kill(handle.pid, signal.SIGSTOP)
    stop_server(handle, limit=0.5)

    assert not alive(handle.pid)
    assert phase(handle) is Phase.GONE


def test_configured_server_is_used_and_none_is_started(tmp_path: Path) -> None:
    environ = {"PREFECT_API_URL": "https://prefect.example/api/", "CI": "1"}

    handle = ensure_server(environ, data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")

    assert handle == ServerHandle(url="https://prefect.example/api")
    assert list(tmp_path.iterdir()) == []


def test_prefect_settings_of_the_user_apply_to_their_server_only(tmp_path: Path) -> None:
    theirs = {"PREFECT_API_KEY": "key", "PREFECT_API_URL": "https://prefect.example/api", "NO_PROXY": "a"}
    ours = dict(theirs)

    client_environment(ServerHandle(url="https://prefect.example/api"), theirs)
    client_environment(ServerHandle(url="http://127.0.0.1:1/api", home=tmp_path), ours)

    assert (theirs["PREFECT_API_KEY"], theirs["NO_PROXY"]) == ("key", "a")
    assert "PREFECT_API_KEY" not in ours
    assert ours["PREFECT_API_URL"] == "http://127.0.0.1:1/api"
    assert ours["NO_PROXY"] == "a,127.0.0.1,localhost"


@pytest.mark.parametrize(
    "change",
    [{"identity": "another boot:1"}, {"pid": 2**22 + 1}, {"phase": "unknown"}, {"url": None, "surplus": 1}],
    ids=["pid used again", "process gone", "unknown phase", "another format"],
)
def test_state_file_of_an_ended_server_is_ignored(tmp_path: Path, change: dict[str, object]) -> None:
    state = tmp_path / "server.json"
    identity = process_identity(os.getpid())
    assert identity is not None
    record = ServerRecord(
        url="http://127.0.0.1:1/api", pid=os.getpid(), identity=identity, phase=Phase.READY, launched=0.0
    )
    write_record(state, record)
    assert read_record(state) == record

    state.write_text(json.dumps({**asdict(record), **change}))

    assert read_record(state) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"'])
def test_broken_state_file_is_ignored(tmp_path: Path, text: str) -> None:
    state = tmp_path / "server.json"
    state.write_text(text)

    assert read_record(state) is None


def test_password_is_in_a_file_of_the_user_alone(tmp_path: Path) -> None:
    password = password_in(tmp_path)
    path = tmp_path / "password"

    assert (len(password) >= 32, oct(path.stat().st_mode & 0o777)) == (True, "0o600")
    assert password_in(tmp_path) == password


@pytest.mark.parametrize("change", ["readable", "link", "short", "fifo"])
def test_password_that_others_may_know_is_replaced(tmp_path: Path, change: str) -> None:
    path, other = tmp_path / "password", tmp_path / "other"
    password = password_in(tmp_path)
    other.write_text("x" * 40)
    other.chmod(0o600)
    match change:
        case "readable":
            path.chmod(0o640)
        case "link":
            path.unlink()
            path.symlink_to(other)
        case "short":
            path.write_text("short")
        case "fifo":
            path.unlink()
            os.mkfifo(path, 0o600)

    new = password_in(tmp_path)

    assert new not in {password, "x" * 40, "short"}
    assert path.stat().st_mode & 0o777 == 0o600


def make_history(path: Path, version: str = "one") -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (version,))
        connection.execute("CREATE TABLE run (name TEXT)")
        connection.executemany(
            "INSERT INTO run VALUES (?)", [(f"a run with the number {name}",) for name in range(999)]
        )


def trouble_of(path: Path, template: Path, kind: str) -> str:
    match kind:
        case "text":
            path.write_text("this is no database " * 999)
        case "empty":
            path.touch()
        case "foreign":
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE song (title TEXT)")
        case "version":
            make_history(path, "two")
        case "page":
            make_history(path)
            content = path.read_bytes()
            path.write_bytes(content[:12288] + b"\xff" * 4096 + content[16384:])
        case "directory":
            path.mkdir()
        case "link":
            path.symlink_to(template)
        case "good":
            make_history(path)
    return history.trouble_with(path, template)


@pytest.mark.parametrize("kind", ["text", "empty", "foreign", "version", "page", "directory", "link", "good", "none"])
def test_history_that_a_server_cannot_use_is_recognized(tmp_path: Path, kind: str) -> None:
    template = tmp_path / "template.db"
    make_history(template)

    assert bool(trouble_of(tmp_path / "prefect.db", template, kind)) is (kind not in {"good", "none"})


def test_history_that_a_server_cannot_use_is_moved_aside_once(tmp_path: Path) -> None:
    home, template = tmp_path / "home", tmp_path / "template.db"
    home.mkdir()
    make_history(template)
    trouble_of(home / "prefect.db", template, "page")

    said, later = _repaired(home, template), _repaired(home, template)
    make_history(home / "prefect.db")
    history.mark(home / "prefect.db", "a page is damaged")
    marked, after = _repaired(home, template), _repaired(home, template)

    assert "it was moved to" in said
    assert "a page is damaged" in marked
    assert (later, after) == ("", "")
    assert len([*home.glob("prefect.db.damaged-*")]) == 2
    assert not (home / "prefect.db").exists()


LOCKS = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode=" + sys.argv[2])
connection.execute("CREATE TABLE IF NOT EXISTS t (a)")
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_process_that_keeps_the_history_locked_is_found_until_it_ends(tmp_path: Path, mode: str) -> None:
    database = tmp_path / "prefect.db"
    make_history(database)
    argv = [sys.executable, "-c", LOCKS, str(database), mode]
    before = history.writer_of(database)

    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        during = history.writer_of(database)
        wait_until(lambda: is_asleep(process.pid), limit=20)
        process.kill()

    assert (before, during, history.writer_of(database)) == (None, process.pid, None)


def test_working_process_is_not_asleep() -> None:
    assert not is_asleep(os.getpid())
    assert not is_asleep(None)
