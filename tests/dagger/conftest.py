"""A small stack and an engine of containers on it, where one is in reach."""

from pathlib import Path

import pytest

from tests.benches import Bench, hello


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="dagger")
