"""A repository cannot make git wait for ever, or fail without a reason."""

import os
import time
from pathlib import Path

import pytest

from tasks.errors import EngineError, UsageError
from tasks.source import git_limits
from tasks.source.git import OWN_CONFIG, ask_git, run_git, start_git
from tasks.source.tree import read_tree
from tests.source.test_clone import commit_all, git


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(git_limits, "PATIENCE", 0.2)
    root = tmp_path / "repository"
    (root / "app").mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "app/main.py").write_text("print()\n")
    commit_all(root)
    return root


@pytest.mark.parametrize(
    "place", [".gitignore", "app/.gitignore", ".gitattributes", ".git/info/exclude", ".git/HEAD", ".git/packed-refs"]
)
def test_a_fifo_that_git_reads_is_named(repository: Path, place: str) -> None:
    path = repository / place
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    if place == ".gitattributes":  # git reads it for files that may have changed
        (repository / "app/main.py").write_text("prinT()\n")  # of the same size

    with pytest.raises(EngineError, match=rf"cannot read {path}, which is a FIFO") as caught:
        read_tree(repository, None)

    assert caught.value.exit_code == 3


@pytest.mark.parametrize("key", ["include.path", "core.excludesFile", "core.attributesFile"])
def test_a_fifo_that_the_configuration_names_is_named(repository: Path, tmp_path: Path, key: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    git(repository, "config", "user.name", "T")
    with (repository / ".git/config").open("a") as config:
        section, _, name = key.partition(".")
        config.write(f"[{section}]\n\t{name} = {tmp_path}/fifo\n")
    (repository / "app/main.py").write_text("prinT()\n")  # of the same size

    with pytest.raises(EngineError, match=rf"cannot read {tmp_path}/fifo, which is a FIFO"):
        read_tree(repository, None)


def test_a_call_over_its_limit_is_no_verdict(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    waits = ("-c", "alias.wait=!exec sleep 600", "wait")

    with (
        pytest.raises(EngineError, match=r"git .* was still running in .* after 0.5 s"),
        start_git(repository, OWN_CONFIG, waits, limit=0.5) as process,
    ):
        process.wait()

    assert time.monotonic() - begun < 300


def test_a_configuration_with_many_filters_is_named(repository: Path) -> None:
    with (repository / ".git/config").open("a") as config:
        config.writelines(f'[filter "f{number}"]\n\tclean = cat\n' for number in range(20_000))

    with pytest.raises(EngineError, match=r"has 20000 filters \(filter\.f0 and others\); 500 can be disabled"):
        read_tree(repository, None)


def test_a_configuration_with_many_sections_is_read(repository: Path) -> None:
    with (repository / ".git/config").open("a") as config:
        config.writelines(f'[branch "b{number}"]\n\tremote = origin\n' for number in range(20_000))

    assert read_tree(repository, None).commit == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("argument", ["a\0b", "\0", "a\ud800"])
def test_text_that_no_program_can_get_is_wrong_usage(repository: Path, argument: str) -> None:
    with pytest.raises(UsageError, match=r"contains a NUL character|is no valid Unicode"):
        ask_git(repository, "rev-parse", argument)
    with pytest.raises(UsageError, match=r"contains a NUL character|is no valid Unicode"):
        run_git(repository / argument, (), "status")
