"""The stack of a commit, cloned for one run on the worker, and the report that stays when the clone is removed."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path, PurePosixPath

from prefect import get_run_logger

from flows.commits.order import Order
from flows.commits.status import github_token
from tasks.engines.workspace import lease
from tasks.errors import UsageError
from tasks.files import remove_tree
from tasks.github.settings import GitHubSettings
from tasks.settings import FILE
from tasks.source.fetch import CONTROL, Remote, check_out, fetch_commit, read_file, resolve_commit
from tasks.user_dirs import REPORTS, UserDirs

KEPT = 50
"""How many reports stay on the worker's disk."""


async def remote_of(order: Order) -> Remote:
    """Returns the repository of an order, with the token that opens it."""
    github = GitHubSettings()
    return Remote(repository=order.repository, server=github.server_url, token=await github_token(github))


@asynccontextmanager
async def cloned_stack(order: Order, remote: Remote, commit: str) -> AsyncIterator[tuple[Path, Path | None]]:
    """Yields the stack of a commit, and the directory with the policy's `predeploy.toml` if the order names a policy.

    `commit` is a whole SHA. Both directories are removed at the end.
    """
    below = inside(order.directory)
    with empty_directory(UserDirs.of_user().cache / "checkouts", order) as place:
        checkout, policy = place / remote.name, place / ".policy"
        await asyncio.to_thread(check_out, remote, commit, checkout, submodules=order.trust.has_submodules)
        if order.policy:
            await asyncio.to_thread(write_policy, remote, checkout, order.policy, below, policy)
        stack = checkout / below
        if not stack.is_dir() or not stack.resolve().is_relative_to(checkout.resolve()):
            raise UsageError(f"directory: there is no {order.directory} in {order.repository} at {commit[:10]}.")
        # the commit may have files in this place: they are no report, and a link may lead out of the stack
        remove_tree(stack / REPORTS)
        yield stack, policy if order.policy else None


@contextmanager
def empty_directory(base: Path, order: Order) -> Iterator[Path]:
    """Yields a directory that no other run uses. The next run on the same repository gets the same path.

    Engines key their caches by that path. Files that a killed run left in it are removed first.
    """
    name = hashlib.sha256(f"{order.trust.shares_caches} {order.repository} {order.directory}".encode()).hexdigest()[:16]
    with lease(base, name) as place:
        for left in place.iterdir():
            remove_tree(left)
        try:
            yield place
        finally:
            for left in place.iterdir():
                remove_tree(left)


def inside(directory: str) -> PurePosixPath:
    """Returns a directory below the repository's root. Raises UsageError for a path that leads out of it."""
    path = PurePosixPath(directory)
    if CONTROL.search(directory):
        raise UsageError(f"directory: {directory!r} contains a control character. Name a directory of the repository.")
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"directory: {directory} is not below the repository's root. Name one that is.")
    return path


def write_policy(remote: Remote, checkout: Path, ref: str, below: PurePosixPath, into: Path) -> None:
    """Writes the `predeploy.toml` of another commit into a new directory, if that commit has one."""
    commit = resolve_commit(remote, ref)
    fetch_commit(remote, commit, checkout)
    into.mkdir()
    content = read_file(checkout, commit, str(below / FILE))
    if content is not None:
        (into / FILE).write_bytes(content)


def keep_report(stack: Path, run_id: str, home: Path) -> None:
    """Copies the report of a run out of the stack before that is removed, and deletes the oldest reports."""
    report, kept = stack / REPORTS / "runs" / run_id, home / run_id
    if not report.is_dir():
        return
    home.mkdir(parents=True, exist_ok=True)
    shutil.copytree(report, kept, symlinks=True)
    get_run_logger().info("report and logs: %s on the worker", kept)
    for old in sorted(home.iterdir())[:-KEPT]:
        with suppress(OSError):
            shutil.rmtree(old)
