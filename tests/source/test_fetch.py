"""The fetch of one commit from real repositories: its files, its history, and refused inputs."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.errors import EngineError, UsageError
from tasks.source.fetch import DEFAULT_BRANCH, Remote, check_out, fetch_commit, head_of, read_file, resolve_commit
from tests.deployments.git_http import Handler


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A bare repository, and a checkout that pushes to it."""

    bare: Path
    work: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", self.work, "-c", "protocol.file.allow=always", *arguments],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, content in files.items():
            (self.work / name).write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        self.git("push", "--quiet", "--all", "origin")
        return self.git("rev-parse", "HEAD")

    @property
    def remote(self) -> Remote:
        return Remote(repository=f"file://{self.bare}")


def make_repository(place: Path) -> Repository:
    bare, work = place / "acme/cafe.git", place / "work"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", work], check=True)
    repository = Repository(bare=bare, work=work)
    repository.git("remote", "add", "origin", str(bare))
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def head(checkout: Path) -> str:
    return subprocess.run(
        ["git", "-C", checkout, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_branches_tags_and_commits_are_resolved(repository: Repository) -> None:
    first = repository.commit(a="1")
    repository.git("tag", "plain")
    repository.git("tag", "--annotate", "--message", "a tag", "annotated")
    repository.git("checkout", "--quiet", "-b", "feature/größe")
    second = repository.commit(a="2")
    repository.git("push", "--quiet", "--tags", "origin")

    found = {ref: resolve_commit(repository.remote, ref) for ref in ("main", "feature/größe", "plain", "annotated")}
    full = resolve_commit(repository.remote, "refs/heads/main")

    assert found == {"main": first, "feature/größe": second, "plain": first, "annotated": first}
    assert (full, resolve_commit(repository.remote, "HEAD"), resolve_commit(repository.remote, first)) == (first,) * 3
    assert head_of(repository.remote, "refs/tags/annotated") == first
    assert head_of(repository.remote, "refs/heads/gone") is None


def test_branch_takes_precedence_over_a_tag_of_the_same_name(repository: Repository) -> None:
    repository.commit(a="1")
    repository.git("tag", "v1")
    repository.git("checkout", "--quiet", "-b", "v1")
    branch = repository.commit(a="2")
    repository.git("push", "--quiet", "--tags", "origin")

    assert resolve_commit(repository.remote, "v1") == branch


@pytest.mark.parametrize("ref", ["", "gone", "-x", "--upload-pack=touch x", "a b", "a..b", "a@{1}", "HEAD~1", "\n"])
def test_unknown_ref_is_reported(repository: Repository, ref: str) -> None:
    repository.commit(a="1")

    with pytest.raises(UsageError, match="ref: "):
        resolve_commit(repository.remote, ref)


def test_commit_is_fetched_with_its_history_and_the_default_branch(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit(a="1")
    second = repository.commit(a="2")
    newest = repository.commit(a="3")

    check_out(repository.remote, second, tmp_path / "out", submodules=False)

    assert (head(tmp_path / "out"), (tmp_path / "out/a").read_text()) == (second, "2")
    assert read_file(tmp_path / "out", first, "a") == b"1"
    assert read_file(tmp_path / "out", DEFAULT_BRANCH, "a") == b"3"
    assert read_file(tmp_path / "out", newest, "absent") is None


def test_commit_outside_of_all_branches_is_fetched(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    lost = repository.commit(a="2")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.git("push", "--quiet", "--force", "origin", "main")

    check_out(repository.remote, lost, tmp_path / "out", submodules=False)

    assert head(tmp_path / "out") == lost


def test_a_directory_is_a_repository_too(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit(a="1")
    monkeypatch.chdir(repository.work)

    check_out(
        Remote(repository="."), resolve_commit(Remote(repository="."), "HEAD"), tmp_path / "out", submodules=False
    )

    assert head(tmp_path / "out") == commit
    assert Remote(repository=".").name == "work"


def test_uncommitted_files_are_not_fetched(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(a="1")
    (repository.work / "a").write_text("edited")
    (repository.work / "b").write_text("untracked")

    check_out(Remote(repository=str(repository.work)), commit, tmp_path / "out", submodules=False)

    assert ((tmp_path / "out/a").read_text(), (tmp_path / "out/b").exists()) == ("1", False)


def test_no_hook_filter_or_configured_program_runs(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "it ran"
    commit = repository.commit(a="1", **{".gitattributes": "* filter=bad\n"})
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{mark}'\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[core]\n hooksPath = {hooks}\n[init]\n templateDir = {tmp_path}\n[filter "bad"]\n smudge = touch "{mark}"\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))

    check_out(repository.remote, commit, tmp_path / "out", submodules=False)

    assert (head(tmp_path / "out"), mark.exists()) == (commit, False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL below which repositories of the test's directory are served over HTTP."""
    handler = type("Served", (Handler,), {"directory": str(tmp_path), "log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_submodules_are_fetched_only_on_request(repository: Repository, tmp_path: Path, served: str) -> None:
    inner = make_repository(tmp_path / "inner")
    inner.commit(lib="x")
    repository.git("submodule", "--quiet", "add", f"{served}/inner/acme/cafe.git", "vendor")
    commit = repository.commit(a="1")

    check_out(repository.remote, commit, tmp_path / "with", submodules=True)
    check_out(repository.remote, commit, tmp_path / "without", submodules=False)

    assert (tmp_path / "with/vendor/lib").read_text() == "x"
    assert list((tmp_path / "without/vendor").iterdir()) == []


@pytest.mark.parametrize("url", ["file://{bare}", "{bare}", "../inner/acme/cafe.git"])
def test_submodule_is_never_another_repository_of_this_machine(
    repository: Repository, tmp_path: Path, url: str
) -> None:
    inner = make_repository(tmp_path / "inner")
    inner.commit(secret="of another order")
    repository.git("submodule", "--quiet", "add", f"file://{inner.bare}", "vendor")
    declared = f'[submodule "vendor"]\n\tpath = vendor\n\turl = {url.format(bare=inner.bare)}\n'
    commit = repository.commit(**{".gitmodules": declared})

    with pytest.raises(EngineError, match="transport 'file' not allowed"):
        check_out(repository.remote, commit, tmp_path / "out", submodules=True)

    assert not (tmp_path / "out/vendor/secret").exists()


def test_another_commit_can_be_fetched_into_the_checkout(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(a="1")
    repository.git("checkout", "--quiet", "--orphan", "apart")
    other = repository.commit(a="2")
    check_out(repository.remote, commit, tmp_path / "out", submodules=False)

    fetch_commit(repository.remote, other, tmp_path / "out")

    assert (read_file(tmp_path / "out", other, "a"), head(tmp_path / "out")) == (b"2", commit)


@pytest.mark.parametrize(
    ("repository", "says"),
    [
        ("", "neither a URL"),
        ("--upload-pack=touch x", "neither a URL"),
        ("ext::sh -c touch% x", "helper program"),
        ("ext::https://x", "not a supported protocol"),
        ("ftp://x/y", "not a supported protocol"),
        ("https://x/y\n", "control character"),
        ("/srv/\0/x", "control character"),
        ("git@host.example:a\rb", "control character"),
        ("https://user:secret@github.com/a/b", "contains a credential"),
        ("https://ghp_0123@github.com/a/b", "contains a credential"),
    ],
)
def test_invalid_repository_is_refused(repository: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Remote(repository=repository)

    assert "secret" not in str(caught.value)


def test_failed_fetch_is_no_verdict(tmp_path: Path) -> None:
    absent = Remote(repository=f"file://{tmp_path}/absent.git")

    with pytest.raises(EngineError, match=r"absent\.git cannot be fetched \(git ls-remote\): .*does not"):
        resolve_commit(absent, "main")


@pytest.mark.parametrize(
    ("repository", "path"),
    [
        ("https://github.com/acme/cafe", "acme/cafe"),
        ("https://github.com/acme/cafe.git", "acme/cafe"),
        ("https://github.com/acme/cafe.git/", "acme/cafe"),
        ("https://github.com.evil.example/acme/cafe", ""),
        ("https://evil.example/https://github.com/acme/cafe", ""),
        ("http://github.com/acme/cafe", ""),
        ("git@github.com:acme/cafe.git", ""),
        (".", ""),
    ],
)
def test_token_is_sent_to_its_server_only(repository: str, path: str) -> None:
    remote = Remote(repository=repository, server="https://github.com/", token="ghp_0123")

    headers = [name for name, value in remote.config if "Authorization" in value]

    assert remote.path_on_server == path
    assert headers == (["http.https://github.com/.extraHeader"] if path else [])
    assert "ghp_0123" not in repr(remote) + " ".join(os.environ.values())


def test_silent_server_is_given_up_after_the_limit_and_git_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        remote = Remote(repository=f"http://127.0.0.1:{server.getsockname()[1]}/acme/cafe.git")

        with pytest.raises(EngineError, match=r"was not fetched within 0\.5 s"):
            head_of(remote, "refs/heads/main", seconds=0.5)

        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            while connection.recv(4096):  # the request, until the client closes the connection
                pass
