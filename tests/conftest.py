"""Gives every test the same environment. Only tests with a marker may use the network."""

import gc
import ipaddress
import itertools
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.identity import IDENTITY
from tests.support.temporary import keep_in_memory
from tests.support.units import place_of

# Tests with these markers run external programs, whose downloads take long: they share one home.
OUTSIDE = ("real", "network", "faults")
REMOVED_PREFIXES = ("PREDEPLOY_", "PREFECT_", "GITHUB_", "DAGGER_", "_EXPERIMENTAL_DAGGER_", "DOPPLER_", "PYTHON")
REMOVED = (
    *(
        "CI",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "VIRTUAL_ENV",
        "XDG_RUNTIME_DIR",
        "DJANGO_SETTINGS_MODULE",
        "DATABASE_URL",
    ),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),  # a hook of git sets these
)
FIXED = {
    "NO_COLOR": "1",
    # otherwise the tests would use a container runtime if the machine has one
    "PREDEPLOY_ENGINE": "local",
    "COLUMNS": "80",
    "LINES": "24",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **IDENTITY,
}
HOMES = {
    "HOME": ".",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}

# With PYTHONDONTWRITEBYTECODE, each process would compile the tests again, and each program its imports.
sys.dont_write_bytecode = False

# As in predeploy: uv must trust the system's certificates, which may include a company's own authority.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files again")


def pytest_configure(config: pytest.Config) -> None:
    keep_in_memory(config.option, os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest units come first, then files that start real programs."""
    marked = {(item.path, mark.name) for item in items for mark in item.iter_markers()}
    items.sort(
        key=lambda item: (
            place_of(item.nodeid),
            *((item.path, marker) not in marked for marker in ("network", "real")),
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With pytest-xdist, a unit of work is a file or a few files: see `units.py`."""
    from tests.support.units import UnitScheduling

    return UnitScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector would look at all tests again and again, which are no garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Returns a function that compares a text with a file in the directory `golden` next to the test."""

    def check(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), (
            f"{name} differs: inspect the difference, then run with --update-golden"
        )

    return check


def use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Point everything that a program may keep at `home`; programs make the directories in it themselves."""
    home.mkdir(exist_ok=True)
    for name, place in HOMES.items():
        patch.setenv(name, str(home / place))


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that all tests of this session share, including other processes of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "home"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="session")
def prefect_template(shared_home: Path) -> Path:
    """An empty database of Prefect, which a server on a fresh home has made."""
    from tests.support.prefect_database import make_template

    return make_template(shared_home)


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory: pytest.TempPathFactory, prefect_template: Path) -> Iterator[Path]:
    """A home with a running server of Prefect, which no test may stop. PREFECT in units.py names its users."""
    from tests.flows.harness import places_in, servers_below
    from tests.support.prefect_database import give_template

    home = tmp_path_factory.mktemp("warm")
    user_dirs = places_in(home)
    give_template(prefect_template, user_dirs.cache)
    user_dirs.start()
    yield home
    for pid in servers_below(home):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session", autouse=True)
def _plain_environment(shared_home: Path) -> Iterator[None]:
    """Removes the caller's own settings from the environment, also for session fixtures."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(REMOVED_PREFIXES) or name in REMOVED:
                patch.delenv(name)
        for name, value in FIXED.items():
            patch.setenv(name, value)
        use_home(patch, shared_home)
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The path of one more home, each time."""
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    if not goes_outside(request):
        use_home(monkeypatch, next(_homes))


@pytest.fixture(autouse=True)
def _own_log_records() -> Iterator[None]:
    """A test that masks the log records of its process does not mask those of the next one."""
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if goes_outside(request):
        return

    def guarded(name: str) -> None:
        original = getattr(socket.socket, name)

        def connect(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not is_loopback(str(address[0])):
                pytest.fail(f"a test without the marker network or real connects to {address[0]}")
            return original(self, address)

        monkeypatch.setattr(socket.socket, name, connect)

    guarded("connect")
    guarded("connect_ex")


def goes_outside(request: pytest.FixtureRequest) -> bool:
    return any(request.node.get_closest_marker(marker) for marker in OUTSIDE)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
