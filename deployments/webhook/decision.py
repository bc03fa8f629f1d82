"""Decides by the operator's rules whether an event has a commit to validate. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from deployments.webhook.payload import Event, Ping, PullRequestEvent, Push, Repository

BRANCHES, TAGS = "refs/heads/", "refs/tags/"
ACTIONS = frozenset({"opened", "reopened", "synchronize", "ready_for_review"})
"""The actions of a pull request that bring new commits, or ask for a review of them."""
MOST_COMMITS = 2048
"""The most commits that GitHub lists. The changed files of a larger push are unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's filters, as globs. The last matching glob decides; `!` in front of a glob excludes.

    An empty `repositories` or `paths` allows all, an empty `tags` none.
    """

    repositories: tuple[str, ...] = ()
    events: tuple[str, ...] = ("push", "pull_request")
    branches: tuple[str, ...] = ("**",)
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    drafts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A commit to validate. A newer commit of the same `ref` supersedes it.

    `policy` is the commit whose settings apply if the commit is not trusted; empty for a trusted commit.
    """

    repository: str
    ref: str
    commit: str
    policy: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether its author has write access to the repository."""
        return not self.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The event is ignored for this reason."""

    reason: str


def decide(event: Event | None, rules: Rules) -> Wanted | Ignored:
    """Returns the commit to validate, or why the event is ignored. None is an event of another kind."""
    match event:
        case None:
            return Ignored(reason="events of this kind are not validated")
        case Ping():
            return Ignored(reason="this is GitHub's ping: the webhook works. A ping has no commit to validate.")
        case Push(repository=repository) | PullRequestEvent(repository=repository):
            if rules.repositories and not selects(rules.repositories, repository.full_name):
                return Ignored(reason=f"{repository.full_name} is not among PREDEPLOY_WEBHOOK_REPOSITORIES")
    return decide_push(event, rules) if isinstance(event, Push) else decide_pull_request(event, rules)


def decide_push(push: Push, rules: Rules) -> Wanted | Ignored:
    """Returns the head commit of a push, unless the ref was deleted or a filter excludes it."""
    if "push" not in rules.events:
        return Ignored(reason="pushes are not among PREDEPLOY_WEBHOOK_EVENTS")
    if push.deleted or not push.after.strip("0"):
        return Ignored(reason=f"{push.ref} was deleted")
    if push.ref.startswith(TAGS):
        if not selects(rules.tags, push.ref.removeprefix(TAGS)):
            return Ignored(reason=f"{push.ref} is not among PREDEPLOY_WEBHOOK_TAGS")
    elif not push.ref.startswith(BRANCHES):
        return Ignored(reason=f"{push.ref} is neither a branch nor a tag")
    elif not selects(rules.branches, push.ref.removeprefix(BRANCHES)):
        return Ignored(reason=f"{push.ref} is not among PREDEPLOY_WEBHOOK_BRANCHES")
    changed = changed_files(push)
    if rules.paths and changed is not None and not any(selects(rules.paths, path) for path in changed):
        return Ignored(reason="no changed file is among PREDEPLOY_WEBHOOK_PATHS")
    commit = push.head_commit.id if push.head_commit else push.after
    return Wanted(repository=push.repository.full_name, ref=push.ref, commit=commit)


def changed_files(push: Push) -> set[str] | None:
    """Returns the files that a push changed, or None if GitHub does not list them all."""
    is_listed = push.commits and len(push.commits) < MOST_COMMITS and not (push.forced or push.created)
    if not is_listed:
        return None
    return {path for each in push.commits for path in (*each.added, *each.modified, *each.removed)}


def decide_pull_request(event: PullRequestEvent, rules: Rules) -> Wanted | Ignored:
    """Returns the head commit of a pull request, unless a filter excludes it. The head of a fork is not trusted."""
    if "pull_request" not in rules.events:
        return Ignored(reason="pull requests are not among PREDEPLOY_WEBHOOK_EVENTS")
    if event.action not in ACTIONS and not event.has_new_base:
        return Ignored(reason=f"a pull request that was {event.action} has no new commit")
    request = event.pull_request
    if request.draft and not rules.drafts:
        return Ignored(reason="the pull request is a draft")
    if not is_own(request.head.repo, event.repository):
        return Wanted(
            repository=event.repository.full_name,
            ref=f"refs/pull/{event.number}/head",
            commit=request.head.sha,
            policy=request.base.sha,
        )
    if "push" in rules.events and selects(rules.branches, request.head.ref):
        return Ignored(reason=f"the push of its branch {request.head.ref} is validated instead")
    return Wanted(repository=event.repository.full_name, ref=f"{BRANCHES}{request.head.ref}", commit=request.head.sha)


def is_own(head: Repository | None, repository: Repository) -> bool:
    """Whether the head of a pull request is in the repository itself. The id counts too: names can be reused."""
    return head is not None and head.id == repository.id and head.full_name == repository.full_name


def selects(globs: Sequence[str], name: str) -> bool:
    """Whether the last matching glob includes the name. Globs with `!` in front exclude."""
    chosen = False
    for glob in globs:
        if pattern(glob.removeprefix("!")).fullmatch(name):
            chosen = not glob.startswith("!")
    return chosen


@cache
def pattern(glob: str) -> re.Pattern[str]:
    """Returns the pattern of a glob. `*` and `?` do not match slashes, `**` does, and `**/` may be empty."""
    parts: Iterable[str] = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    words = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.DOTALL)
