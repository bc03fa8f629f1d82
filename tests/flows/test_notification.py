"""Which ends of runs are news, and the text of a notification."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from flows.commits.notification import REASON, Colour, Ended, NotificationSettings, news_of

RED = Ended(
    colour="red", deployment="nightly", name="cafe main", commit="b" * 40, reason="1 failed", url="https://p/runs/1"
)
GREEN = replace(RED, colour="green", reason="14 passed")


@pytest.mark.parametrize(
    ("run", "before", "subject"),
    [
        (RED, "green", "predeploy: cafe main is red"),
        (RED, None, "predeploy: cafe main is red"),
        (GREEN, "red", "predeploy: cafe main is green again"),
        (RED, "red", ""),
        (GREEN, "green", ""),
        (GREEN, None, ""),
    ],
)
def test_change_of_colour_is_news(run: Ended, before: Colour | None, subject: str) -> None:
    news = news_of(run, before)

    assert (news.subject if news else "") == subject


def test_message_has_run_reason_commit_and_link_without_empty_lines() -> None:
    news = news_of(replace(RED, commit="", url="", reason="x" * 5000), "green")

    assert news is not None
    assert news.body.splitlines() == ["nightly: cafe main went from green to red.", "x" * REASON]


@pytest.mark.parametrize("block", ["predeploy", "/predeploy", "slack-webhook/", "slack-webhook/a/b"])
def test_a_block_has_a_type_and_a_name(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDEPLOY_NOTIFY_BLOCK", block)

    with pytest.raises(ValidationError, match="as in 'slack-webhook/predeploy'"):
        NotificationSettings()
