"""Tests are isolated from this machine and from the network."""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.temporary import CHOICE, keep_in_memory, room_in_memory
from tests.support.units import POSTGRES, PREFECT, UNITS

OUTSIDE = "192.0.2.1"  # an address reserved for documentation: no host answers there


def test_a_connection_beyond_this_machine_fails_the_test() -> None:
    with socket.socket() as outside, pytest.raises(pytest.fail.Exception, match=r"connects to 192\.0\.2\.1"):
        outside.connect((OUTSIDE, 80))


async def test_connection_by_asyncio_fails_the_test_too() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"connects to 192\.0\.2\.1"):
        await asyncio.open_connection(OUTSIDE, 80)


def test_connection_to_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        server.accept()[0].close()

        assert client.recv(1) == b""


def test_home_directories_belong_to_the_test(tmp_path: Path) -> None:
    homes = {os.environ[name] for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}

    assert all(home.startswith(str(tmp_path.parent)) for home in homes)
    assert list(tmp_path.iterdir()) == []


def test_git_can_commit(tmp_path: Path) -> None:
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)


SHARED = {"warm_home": PREFECT, "postgres": POSTGRES, "django_python": POSTGRES}


def test_files_that_share_an_expensive_fixture_are_one_unit(request: pytest.FixtureRequest) -> None:
    """Otherwise, each process of pytest-xdist makes one."""
    missing = {
        (item.nodeid.partition("::")[0], name)
        for item in request.session.items
        for name in SHARED.keys() & uses(item)
        if item.nodeid.partition("::")[0] not in SHARED[name]
    }

    assert missing == set()


def uses(item: pytest.Item) -> list[str]:
    names: list[str] = getattr(item, "fixturenames", [])
    return names


def test_every_file_of_a_unit_exists() -> None:
    root = Path(__file__).parents[1]

    assert [file for unit in UNITS for file in unit if not (root / file).is_file()] == []


class TestTemporaryFiles:
    FACTS = "MemTotal:       24684084 kB\nMemFree:         2000000 kB\nMemAvailable:   16777216 kB\n"

    def test_room_is_what_both_the_memory_and_its_directory_have(self, tmp_path: Path) -> None:
        facts = tmp_path / "meminfo"
        facts.write_text(self.FACTS)
        free = shutil.disk_usage(tmp_path).free

        assert room_in_memory(tmp_path, facts) <= min(free, 16 << 30)
        assert room_in_memory(tmp_path / "absent", facts) == 0
        assert room_in_memory(tmp_path, tmp_path / "absent") == 0

    def test_chosen_place_stays(self) -> None:
        chosen: list[tuple[str | None, dict[str, str]]] = [("/chosen", {}), (None, {CHOICE: "/chosen"})]
        for basetemp, environ in chosen:
            before = dict(environ)

            keep_in_memory(argparse.Namespace(basetemp=basetemp), environ)

            assert environ == before
