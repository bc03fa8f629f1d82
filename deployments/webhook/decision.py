"""Whether an event is a commit to validate, by the operator's rules. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from deployments.webhook.payload import Event, Ping, PullRequestEvent, Push, Repository

BRANCHES, TAGS = "refs/heads/", "refs/tags/"
ACTIONS = frozenset({"opened", "reopened", "synchronize", "ready_for_review"})
"""What of a pull request brings new commits, or has them looked at."""
MOST_COMMITS = 2048
"""As many as GitHub lists; of a push with more nobody knows all files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator wants: globs, of which the last that fits decides; `!` in front of one takes away.

    No repositories means all of them, no paths any; no tags means none.
    """

    repositories: tuple[str, ...] = ()
    events: tuple[str, ...] = ("push", "pull_request")
    branches: tuple[str, ...] = ("**",)
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    drafts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A commit to validate. `ref` is where a newer one takes its place; `policy` the commit whose settings hold for it,
    where its own must not: then it is not trusted."""

    repository: str
    ref: str
    commit: str
    policy: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether it comes from somebody who may write to the repository."""
        return not self.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing to do, and why."""

    reason: str


def decide(event: Event | None, rules: Rules) -> Wanted | Ignored:
    """What is to be done about an event."""
    match event:
        case None:
            return Ignored(reason="events of this kind are none of ours")
        case Ping():
            return Ignored(reason="pong")
        case Push(repository=repository) | PullRequestEvent(repository=repository):
            if rules.repositories and not selects(rules.repositories, repository.full_name):
                return Ignored(reason=f"{repository.full_name} is not among PREDEPLOY_WEBHOOK_REPOSITORIES")
    return decide_push(event, rules) if isinstance(event, Push) else decide_pull_request(event, rules)


def decide_push(push: Push, rules: Rules) -> Wanted | Ignored:
    """A branch, or a tag where tags are wanted, that still exists and has a change that counts."""
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
        return Ignored(reason="no file that changed is among PREDEPLOY_WEBHOOK_PATHS")
    commit = push.head_commit.id if push.head_commit else push.after
    return Wanted(repository=push.repository.full_name, ref=push.ref, commit=commit)


def changed_files(push: Push) -> set[str] | None:
    """The files that a push changed; None where GitHub does not list them all."""
    is_listed = push.commits and len(push.commits) < MOST_COMMITS and not (push.forced or push.created)
    if not is_listed:
        return None
    return {path for each in push.commits for path in (*each.added, *each.modified, *each.removed)}


def decide_pull_request(event: PullRequestEvent, rules: Rules) -> Wanted | Ignored:
    """Its head, as it is: a fork's is not trusted."""
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
        return Ignored(reason=f"the push of its branch {request.head.ref} brings it")
    return Wanted(repository=event.repository.full_name, ref=f"{BRANCHES}{request.head.ref}", commit=request.head.sha)


def is_own(head: Repository | None, repository: Repository) -> bool:
    """Whether the head of a pull request lies in the repository itself. A name alone may be a namesake's."""
    return head is not None and head.id == repository.id and head.full_name == repository.full_name


def selects(globs: Sequence[str], name: str) -> bool:
    """Whether the last glob that fits a name lets it in; those with `!` in front keep it out."""
    chosen = False
    for glob in globs:
        if pattern(glob.removeprefix("!")).fullmatch(name):
            chosen = not glob.startswith("!")
    return chosen


@cache
def pattern(glob: str) -> re.Pattern[str]:
    """`*` and `?` stay within a part between slashes, `**` does not; `**/` may be nothing."""
    parts: Iterable[str] = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    words = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.DOTALL)
