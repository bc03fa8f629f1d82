"""Which commands of an installation get credentials: never one that runs code of packages."""

import pytest

from tasks.exits import Exit
from tasks.packages.credentialed import AGAIN, is_manifest, is_next, parts_of

UNBUILT = Exit(code=1, stderr="error: Distribution `x==1` can't be installed because it is marked as `--no-build`")


def given(*argv: str) -> list[tuple[str, bool]]:
    parts = parts_of(argv)
    return [(" ".join(part.argv), part.has_credentials) for part in parts]


def test_uv_builds_without_credentials() -> None:
    argv = ("uv", "pip", "install", "-r", "r.txt")

    assert given(*argv) == [("uv pip install -r r.txt --no-build", True), ("uv pip install -r r.txt", False)]
    assert given("uv", "lock", "--check") == [("uv lock --check --no-build", True), ("uv lock --check", False)]
    assert given("uv", "venv", "x") == [("uv venv x", False)]


@pytest.mark.parametrize(
    ("argv", "first", "then"),
    [
        (
            "pnpm install --frozen-lockfile --reporter=append-only",
            "pnpm fetch --reporter=append-only",
            "pnpm install --frozen-lockfile --reporter=append-only --offline",
        ),
        (
            "pnpm install --no-frozen-lockfile",
            "pnpm install --no-frozen-lockfile --ignore-scripts --ignore-pnpmfile",
            "pnpm install --no-frozen-lockfile --prefer-offline",
        ),
        ("npm ci --no-audit", "npm ci --no-audit --ignore-scripts", "npm ci --no-audit --offline"),
        ("yarn install --immutable", "yarn install --immutable --mode=skip-build", "yarn install --immutable"),
        (
            "yarn install --non-interactive",
            "yarn install --non-interactive --ignore-scripts",
            "yarn install --non-interactive --offline --force",
        ),
        (
            "bun install --frozen-lockfile",
            "bun install --frozen-lockfile --ignore-scripts",
            f"sh -c {AGAIN} sh bun install --frozen-lockfile",
        ),
    ],
)
def test_scripts_of_node_packages_run_without_credentials(argv: str, first: str, then: str) -> None:
    assert given(*argv.split()) == [(first, True), (then, False)]


@pytest.mark.parametrize(
    ("ended", "ran"),
    [
        (Exit(code=0), False),
        (Exit(code=2, stderr="hash mismatch"), False),
        (Exit(code=None, trouble="engine"), False),
        (UNBUILT, True),
        (Exit(code=1, stderr="  cause: Building source distributions for `pkg` is disabled"), True),
    ],
)
def test_uv_runs_again_only_for_a_build(ended: Exit, *, ran: bool) -> None:
    first, then = parts_of(("uv", "sync"))

    assert is_next(first, 0, "")
    assert is_next(then, ended.code, ended.stdout + ended.stderr) is ran


@pytest.mark.parametrize(("code", "ran"), [(0, False), (1, True), (2, True), (None, False)])
def test_lock_that_does_not_fit_is_checked_again_with_builds(code: int | None, *, ran: bool) -> None:
    _, then = parts_of(("uv", "lock", "--check"))

    assert is_next(then, code, "the lock is not up to date") is ran


@pytest.mark.parametrize(("code", "ran"), [(0, True), (1, False)])
def test_scripts_run_only_after_a_download(code: int, *, ran: bool) -> None:
    first, then = parts_of(("npm", "ci"))

    assert is_next(first, 0, "")
    assert is_next(then, code, "") is ran


def test_files_that_may_name_an_index() -> None:
    names = ["pyproject.toml", "a/uv.lock", "requirements/base.in", "requirements.txt", "pylock.dev.toml"]

    assert all(map(is_manifest, names))
    assert not any(map(is_manifest, ["a/setup.py", "src/x.toml", "package.json"]))
