"""Parses GitHub's events: the fields that decisions depend on. Events are parsed once, at the edge."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Sha = Annotated[str, Field(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z")]
NAME, MARKS = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", r"\s~^:?*\[\\\x00-\x1f\x7f"
FullName = Annotated[str, Field(pattern=rf"\A{NAME}/{NAME}\Z", max_length=200)]
RefName = Annotated[str, Field(pattern=rf"\A[^{MARKS}-]((?!\.\.)(?!@\{{)[^{MARKS}])*\Z")]


class Part(BaseModel):
    """The base of all models. Other fields of GitHub's payload are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", regex_engine="python-re")


class Repository(Part):
    """A repository. Its id stays the same when it is renamed."""

    id: int
    full_name: FullName


class Commit(Part):
    """The files that a pushed commit changed."""

    added: list[str] = []
    modified: list[str] = []
    removed: list[str] = []


class Head(Part):
    """The commit of a pushed ref. For an annotated tag it differs from `Push.after`, which is the tag object."""

    id: Sha


class Push(Part):
    """A branch or tag was created, moved or deleted."""

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
    """One side of a pull request. `repo` is None if the fork was deleted."""

    ref: RefName
    sha: Sha
    repo: Repository | None = None


class PullRequest(Part):
    """A pull request."""

    draft: bool = False
    head: Side
    base: Side


class Changes(Part):
    """The edited fields of a pull request. `base` is set if its target branch changed."""

    base: dict[str, Any] | None = None


class PullRequestEvent(Part):
    """An action on a pull request."""

    action: str
    changes: Changes = Changes()
    number: Annotated[int, Field(gt=0)]
    pull_request: PullRequest
    repository: Repository

    @property
    def has_new_base(self) -> bool:
        """Whether the target branch changed: another policy may apply there."""
        return self.action == "edited" and self.changes.base is not None


class Ping(Part):
    """GitHub tests the webhook."""

    zen: str
    hook_id: int


Event = Push | PullRequestEvent | Ping
KINDS: dict[str, type[Push | PullRequestEvent | Ping]] = {
    "push": Push,
    "pull_request": PullRequestEvent,
    "ping": Ping,
}


class MalformedError(ValueError):
    """A signed body that is not a valid event of the named kind."""


def parse(name: str, body: bytes) -> Event | None:
    """Returns the event of a body, or None for a kind that the service does not handle.

    Raises MalformedError. The name of the event is not signed, so the body itself must be an event of that kind.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedError("the body is not a JSON object")
    kind = kind_of(document)
    if kind != (name if name in KINDS else ""):
        event = f"a {kind}" if kind else "an event of another kind"
        raise MalformedError(f"the body is {event}, but X-GitHub-Event says {name!r}")
    if not kind:
        return None
    try:
        return KINDS[kind].model_validate(document)
    except ValidationError as error:
        places = sorted({".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)})
        raise MalformedError(f"the body is not a valid {kind}; wrong fields: {', '.join(places[:5])}") from error


def kind_of(document: dict[str, Any]) -> str:
    """Returns the kind of a body by its characteristic fields, or an empty text for any other kind."""
    if {"zen", "hook_id"} <= document.keys():
        return "ping"
    if {"action", "number", "pull_request"} <= document.keys():
        return "pull_request"
    return "push" if {"ref", "before", "after", "commits"} <= document.keys() else ""
