"""Callers and stacks. Only tests of the recording pay for Prefect."""

from pathlib import Path

import pytest

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import TinyStack, make_stack


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
