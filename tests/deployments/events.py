"""Payloads in GitHub's format, and their signatures."""

import hashlib
import hmac
import itertools
import json
from typing import Any

SECRET = "a secret that nobody else knows"
BASE, HEAD, OTHER, NONE = "a" * 40, "b" * 40, "c" * 40, "0" * 40
_times = itertools.count(1_790_000_000)


def repository(full_name: str = "acme/cafe", number: int = 1296269) -> dict[str, Any]:
    """Returns a repository, with fields that the service ignores."""
    owner, _, name = full_name.partition("/")
    return {
        "id": number,
        "node_id": "MDEwOlJlcG9zaXRvcnkxMjk2MjY5",
        "name": name,
        "full_name": full_name,
        "private": True,
        "owner": {"login": owner, "id": 1, "type": "Organization"},
        "html_url": f"https://github.com/{full_name}",
        # a payload that lies about it: no token goes there
        "clone_url": "https://elsewhere.example/steal.git",
        "pushed_at": next(_times),
        "default_branch": "main",
    }


def commit(sha: str, *modified: str) -> dict[str, Any]:
    """Returns a commit of a push."""
    author = {"name": "A Tester", "email": "tester@example.invalid", "username": "tester"}
    return {
        "id": sha,
        "tree_id": OTHER,
        "distinct": True,
        "message": "Mend it",
        "author": author,
        "added": [],
        "removed": [],
        "modified": list(modified),
    }


def push(ref: str = "refs/heads/main", after: str = HEAD, **over: Any) -> dict[str, Any]:
    """Returns an event `push`. Each one is unique."""
    changed = commit(after, "apps/web/inbox/models.py")
    return {
        "ref": ref,
        "before": BASE,
        "after": after,
        "repository": repository(),
        "pusher": {"name": "tester", "email": None},
        "sender": {"login": "tester", "id": 1},
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": "https://github.com/acme/cafe/compare/a...b",
        "commits": [changed],
        "head_commit": changed,
        **over,
    }


def side(ref: str, sha: str, repo: dict[str, Any] | None) -> dict[str, Any]:
    """Returns one side of a pull request."""
    return {"label": f"acme:{ref}", "ref": ref, "sha": sha, "user": {"login": "tester"}, "repo": repo}


def pull_request(
    action: str = "opened", *, head: dict[str, Any] | None = None, draft: bool = False, **over: Any
) -> dict[str, Any]:
    """Returns an event `pull_request`, by default of a branch of the repository itself."""
    return {
        "action": action,
        "number": 7,
        "pull_request": {
            "id": 1,
            "number": 7,
            "state": "open",
            "title": "Mend it",
            "draft": draft,
            "head": head or side("feature", HEAD, repository()),
            "base": side("main", BASE, repository()),
        },
        "repository": repository(),
        "sender": {"login": "tester", "id": 1},
        **over,
    }


def fork(full_name: str = "stranger/cafe", number: int = 99) -> dict[str, Any]:
    """Returns a head in another repository."""
    return side("main", HEAD, repository(full_name, number))


def ping() -> dict[str, Any]:
    """Returns the event that GitHub sends first."""
    return {
        "zen": "Keep it logically awesome.",
        "hook_id": 30,
        "hook": {"type": "Repository"},
        "repository": repository(),
    }


def encoded(event: Any) -> bytes:
    """Returns the body of the request."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def signature(body: bytes, secret: str = SECRET, kind: str = "sha256") -> str:
    """Returns the value of the signature header."""
    return f"{kind}={hmac.new(secret.encode(), body, kind).hexdigest()}"


def headers(body: bytes, name: str = "push", **over: str | None) -> dict[str, str]:
    """Returns GitHub's headers. None in `over` leaves a header out."""
    usual: dict[str, str | None] = {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "Content-Type": "application/json",
        "X-GitHub-Delivery": hashlib.sha256(body).hexdigest()[:32],
        "X-GitHub-Event": name,
        "X-Hub-Signature": signature(body, kind="sha1"),
        "X-Hub-Signature-256": signature(body),
    }
    given = usual | {key.replace("_", "-"): value for key, value in over.items()}
    return {key: value for key, value in given.items() if value is not None}
