"""The table of deliveries: the answer to each, and the commit that is then validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.deployments.events import (
    BASE,
    HEAD,
    NONE,
    OTHER,
    commit,
    encoded,
    fork,
    ping,
    pull_request,
    push,
    repository,
    side,
    signature,
)

BODY = encoded(push())
Wanted = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A delivery and the expected status. `wanted` is ref, commit and policy of the stored delivery."""

    event: Any
    status: int
    name: str = "push"
    over: Mapping[str, str | None] = field(default_factory=dict)
    says: str = ""
    wanted: Wanted | None = None


def at(ref: str) -> Wanted:
    """Returns a trusted commit at a ref."""
    return f"refs/{ref}", HEAD, ""


MAIN = at("heads/main")
FEATURE = at("heads/feature")
FORK = ("refs/pull/7/head", HEAD, BASE)
CASES = {
    # authentication
    "valid": Case(event=push(), status=202, wanted=MAIN),
    "wrong secret": Case(event=BODY, status=401, over={"X_Hub_Signature_256": signature(BODY, "another")}),
    "no signature": Case(event=push(), status=401, over={"X_Hub_Signature_256": None, "X_Hub_Signature": None}),
    "sha1 only": Case(event=push(), status=401, over={"X_Hub_Signature_256": None}, says="not SHA-256"),
    "sha1 instead of sha256": Case(event=BODY, status=401, over={"X_Hub_Signature_256": signature(BODY, kind="sha1")}),
    "signature of another body": Case(event=push(), status=401, over={"X_Hub_Signature_256": signature(BODY)}),
    "signature cut off": Case(event=BODY, status=401, over={"X_Hub_Signature_256": signature(BODY)[:-1]}),
    "signature in capitals": Case(
        event=BODY, status=401, over={"X_Hub_Signature_256": f"sha256={signature(BODY)[7:].upper()}"}
    ),
    "signature with a suffix": Case(
        event=BODY, status=401, over={"X_Hub_Signature_256": f"{signature(BODY)},sha256={'0' * 64}"}
    ),
    "empty signature": Case(event=push(), status=401, over={"X_Hub_Signature_256": ""}),
    "empty body": Case(event=b"", status=400, says="not JSON"),
    # the format
    "form": Case(event=push(), status=415, over={"Content_Type": "application/x-www-form-urlencoded"}),
    "no content type": Case(event=push(), status=415, over={"Content_Type": None}),
    "JSON with a charset": Case(
        event=push(), status=202, over={"Content_Type": "application/json; charset=utf-8"}, wanted=MAIN
    ),
    "broken JSON": Case(event=b'{"ref": ', status=400, says="not JSON"),
    "JSON that is not an object": Case(event=b"[1, 2]", status=400, says="not a JSON object"),
    "JSON nested without end": Case(event=b"[" * 200_000, status=400, says="not JSON"),
    "not UTF-8": Case(event=b'{"ref": "\xff\xfe"}', status=400, says="not JSON"),
    "push under the name of a ping": Case(event=push(), name="ping", status=400, says="X-GitHub-Event says 'ping'"),
    "push under the name of an unknown event": Case(event=push(), name="issues", status=400, says="a push"),
    "push without a name": Case(event=push(), status=400, over={"X_GitHub_Event": None}),
    "pull request under the name of a push": Case(event=pull_request(), status=400, says="a pull_request"),
    "an event of another kind": Case(
        event={"action": "opened", "issue": {}}, name="issues", status=200, says="are not validated"
    ),
    "a review of a pull request": Case(
        event={"action": "submitted", "review": {}, "pull_request": {}}, name="pull_request_review", status=200
    ),
    "push without a commit": Case(event=push(after=""), status=400, says="after"),
    "push of an invalid commit id": Case(event=push(after="HEAD; rm -rf ."), status=400, says="after"),
    "ref that climbs": Case(event=push("refs/heads/../../x"), status=400, says="ref"),
    "ref that is an option": Case(event=push("--upload-pack=x"), status=400, says="ref"),
    "repository that climbs": Case(event=push(repository=repository("../..")), status=400, says="repository.full_name"),
    "repository of a URL": Case(event=push(repository=repository("https://x/y")), status=400),
    "id as a text": Case(event=push(repository=repository() | {"id": "1296269"}), status=400, says="repository.id"),
    "ping": Case(event=ping(), name="ping", status=200, says="the webhook works"),
    # the filters
    "branch that is filtered": Case(event=push("refs/heads/try"), status=200, says="BRANCHES"),
    "branch in a glob": Case(event=push("refs/heads/feature/a/b"), status=202, wanted=at("heads/feature/a/b")),
    "branch excluded from a glob": Case(event=push("refs/heads/feature/old"), status=200, says="BRANCHES"),
    "branch in Unicode": Case(event=push("refs/heads/feature/größe"), status=202, wanted=at("heads/feature/größe")),
    "branch deleted": Case(
        event=push(after=NONE, deleted=True, commits=[], head_commit=None), status=200, says="was deleted"
    ),
    "branch created": Case(
        event=push("refs/heads/feature/new", before=NONE, created=True, commits=[]),
        status=202,
        wanted=at("heads/feature/new"),
    ),
    "force push": Case(event=push(forced=True, commits=[commit(HEAD, "README.md")]), status=202, wanted=MAIN),
    "tag": Case(event=push("refs/tags/v1.2"), status=202, wanted=at("tags/v1.2")),
    "annotated tag": Case(
        event=push("refs/tags/v1.3", after=OTHER, head_commit=commit(HEAD)), status=202, wanted=at("tags/v1.3")
    ),
    "tag that is filtered": Case(event=push("refs/tags/nightly"), status=200, says="TAGS"),
    "neither branch nor tag": Case(event=push("refs/notes/commits"), status=200, says="neither"),
    "path that is filtered": Case(event=push(commits=[commit(HEAD, "docs/index.html")]), status=200, says="PATHS"),
    "path excluded from a glob": Case(event=push(commits=[commit(HEAD, "apps/a.md")]), status=200, says="PATHS"),
    "one path of many": Case(
        event=push(commits=[commit(BASE, "docs/a"), commit(HEAD, "docs/b", "apps/x.py")]), status=202, wanted=MAIN
    ),
    "too many commits to list": Case(event=push(commits=[commit(HEAD, "docs/a")] * 2048), status=202, wanted=MAIN),
    "another repository": Case(event=push(repository=repository("else/where")), status=200, says="REPOSITORIES"),
    # pull requests
    "own branch": Case(event=pull_request(), name="pull_request", status=202, wanted=FEATURE),
    "own branch whose push is validated": Case(
        event=pull_request(head=side("main", HEAD, repository())), name="pull_request", status=200, says="the push of"
    ),
    "synchronize": Case(event=pull_request("synchronize"), name="pull_request", status=202, wanted=FEATURE),
    "closed": Case(event=pull_request("closed"), name="pull_request", status=200, says="no new commit"),
    "labeled": Case(event=pull_request("labeled"), name="pull_request", status=200, says="no new commit"),
    "title edited": Case(
        event=pull_request("edited", head=fork(), changes={"title": {"from": "Fix"}}),
        name="pull_request",
        status=200,
        says="no new commit",
    ),
    "base edited": Case(
        event=pull_request("edited", head=fork(), changes={"base": {"ref": {"from": "legacy"}, "sha": {"from": HEAD}}}),
        name="pull_request",
        status=202,
        wanted=FORK,
    ),
    "draft": Case(event=pull_request(draft=True), name="pull_request", status=200, says="draft"),
    "draft that is ready": Case(
        event=pull_request("ready_for_review"), name="pull_request", status=202, wanted=FEATURE
    ),
    "fork": Case(event=pull_request(head=fork()), name="pull_request", status=202, wanted=FORK),
    "deleted fork": Case(
        event=pull_request(head=side("main", HEAD, None)), name="pull_request", status=202, wanted=FORK
    ),
    "fork under the repository's own name": Case(
        event=pull_request(head=fork("acme/cafe")), name="pull_request", status=202, wanted=FORK
    ),
    "fork with the repository's own id": Case(
        event=pull_request(head=fork(number=1296269)), name="pull_request", status=202, wanted=FORK
    ),
    "pull request without a head": Case(
        event=pull_request(head={"ref": "x"}), name="pull_request", status=400, says="pull_request.head"
    ),
}
