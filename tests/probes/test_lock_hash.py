"""lock_hash.py with digests that real versions of Poetry, PDM and Pipenv wrote."""

import json
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe

POETRY_1 = """[tool.poetry]
name = "shop"
version = "0.1.0"
description = ""
authors = ["T <t@example.com>"]
package-mode = false

[tool.poetry.dependencies]
python = "^3.11"
shared = {path = "../shared", optional = true}

[tool.poetry.extras]
more = ["shared"]

[tool.poetry.group.dev.dependencies]
shared = {path = "../shared"}
"""
POETRY_2 = """[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11,<4.0"
dependencies = []

[dependency-groups]
dev = []

[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
shared = {path = "../shared"}
"""
PDM = """[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11,<4.0"
dependencies = []

[dependency-groups]
dev = []

[tool.pdm.dev-dependencies]
lint = []
"""
PIPFILE = """[[source]]
name = "own"
url = "https://packages.invalid/simple"
verify_ssl = true

[packages]
Django = "~=5.2.0"
psycopg = {version = "*", extras = ["binary"]}

[dev-packages]
pytest = "*"

[docs]
mkdocs = "*"
"""


def poetry_lock(digest: str, version: str = "2.1") -> str:
    return f'[[package]]\nname = "shared"\n\n[metadata]\nlock-version = "{version}"\ncontent-hash = "{digest}"\n'


def pipfile_lock(digest: str) -> str:
    return json.dumps({"_meta": {"hash": {"sha256": digest}}, "default": {"django": {}, "psycopg": {}, "pytest": {}}})


def pdm_lock(digest: str) -> str:
    return f'[metadata]\nlock_version = "4.5.0"\ncontent_hash = "sha256:{digest}"\n'


OLD = "df4b472a98cc7e602f721197c537753cb8e9797f505d9dc5894f2db3d4ac4dd3"  # Poetry 1.8.5
MIDDLE = "0e9de53d283f04b72ccc8ebbcd0b228de478c48870fbb666714abe8ad07e9159"  # Poetry 2.1.4
NEW = "3cac839287ec766f01ba553e355eb5286c4edb3f42e05a42ef92939186efefaf"  # Poetry 2.3.4
NEW_PIPENV = "24699341500eec48ef560cf7c0d6440e4df2d46b6030894d32acec2c288d8ecd"  # Pipenv 2026.10.3
OLD_PIPENV = "ce054b062d6fb18eed8a06fc5b957a0781f85497eb9e62314ee7a30d69791db9"  # Pipenv 2023.12.1
OF_PDM = "46e725731799d3120aef86a876c4de7da011baa973d9281bbcc271461014765e"  # PDM 2.22.4


def ask(folder: Path, manager: str, lock: tuple[str, str], manifest: tuple[str, str]) -> ProbeResult:
    for name, text in (lock, manifest):
        (folder / name).write_text(text)
    return run_probe("lock_hash", str(folder), manager, lock[0], manifest[0], cwd=folder)


@pytest.mark.parametrize(
    ("manager", "lock", "manifest", "edit"),
    [
        pytest.param("Poetry", poetry_lock(OLD, "2.0"), POETRY_1, ("^3.11", "^3.12"), id="poetry 1"),
        pytest.param("Poetry", poetry_lock(MIDDLE), POETRY_2, (">=3.11", ">=3.12"), id="poetry 2.1"),
        pytest.param("Poetry", poetry_lock(NEW), POETRY_2, (">=3.11", ">=3.12"), id="poetry 2.3"),
        pytest.param("PDM", pdm_lock(OF_PDM), PDM, (">=3.11", ">=3.12"), id="pdm"),
        pytest.param("Pipenv", pipfile_lock(OLD_PIPENV), PIPFILE, ("~=5.2.0", "~=5.1.0"), id="pipenv 2023"),
        pytest.param("Pipenv", pipfile_lock(NEW_PIPENV), PIPFILE, ("~=5.2.0", "~=5.1.0"), id="pipenv 2026"),
    ],
)
def test_digests_of_real_locks(tmp_path: Path, manager: str, lock: str, manifest: str, edit: tuple[str, str]) -> None:
    names = {"Poetry": "poetry.lock", "PDM": "pdm.lock", "Pipenv": "Pipfile.lock"}
    file = "Pipfile" if manager == "Pipenv" else "pyproject.toml"
    fits = ask(tmp_path, manager, (names[manager], lock), (file, manifest))
    edited = ask(tmp_path, manager, (names[manager], lock), (file, manifest.replace(*edit)))

    assert (fits.code, fits.document["gaps"]) == (0, [])
    assert fits.document["summary"] == f"{names[manager]} fits {file}"
    assert (edited.code, edited.rules) == (1, ["lock_stale"])
    assert "has changed since the lock was made" in edited.messages[0]


def test_a_package_that_the_lock_lacks_is_named_at_its_line(tmp_path: Path) -> None:
    manifest = POETRY_1.replace("[tool.poetry.extras]", 'dj-database-url = "^3"\n\n[tool.poetry.extras]')
    result = ask(tmp_path, "Poetry", ("poetry.lock", poetry_lock(OLD, "2.0")), ("pyproject.toml", manifest))

    assert result.code == 1
    assert result.messages == ["the lock does not hold dj-database-url. Make it again: poetry lock"]
    assert result.document["diagnostics"][0]["line"] == 12


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param(poetry_lock("0" * 64), id="placeholder"),
        pytest.param(poetry_lock(""), id="absent"),
        pytest.param(poetry_lock("1" + "f" * 63, "3.0"), id="unknown format"),
    ],
)
def test_without_a_valid_digest_the_names_are_compared_and_the_proof_has_a_gap(tmp_path: Path, lock: str) -> None:
    result = ask(tmp_path, "Poetry", ("poetry.lock", lock), ("pyproject.toml", POETRY_2))

    assert result.code == 0
    assert result.document["gaps"] == [
        "poetry.lock has no valid digest of pyproject.toml: only the names of its packages were compared"
    ]


def test_a_broken_lock_is_reported_at_its_line(tmp_path: Path) -> None:
    result = ask(tmp_path, "Poetry", ("poetry.lock", "[[package]]\nname = \n"), ("pyproject.toml", POETRY_2))

    assert (result.code, result.rules) == (2, ["manifest_broken"])
    assert result.document["diagnostics"][0]["line"] == 2
