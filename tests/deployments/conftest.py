"""One operation for all tests that do not change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployments.fake_github import fake_github
from tests.deployments.operation import Operation, Remotes, deploy, prefect_server


@pytest.fixture(scope="session")
def operation(tmp_path_factory: pytest.TempPathFactory, prefect_template: Path) -> Iterator[Operation]:
    """A fresh server with the deployments, but without a worker."""
    home = tmp_path_factory.mktemp("operation")
    remotes = Remotes(place=home / "remotes")
    with fake_github() as github, prefect_server(home, prefect_template) as url:
        operation = Operation(url=url, home=home, remotes=remotes, github=github)
        deploy(operation)
        yield operation


@pytest.fixture(scope="session")
def operation_home(operation: Operation) -> Path:
    """The home directory of its programs."""
    return operation.home
