"""Fixtures for callers and stacks. Only tests of the recording start Prefect, which is slow."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import TinyStack, make_stack


@pytest.fixture(scope="session")
def unimportable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for Python's path that makes the import of Prefect fail, because it takes a second."""
    place = tmp_path_factory.mktemp("unimportable")
    (place / "prefect.py").write_text("raise ImportError('not in this test')\n")
    return place


@pytest.fixture(scope="session")
def cli_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that the engine sets it up only once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def caller(cli_home: Path, tmp_path: Path, unimportable: Path) -> Caller:
    """A caller whose runs are not recorded."""
    cwd = tmp_path / "elsewhere"
    cwd.mkdir()
    return Caller(home=cli_home, cwd=cwd, environ={"PREFECT_API_URL": NOWHERE}, paths=(unimportable,))


@pytest.fixture
def stack(tmp_path: Path) -> TinyStack:
    """A stack without checks."""
    return make_stack(tmp_path)


@pytest.fixture
def green(stack: TinyStack) -> TinyStack:
    """A stack that passes."""
    stack.has("words")
    stack.has("later", stage="integration", needs="words")
    return stack


@pytest.fixture
def recorded(caller: Caller, warm_home: Path) -> Caller:
    """A caller with the real Prefect and a running server."""
    return replace(caller, home=warm_home, environ={}, paths=())
