"""Fetches one commit of a remote repository into a new directory, with git, and without hooks and filters."""

import base64
import math
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tasks.errors import EngineError, UsageError
from tasks.source.git import OWN_CONFIG, Config, run_git, start_git

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:(?!:)\S+")
SCHEMES = ("https", "ssh", "http", "git", "file")
PROTOCOLS = (
    ("protocol.allow", "never"),
    *((f"protocol.{name}.allow", "user" if name == "file" else "always") for name in SCHEMES),
)
"""The allowed protocols. Others, such as `ext::`, can run programs.

`user`: only the order's own URL may be a directory of this machine. The URL of a submodule comes from the repository,
and could name another repository of the worker.
"""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ANSWER_SECONDS, FETCH_SECONDS = 60.0, 900.0
DEFAULT_BRANCH = "refs/remotes/origin/HEAD"
"""The ref for the remote's default branch, which `base.py` looks for."""
QUIETLY = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository: its URL or directory. The token is sent only to URLs below `server`."""

    repository: str
    server: str = ""
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        problem = mistake_in(self.repository)
        if problem:
            raise UsageError(f"repository: {problem}")

    @property
    def name(self) -> str:
        """The name of the repository: the last part of its path."""
        return Path(self.repository.rstrip("/")).resolve().name.removesuffix(".git") or "stack"

    @property
    def path_on_server(self) -> str:
        """`owner/name` if the repository is on the server, otherwise empty."""
        below = f"{self.server.rstrip('/')}/"
        if not self.server or not self.repository.startswith(below):
            return ""
        return self.repository.removeprefix(below).rstrip("/").removesuffix(".git")

    @property
    def config(self) -> Config:
        """The settings for git, with the token if the repository is on its server."""
        if not self.token or not self.path_on_server:
            return (*OWN_CONFIG, *PROTOCOLS)
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        header = (f"http.{self.server.rstrip('/')}/.extraHeader", f"Authorization: Basic {basic}")
        # a redirect would send the token to another address
        return (*OWN_CONFIG, *PROTOCOLS, header, ("http.followRedirects", "false"))


def mistake_in(repository: str) -> str:
    """The mistake in the name of a repository, or an empty text."""
    if not repository or repository.startswith("-"):
        return f"{repository!r} is neither a URL nor a directory. Name one."
    if CONTROL.search(repository):
        return f"{repository!r} contains a control character. Name a URL or a directory."
    if "://" in repository:
        parts = urlsplit(repository)
        if parts.scheme not in SCHEMES:
            return f"{parts.scheme}:// is not a supported protocol. Supported are {', '.join(SCHEMES)}."
        if parts.password or (parts.username and parts.scheme in {"http", "https"}):
            return "its URL contains a credential, which is public in a run. Set PREDEPLOY_GITHUB_TOKEN instead."
    elif "::" in repository:
        return f"{repository} names a helper program of git. Name a URL or a directory."
    return ""


def resolve_commit(remote: Remote, ref: str) -> str:
    """The commit for a branch, a tag, a full ref or a SHA. Raises UsageError if there is none."""
    if COMMIT.fullmatch(ref):
        return ref
    if not ref or ref.startswith("-") or re.search(r"[\s~^:?*\[\\\x00-\x1f]|\.\.|@\{", ref):
        raise UsageError(f"ref: {ref!r} is not the name of a branch, a tag or a commit. Name one.")
    found = _listed(remote, ref)
    # an annotated tag is an object of its own; its commit is listed with ^{}
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"{ref}^{{}}", ref)
    commit = next((found[name] for name in names if name in found), "")
    if not commit:
        text = f"ref: {_shown(remote)} has no branch or tag {ref}. Name an existing one, or the full SHA of a commit."
        raise UsageError(text)
    return commit


def head_of(remote: Remote, ref: str, *, seconds: float = ANSWER_SECONDS) -> str | None:
    """The current commit of a full ref, or None if the ref does not exist."""
    found = _listed(remote, ref, seconds)
    return found.get(f"{ref}^{{}}", found.get(ref))


def check_out(remote: Remote, commit: str, into: Path, *, submodules: bool) -> None:
    """Checks out the commit in a new directory, with its history and the default branch."""
    into.mkdir(parents=True)
    _git(remote, into, "init", "--quiet", "--template=")
    fetch_commit(remote, commit, into)
    # optional: a repository may have no default branch
    _git(remote, into, "fetch", *QUIETLY, _url(remote), f"+HEAD:{DEFAULT_BRANCH}", is_optional=True)
    _git(remote, into, "checkout", "--quiet", "--detach", commit)
    if submodules and (into / ".gitmodules").is_file():
        _git(remote, into, "submodule", "--quiet", "update", "--init", "--recursive")


def fetch_commit(remote: Remote, commit: str, into: Path) -> None:
    """Fetches a commit and its history into an existing repository."""
    _git(remote, into, "fetch", *QUIETLY, _url(remote), commit)


def read_file(root: Path, commit: str, path: str) -> bytes | None:
    """The content of a file in a commit, or None if the commit does not have it."""
    answer = run_git(root, OWN_CONFIG, "cat-file", "blob", f"{commit}:{path}")
    return answer.stdout if answer.returncode == 0 else None


def _listed(remote: Remote, ref: str, seconds: float = ANSWER_SECONDS) -> dict[str, str]:
    names = ("--", _url(remote), ref, f"{ref}^{{}}")
    answer = _git(remote, Path("/"), "ls-remote", "--quiet", *names, limit=seconds)
    lines = (line.partition("\t") for line in answer.stdout.decode(errors="replace").splitlines())
    return {name: commit for commit, _, name in lines}


def _url(remote: Remote) -> str:
    """The URL for git. A directory has its absolute path, so that it is valid in any working directory."""
    repository = remote.repository
    is_elsewhere = "://" in repository or SCP_LIKE.fullmatch(repository)
    return repository if is_elsewhere else str(Path(repository).expanduser().resolve())


def _shown(remote: Remote) -> str:
    return CREDENTIALS.sub("", remote.repository)


def _git(
    remote: Remote, cwd: Path, *arguments: str, is_optional: bool = False, limit: float = FETCH_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    """Runs a git command. Raises EngineError if it fails, unless it is optional."""
    # git's HTTP helper outlives a killed git, and would wait forever for a silent server
    patience = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", str(math.ceil(limit))))
    with start_git(cwd, (*remote.config, *patience), arguments, limit=None) as process:
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            text = f"{_shown(remote)} was not fetched within {limit:g} s. Is it reachable from here? Then try again."
            raise EngineError(text, "checkout") from error
        answer = subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
    if answer.returncode and not is_optional:
        said = CREDENTIALS.sub("", " ".join(os.fsdecode(stderr).split())).rstrip(".")
        text = f"{_shown(remote)} cannot be fetched (git {arguments[0]}): {said}"
        raise EngineError(
            f"{text}. Does it exist, and does the token (PREDEPLOY_GITHUB_TOKEN) have access?", "checkout"
        )
    return answer
