"""Commit statuses: what is sent to GitHub, and when a failed attempt is repeated."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from flows.commits.status import commit_tags, context_of
from tasks.errors import EngineError
from tasks.github import status as module
from tasks.github.settings import GitHubSettings
from tasks.github.status import CommitStatus, GitHub, StatusState, pause_after, set_status
from tests.deployments.fake_github import FakeGitHub, Refusal, fake_github

COMMIT = "b" * 40
FAILURE = CommitStatus(
    state=StatusState.FAILURE, context="predeploy", description="1 failed, 5 passed", url="https://p/runs/1"
)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.setattr(module, "BACKOFF", 0.001)
    with fake_github() as github:
        yield github


async def send_status(github: FakeGitHub, status: CommitStatus = FAILURE) -> None:
    await set_status(GitHub(api_url=github.url, token="ghp_secret"), "acme/cafe", COMMIT, status)


async def test_a_status_has_state_context_description_and_link(github: FakeGitHub) -> None:
    await send_status(github)

    assert github.requests == [
        (
            f"/repos/acme/cafe/statuses/{COMMIT}",
            "Bearer ghp_secret",
            {
                "state": "failure",
                "context": "predeploy",
                "description": "1 failed, 5 passed",
                "target_url": "https://p/runs/1",
            },
        )
    ]


async def test_a_redirect_is_not_taken_for_success(github: FakeGitHub) -> None:
    github.refusals = [(302, {"Location": f"{github.url}/elsewhere"}, "")]

    with pytest.raises(EngineError, match="did not accept the status"):
        await send_status(github)


@pytest.mark.parametrize(
    ("parameters", "context"),
    [
        ({}, "predeploy"),
        ({"gate": True, "trusted": True}, "predeploy/gate"),
        ({"trusted": False}, "predeploy/fork"),
        ({"trusted": False, "gate": True}, "predeploy/fork/gate"),
    ],
)
def test_the_context_names_gate_and_fork(parameters: dict[str, bool], context: str) -> None:
    assert context_of("predeploy", parameters) == context


def test_a_run_that_is_run_again_is_about_what_it_has_cloned_then() -> None:
    assert commit_tags(commit_tags(["on-push"], "a" * 40), COMMIT) == ["on-push", f"commit:{COMMIT}"]


async def test_a_description_is_one_line_of_at_most_140_characters(github: FakeGitHub) -> None:
    await send_status(github, replace(FAILURE, description="line\n" * 100, url=""))

    (status,) = github.statuses("acme/cafe", COMMIT)
    assert (len(status["description"]), "\n" in status["description"]) == (140, False)
    assert "target_url" not in status


@pytest.mark.parametrize(
    "refusals",
    [
        [(500, {}, ""), (502, {}, "")],
        [(403, {"Retry-After": "0"}, "secondary rate limit")],
        [(403, {}, "You have exceeded a secondary rate limit")],
        [(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, "API rate limit exceeded")],
        [(429, {"Retry-After": "0"}, "")],
        [(503, {"Retry-After": "0"}, "")] * 5,
    ],
    ids=["server", "retry after", "secondary", "reset", "429", "five times"],
)
async def test_it_retries_server_errors_and_rate_limits(github: FakeGitHub, refusals: list[Refusal]) -> None:
    github.refusals = list(refusals)

    await send_status(github)

    assert (github.refusals, github.states("acme/cafe", COMMIT)) == ([], ["failure"])


@pytest.mark.parametrize("code", [401, 403, 404, 422])
async def test_it_does_not_retry_client_errors(github: FakeGitHub, code: int) -> None:
    github.refusals = [(code, {}, "no"), (code, {}, "no")]

    with pytest.raises(EngineError, match=f"status of acme/cafe@bbbbbbbbbb \\({code} [A-Z][A-Za-z ]+\\)"):
        await send_status(github)

    assert len(github.refusals) == 1


async def test_it_gives_up_after_the_last_attempt(github: FakeGitHub) -> None:
    github.refusals = [(500, {}, "down")] * 100

    with pytest.raises(EngineError, match=r"\(500 Internal Server Error\)"):
        await send_status(github)

    assert len(github.refusals) == 100 - module.ATTEMPTS


async def test_an_unreachable_server_is_reported_without_the_token(github: FakeGitHub) -> None:
    with pytest.raises(EngineError, match="ConnectError") as caught:
        await set_status(GitHub(api_url="http://127.0.0.1:9", token="ghp_secret"), "acme/cafe", COMMIT, FAILURE)

    assert "ghp_secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "headers", "pause"),
    [
        (500, {}, 7.0),
        (503, {"retry-after": "30"}, 30.0),
        (429, {}, 7.0),
        (403, {"retry-after": "60"}, 60.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1100"}, 100.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, 0.0),
        # the reset time is ignored while requests remain
        (500, {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "4600"}, 7.0),
        (403, {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "4600"}, None),
        (404, {"retry-after": "1"}, None),
    ],
)
def test_the_pause_follows_the_headers_of_github(code: int, headers: Mapping[str, str], pause: float | None) -> None:
    assert pause_after(code, headers, "", 7.0, 1000.0) == pause


def test_a_token_is_not_in_a_repr() -> None:
    settings = GitHubSettings.model_validate({"token": "ghp_secret"})

    assert "ghp_secret" not in repr(settings) + repr(GitHub(api_url="x", token="ghp_secret"))
