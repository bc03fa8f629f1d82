"""Runs git. The user's configuration of git cannot start programs, and cannot change the results."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import EngineError, UsageError
from tasks.source.git_limits import SECONDS, GitWatch, refuse_nul

INHERITED = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
NETWORK = (
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
)
"""Further variables that git needs for remote repositories."""
MOST_FILTERS = 500
"""Each filter of a repository is disabled by variables of git's environment, which has a limited size."""
Config = Sequence[tuple[str, str]]
OWN_CONFIG = (
    ("safe.directory", "*"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.untrackedCache", "false"),
    ("core.quotePath", "false"),
    ("submodule.recurse", "false"),
)


def read_config(root: Path) -> tuple[tuple[str, str], ...]:
    """The settings for git: our own, the user's global ignore file, and all filter programs disabled."""
    answer = run_git(root, (), "config", "--list", "-z", "--includes", use_global=True)
    if answer.returncode:  # the user's file may have a mistake: read the repository's only
        answer = run_git(root, (), "config", "--list", "-z", "--includes")
    theirs = [item.partition("\n") for item in os.fsdecode(answer.stdout).split("\0")]
    filters = {name.rpartition(".")[0] for name, _, _ in theirs if name.startswith("filter.")}
    if len(filters) > MOST_FILTERS:
        text = f"the configuration of git for {root} has {len(filters)} filters ({min(filters)} and others)"
        raise EngineError(f"{text}; {MOST_FILTERS} can be disabled. Remove those that no file needs.", "clone")
    ignored = [("core.excludesFile", value) for name, _, value in theirs if name == "core.excludesfile"]
    off = [
        (f"{name}.{key}", value)
        for name in sorted(filters)
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    ]
    return (*OWN_CONFIG, *ignored[-1:], *off)


@contextmanager
def start_git(
    root: Path,
    config: Config,
    arguments: Sequence[str],
    *,
    use_global: bool = False,
    with_stdin: bool = False,
    limit: float | None = SECONDS,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs git for the length of the block. `with_stdin`: it reads its work from stdin.

    Raises EngineError with the reason if git did not end within `limit` seconds. None: the caller has a limit.
    """
    refuse_nul(root, (*arguments,))
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=root,
            env=_environment(config, use_global=use_global),
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (FileNotFoundError, PermissionError) as error:
        if not root.is_dir():
            raise UsageError(f"{root} is not a directory. Name the stack's directory.") from error
        text = "git was not found on PATH, and it lists the files of the stack. Install git 2.31 or newer"
        raise UsageError(f"{text}.") from error
    watch = GitWatch(process, root, subcommand_of(arguments), limit)
    with process:
        try:
            yield process
        except Exception:
            if watch.error is not None:
                raise watch.error from None
            raise
        finally:
            watch.end()
            process.kill()
    if watch.error is not None:
        raise watch.error


def subcommand_of(arguments: Sequence[str]) -> str:
    """The first word that is no option: `ls-files`."""
    return next((each for each in arguments if not each.startswith("-")), "")


def run_git(
    root: Path, config: Config, *arguments: str, use_global: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Runs a git command to its end."""
    with start_git(root, config, arguments, use_global=use_global) as process:
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def ask_git(root: Path, *arguments: str) -> str:
    """The output of a git command; empty if it fails."""
    answer = run_git(root, OWN_CONFIG, *arguments)
    return os.fsdecode(answer.stdout).removesuffix("\n") if answer.returncode == 0 else ""


def _environment(config: Config, *, use_global: bool) -> dict[str, str]:
    environment = {name: os.environ[name] for name in (*INHERITED, *NETWORK) if name in os.environ}
    # GIT_NO_LAZY_FETCH: a partial clone would otherwise fetch missing objects, one by one
    environment |= {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
    if not use_global:
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment["GIT_CONFIG_COUNT"] = str(len(config))
    for number, (name, value) in enumerate(config):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return environment
