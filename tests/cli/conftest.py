"""Callers and stacks. Only tests of the recording pay for Prefect."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import TinyStack, make_stack
from tests.flows.harness import Places, servers_below
from tests.support.prefect_database import give_template


@pytest.fixture(scope="session")
def unimportable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place on Python's path where Prefect cannot be imported from: nobody waits for what takes a second."""
    place = tmp_path_factory.mktemp("unimportable")
    (place / "prefect.py").write_text("raise ImportError('not in this test')\n")
    return place


@pytest.fixture(scope="session")
def cli_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all: what the engine has to do once per home is done once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def caller(cli_home: Path, tmp_path: Path, unimportable: Path) -> Caller:
    """Somebody whose runs are not recorded."""
    cwd = tmp_path / "elsewhere"
    cwd.mkdir()
    return Caller(home=cli_home, cwd=cwd, environ={"PREFECT_API_URL": NOWHERE}, paths=(unimportable,))


@pytest.fixture
def stack(tmp_path: Path) -> TinyStack:
    """A stack without a check so far."""
    return make_stack(tmp_path)


@pytest.fixture
def green(stack: TinyStack) -> TinyStack:
    """A stack that passes."""
    stack.has("words")
    stack.has("later", stage="integration", needs="words")
    return stack


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory: pytest.TempPathFactory, prefect_template: Path) -> Iterator[Path]:
    """A home with a server that is up."""
    home = tmp_path_factory.mktemp("warm")
    user_dirs = Places(data=home / ".local/share/predeploy", cache=home / ".cache/predeploy")
    give_template(prefect_template, user_dirs.cache)
    user_dirs.start()
    yield home
    for pid in servers_below(home):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def recorded(caller: Caller, warm_home: Path) -> Caller:
    """Somebody with the real Prefect and a warm server."""
    return replace(caller, home=warm_home, environ={}, paths=())
