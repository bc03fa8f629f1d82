"""A validation that a deployment asks for: the commit is found, cloned, validated, and its report kept."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.commits.secret_blocks import read_block
from flows.commits.status import bind, github_token
from flows.distribution.parameters import Distribution
from flows.predeploy import validate_and_record
from tasks.engines.clean_environ import allowed
from tasks.engines.dagger.command_line import DAGGERS
from tasks.engines.dagger.reach import SESSION_PORT, SESSION_TOKEN
from tasks.engines.workspace import lease
from tasks.errors import UsageError
from tasks.files import remove_tree
from tasks.github.settings import GitHubSettings
from tasks.hardening import TOKEN_VARIABLE
from tasks.settings import FILE, Settings
from tasks.source.fetch import Remote, check_out, fetch_commit, read_file, resolve_commit
from tasks.source.origin import Origin
from tasks.trust import Trust, trust_of
from tasks.user_dirs import REPORTS, UserDirs
from tasks.validation.validation import new_run_id

KEPT = 50
"""How many reports stay on the worker's disk."""
DOPPLER_BLOCK = "PREDEPLOY_DOPPLER_TOKEN_BLOCK"
"""Names Prefect's Secret block that holds Doppler's token."""
OURS = ("PREFECT_", "PREDEPLOY_GITHUB_", "PREDEPLOY_NOTIFY_", "PREDEPLOY_WEBHOOK_", DOPPLER_BLOCK)
"""Variables of the service around a run, which hold tokens: none of them is for the stack's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be validated. `choices` are settings of the run; what is empty there was not chosen."""

    repository: str
    ref: str
    directory: str
    choices: Mapping[str, object]
    is_trusted: bool
    policy: str

    def __post_init__(self) -> None:
        if not self.is_trusted and not self.policy:
            raise UsageError(
                "policy: code that is not trusted does not choose its own. Name the commit whose policy holds."
            )

    @property
    def trust(self) -> Trust:
        """What the code may have."""
        return trust_of(self.is_trusted)

    @property
    def flags(self) -> dict[str, object]:
        """The settings that win over all others. Raises UsageError for one that there is not."""
        chosen = {name: value for name, value in self.choices.items() if value}
        if unknown := chosen.keys() - Settings.model_fields.keys():
            raise UsageError(
                f"{', '.join(sorted(unknown))}: this version of predeploy has no such setting. Leave it empty."
            )
        return {**chosen, **self.trust.settings}


def run_name() -> str:
    """What a run is called in Prefect."""
    given = flow_run.get_parameters()
    return name_of(*(str(given.get(name, "")) for name in ("repository", "directory", "ref")))


def name_of(repository: str, directory: str, ref: str) -> str:
    """A stack and its ref, as in `cafe main`. It is called as the repository is, or as the directory in that."""
    whole = PurePosixPath(repository.rstrip("/").removesuffix(".git")).name
    return f"{PurePosixPath(directory).name or whole or 'stack'} {ref[:12] if len(ref) >= 40 else ref}"


async def validate_order(order: Order, *, is_distributed: bool = False) -> State[Any]:
    """The state that the run ends in. Raises PredeployError where it does not come as far as a report."""
    remote = await remote_of(order)
    commit = await asyncio.to_thread(resolve_commit, remote, order.ref)
    await bind(commit)
    get_run_logger().info("validating %s of %s", commit, order.repository)
    origin = Origin(repository=order.repository, commit=commit, directory=order.directory)
    distribution = Distribution(origin=origin, is_trusted=order.is_trusted, policy=order.policy)
    async with bring(replace(order, ref=commit), remote) as (stack, policy):
        run_id = new_run_id()
        try:
            return await validate_and_record(
                stack,
                order.flags,
                await run_environment(order),
                policy=policy,
                is_trusted=order.is_trusted,
                distribution=distribution if is_distributed else None,
                run_id=run_id,
            )
        finally:
            keep_report(stack, run_id, UserDirs.of_user().data / "validations")


