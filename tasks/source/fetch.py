"""Brings one commit of a repository elsewhere into a directory of its own, by git alone: no hooks, no filters."""

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
PROTOCOLS = (("protocol.allow", "never"), *((f"protocol.{name}.allow", "always") for name in SCHEMES))
"""Whatever else git could be made to run by a URL stays off, `ext::` above all."""
ANSWER_SECONDS, FETCH_SECONDS = 60.0, 900.0
DEFAULT_BRANCH = "refs/remotes/origin/HEAD"
"""Where what looks for the default branch finds it."""
QUIETLY = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository by its URL or directory. The token goes to URLs below `server`, and to no others."""

    repository: str
    server: str = ""
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        problem = mistake_in(self.repository)
        if problem:
            raise UsageError(f"repository: {problem}")

    @property
    def name(self) -> str:
        """What people call it: the last part of its path."""
        return Path(self.repository.rstrip("/")).resolve().name.removesuffix(".git") or "stack"

    @property
    def path_on_server(self) -> str:
        """`owner/name` where it lies on the server, else nothing."""
        below = f"{self.server.rstrip('/')}/"
        if not self.server or not self.repository.startswith(below):
            return ""
        return self.repository.removeprefix(below).rstrip("/").removesuffix(".git")

    @property
    def config(self) -> Config:
        """What git is told: our own settings, and the token where it belongs."""
        if not self.token or not self.path_on_server:
            return (*OWN_CONFIG, *PROTOCOLS)
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        header = (f"http.{self.server.rstrip('/')}/.extraHeader", f"Authorization: Basic {basic}")
        # a redirect would take the token along, wherever it leads
        return (*OWN_CONFIG, *PROTOCOLS, header, ("http.followRedirects", "false"))


def mistake_in(repository: str) -> str:
    """Why a repository cannot be asked for under that name; empty where it can."""
    if not repository or repository.startswith("-"):
        return f"{repository!r} is neither a URL nor a directory. Name one."
    if "://" in repository:
        parts = urlsplit(repository)
        if parts.scheme not in SCHEMES:
            return f"{parts.scheme}:// is no way to fetch a repository. There are {', '.join(SCHEMES)}."
        if parts.password or (parts.username and parts.scheme in {"http", "https"}):
            return "its URL holds a credential, which everybody sees. Set PREDEPLOY_GITHUB_TOKEN instead."
    elif "::" in repository:
        return f"{repository} names a helper program of git. Name a URL or a directory."
    return ""


def resolve_commit(remote: Remote, ref: str) -> str:
    """The commit that a branch, a tag, a ref's full name or a SHA stands for. Raises UsageError where there is none."""
    if COMMIT.fullmatch(ref):
        return ref
    if not ref or ref.startswith("-") or re.search(r"[\s~^:?*\[\\\x00-\x1f]|\.\.|@\{", ref):
        raise UsageError(f"ref: {ref!r} is no name of a branch, a tag or a commit. Name one.")
    found = _listed(remote, ref)
    # a tag of its own is an object; what it points to is listed with ^{}
    names = (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"{ref}^{{}}", ref)
    commit = next((found[name] for name in names if name in found), "")
    if not commit:
        text = f"ref: {_shown(remote)} has no branch or tag {ref}. Name one that it has, or the whole SHA of a commit."
        raise UsageError(text)
    return commit


def head_of(remote: Remote, ref: str, *, seconds: float = ANSWER_SECONDS) -> str | None:
    """The commit that a full name of a ref stands for now; None where there is no such ref."""
    found = _listed(remote, ref, seconds)
    return found.get(f"{ref}^{{}}", found.get(ref))


def check_out(remote: Remote, commit: str, into: Path, *, submodules: bool) -> None:
    """Brings exactly that commit, with its history and the default branch, into a directory that is not there yet."""
    into.mkdir(parents=True)
    _git(remote, into, "init", "--quiet", "--template=")
    fetch_commit(remote, commit, into)
    # it is only what others compare with: a repository may have none
    _git(remote, into, "fetch", *QUIETLY, _url(remote), f"+HEAD:{DEFAULT_BRANCH}", is_optional=True)
    _git(remote, into, "checkout", "--quiet", "--detach", commit)
    if submodules and (into / ".gitmodules").is_file():
        _git(remote, into, "submodule", "--quiet", "update", "--init", "--recursive")


def fetch_commit(remote: Remote, commit: str, into: Path) -> None:
    """Brings a commit and its history into a repository that is there."""
    _git(remote, into, "fetch", *QUIETLY, _url(remote), commit)


def read_file(root: Path, commit: str, path: str) -> bytes | None:
    """A file as a commit has it, or None where it has none of that name."""
    answer = run_git(root, OWN_CONFIG, "cat-file", "blob", f"{commit}:{path}")
    return answer.stdout if answer.returncode == 0 else None


def _listed(remote: Remote, ref: str, seconds: float = ANSWER_SECONDS) -> dict[str, str]:
    names = ("--", _url(remote), ref, f"{ref}^{{}}")
    answer = _git(remote, Path("/"), "ls-remote", "--quiet", *names, limit=seconds)
    lines = (line.partition("\t") for line in answer.stdout.decode(errors="replace").splitlines())
    return {name: commit for commit, _, name in lines}


def _url(remote: Remote) -> str:
    """As git understands it wherever it runs: a directory by its whole path."""
    repository = remote.repository
    is_elsewhere = "://" in repository or SCP_LIKE.fullmatch(repository)
    return repository if is_elsewhere else str(Path(repository).expanduser().resolve())


def _shown(remote: Remote) -> str:
    return CREDENTIALS.sub("", remote.repository)


def _git(
    remote: Remote, cwd: Path, *arguments: str, is_optional: bool = False, limit: float = FETCH_SECONDS
) -> subprocess.CompletedProcess[bytes]:
    """A git command to its end. Raises EngineError where it fails, unless that is `optional`."""
    # git's helper for HTTP outlives a git that is ended, and would listen to a silent server for ever
    patience = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", str(math.ceil(limit))))
    with start_git(cwd, (*remote.config, *patience), arguments) as process:
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            text = f"{_shown(remote)} was not fetched within {limit:g} s. Is it reachable from here? Then try again."
            raise EngineError(text, "checkout") from error
        answer = subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
    if answer.returncode and not is_optional:
        said = CREDENTIALS.sub("", " ".join(os.fsdecode(stderr).split()))
        text = f"{_shown(remote)} cannot be fetched (git {arguments[0]}): {said}"
        raise EngineError(f"{text}. Is it there, and does the token (PREDEPLOY_GITHUB_TOKEN) open it?", "checkout")
    return answer
