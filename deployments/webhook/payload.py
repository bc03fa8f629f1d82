"""What GitHub's events say, as far as anything is decided by it. Parsed once, at the edge."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Sha = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=200)]
RefName = Annotated[str, Field(pattern=r"^[^\s~^:?*\[\\\x00-\x1f\x7f-]((?!\.\.)(?!@\{)[^\s~^:?*\[\\\x00-\x1f\x7f])*$")]


class Part(BaseModel):
    """Whatever else GitHub says stands beside it, and is none of ours."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", regex_engine="python-re")


class Repository(Part):
    """A repository: its id stays when it is renamed."""

    id: int
    full_name: FullName


class Commit(Part):
    """What a pushed commit did to files."""

    added: list[str] = []
    modified: list[str] = []
    removed: list[str] = []


class Head(Part):
    """The commit that a ref points to, which of an annotated tag is not what it was set to."""

    id: Sha


class Push(Part):
    """A branch or a tag was moved, made or deleted."""

    ref: RefName
    before: Sha
    after: Sha
    deleted: bool = False
    created: bool = False
    forced: bool = False
    commits: list[Commit] = []
    head_commit: Head | None = None
    repository: Repository


class Side(Part):
    """One side of a pull request; a fork may be gone."""

    ref: RefName
    sha: Sha
    repo: Repository | None = None


class PullRequest(Part):
    """Two sides."""

    draft: bool = False
    head: Side
    base: Side


class Changes(Part):
    """What was edited."""

    base: dict[str, Any] | None = None


class PullRequestEvent(Part):
    """Something happened to a pull request."""

    action: str
    changes: Changes = Changes()
    number: Annotated[int, Field(gt=0)]
    pull_request: PullRequest
    repository: Repository

    @property
    def has_new_base(self) -> bool:
        """Whether it is to be merged elsewhere from now on, where another policy may hold."""
        return self.action == "edited" and self.changes.base is not None


class Ping(Part):
    """GitHub asks whether we are there."""

    zen: str
    hook_id: int


Event = Push | PullRequestEvent | Ping
KINDS: dict[str, type[Push | PullRequestEvent | Ping]] = {
    "push": Push,
    "pull_request": PullRequestEvent,
    "ping": Ping,
}


class MalformedError(ValueError):
    """A signed body that is not what it is said to be."""


def parse(name: str, body: bytes) -> Event | None:
    """The event that a body is; None for a kind that is none of ours.

    The name is not signed, so it decides nothing by itself: the body has to be an event of that kind and of no other.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedError("the body is no JSON object")
    kind = kind_of(document)
    if kind != (name if name in KINDS else ""):
        raise MalformedError(f"the body is {f'a {kind}' if kind else 'none of ours'}, and X-GitHub-Event says {name!r}")
    if not kind:
        return None
    try:
        return KINDS[kind].model_validate(document)
    except ValidationError as error:
        places = sorted({".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)})
        raise MalformedError(f"not a {kind} as GitHub sends it: {', '.join(places[:5])}") from error


def kind_of(document: dict[str, Any]) -> str:
    """Which of our events a body is, by what only that one has."""
    if {"zen", "hook_id"} <= document.keys():
        return "ping"
    if {"action", "number", "pull_request"} <= document.keys():
        return "pull_request"
    return "push" if {"ref", "before", "after", "commits"} <= document.keys() else ""