async def run_environment(order: Order) -> dict[str, str]:
    """What a run gets to know of the worker's environment, with Doppler's token from where that is kept."""
    tokens = await doppler_token(os.environ) if order.trust.has_secrets else {}
    return environment_for(os.environ, order.trust) | tokens


async def remote_of(order: Order) -> Remote:
    """The repository, with the token that opens it."""
    github = GitHubSettings()
    return Remote(repository=order.repository, server=github.server_url, token=await github_token(github))


@asynccontextmanager
async def bring(order: Order, remote: Remote) -> AsyncIterator[tuple[Path, Path | None]]:
    """The stack of an order, whose ref is a commit's SHA, and the directory of the settings that hold in its stead."""
    below = inside(order.directory)
    with empty_place(UserDirs.of_user().cache / "checkouts", order) as place:
        checkout, policy = place / remote.name, place / ".policy"
        await asyncio.to_thread(check_out, remote, order.ref, checkout, submodules=order.trust.has_submodules)
        if order.policy:
            await asyncio.to_thread(bring_policy, remote, checkout, order.policy, below, policy)
        stack = checkout / below
        if not stack.is_dir() or not stack.resolve().is_relative_to(checkout.resolve()):
            raise UsageError(f"directory: there is no {order.directory} in {order.repository} at {order.ref[:10]}.")
        # what a commit has there is no report of a run, and may lead anywhere
        remove_tree(stack / REPORTS)
        yield stack, policy if order.policy else None


@contextmanager
def empty_place(base: Path, order: Order) -> Iterator[Path]:
    """A directory that no other run uses, and the next one on the same repository gets again.

    Engines keep by its path what makes a run fast. What was left in it by one that was killed is taken away first.
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
    """A directory below the repository's root. Raises UsageError for one that leads out of it."""
    path = PurePosixPath(directory)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"directory: {directory} is not below the repository's root. Name one that is.")
    return path


def bring_policy(remote: Remote, checkout: Path, ref: str, below: PurePosixPath, into: Path) -> None:
    """The settings of another commit, in a directory of their own; it has none where that commit has none."""
    commit = resolve_commit(remote, ref)
    fetch_commit(remote, commit, checkout)
    into.mkdir()
    content = read_file(checkout, commit, str(below / FILE))
    if content is not None:
        (into / FILE).write_bytes(content)


def environment_for(environ: Mapping[str, str], trust: Trust) -> dict[str, str]:
    """What a run gets to know of the worker's environment."""
    if trust.variables is None:
        return {name: value for name, value in environ.items() if not name.startswith(OURS)}
    known = {name: value for name, value in environ.items() if name in trust.variables or allowed(name)}
    plain = {name: value for name, value in known.items() if "@" not in value or name == "PREDEPLOY_IMAGES"}
    # where the engine of containers is: that stays with Dagger's own client. A session has the credentials of its owner
    sessions = (SESSION_PORT, SESSION_TOKEN)
    return plain | {name: value for name, value in environ.items() if name.startswith(DAGGERS) and name not in sessions}


async def doppler_token(environ: Mapping[str, str]) -> dict[str, str]:
    """The token from the block that is named, which wins over one in the environment; nothing where none is."""
    name = environ.get(DOPPLER_BLOCK, "")
    return {TOKEN_VARIABLE: await read_block(name, DOPPLER_BLOCK)} if name else {}


def keep_report(stack: Path, run_id: str, home: Path) -> None:
    """Takes the report of a run, where it has one, from a stack that is about to go to where the newest are kept."""
    report, kept = stack / REPORTS / "runs" / run_id, home / run_id
    if not report.is_dir():
        return
    home.mkdir(parents=True, exist_ok=True)
    shutil.copytree(report, kept, symlinks=True)
    get_run_logger().info("report and logs: %s on the worker", kept)
    for old in sorted(home.iterdir())[:-KEPT]:
        with suppress(OSError):
            shutil.rmtree(old)
