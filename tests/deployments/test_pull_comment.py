"""The comment on a pull request: written once, kept up to date, and no part of the verdict."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from flows.commits.pull_comment import comment_of_actions, comment_of_flow
from tasks.github.comment import keep_comment
from tasks.github.status import GitHub
from tasks.report.formats.comment import LONGEST, comment_marker, render_comment
from tests.deployments.fake_pulls import FakePulls, fake_pulls
from tests.report import factories as make

COMMIT = "b" * 40


@pytest.fixture
def pulls(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePulls]:
    with fake_pulls() as fake:
        for name, value in {"COMMENT": "true", "API_URL": fake.url, "TOKEN": "ghp_secret"}.items():
            monkeypatch.setenv(f"PREDEPLOY_GITHUB_{name}", value)
        yield fake


def pull(number: int, *, state: str = "open", head: str = COMMIT) -> dict[str, object]:
    return {"number": number, "state": state, "head": {"sha": head}}


async def test_open_pull_requests_of_the_commit_get_one_comment_each(pulls: FakePulls) -> None:
    pulls.pulls[COMMIT] = [pull(7), pull(8, state="closed"), pull(9, head="c" * 40)]
    pulls.comments[7] = [{"id": number, "body": "hello"} for number in range(120)]
    given = ("acme/cafe", COMMIT, "ghp_secret", "predeploy/cafe", "https://prefect.example/run")

    assert await comment_of_flow(make.compared(), *given) == ""
    assert await comment_of_flow(make.green_full(), *given) == ""

    (written,) = pulls.bodies(7)[120:]
    assert (pulls.bodies(8), pulls.bodies(9), pulls.tokens) == ([], [], {"Bearer ghp_secret"})
    assert written.splitlines()[0] == "<!-- predeploy: predeploy/cafe -->"
    assert "Ready to deploy" in written
    assert "[The run](https://prefect.example/run)" in written


async def test_comments_of_other_stacks_and_users_stay(pulls: FakePulls) -> None:
    text = f"{comment_marker('predeploy/cafe')}\nnew"
    theirs, other = f"{comment_marker('predeploy/cafe')}\nfake", f"{comment_marker('predeploy/bar')}\nother"
    pulls.comments[7] = [{"id": 1, "body": theirs}, {"id": 2, "body": other}]
    pulls.foreign = {1}

    await keep_comment(GitHub(api_url=pulls.url, token="t"), "acme/cafe", COMMIT, 7, text)

    assert pulls.bodies(7) == [theirs, other, text]


@pytest.mark.parametrize("broken", ["acme/absent", "acme/cafe"])
async def test_a_comment_that_cannot_be_written_is_a_warning(pulls: FakePulls, broken: str) -> None:
    pulls.pulls[COMMIT] = [{"number": "x"}]

    warning = await comment_of_flow(make.green_full(), broken, COMMIT, "", "predeploy", "")

    assert warning.startswith("the comment on the pull request was not written: ")


async def test_without_the_setting_github_is_not_asked(pulls: FakePulls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREDEPLOY_GITHUB_COMMENT")

    assert await comment_of_flow(make.green_full(), "acme/cafe", COMMIT, "", "predeploy", "") == ""
    assert await comment_of_actions(make.green_full(), {}) == ""
    assert pulls.asked == []


def test_comment_has_new_findings_those_of_the_base_and_the_weaker_gate() -> None:
    text = render_comment(make.compared(), "predeploy", {"The run": "https://ci.example/1"})

    assert "**New findings**" in text
    assert "delivery.py:11:5" in text
    assert "delivery.py:12:5" not in text  # the base has it
    assert "Not of this pull request: 1 finding that 1a2b3c4d5e (merge base with main) has too." in text
    assert "**The gate got weaker since" in text
    assert "apps/web/a.py:7 new: `# noqa: F401`" in text
    assert "and 9 more" in text


@pytest.mark.parametrize("case", make.CASES)
def test_comment_is_short_and_its_texts_are_no_markup(case: str) -> None:
    report = make.CASES[case]()
    hostile = replace(report.verdict, reason="@all see https://evil.example ```\n# <b>big</b>")

    text = render_comment(replace(report, verdict=hostile), "predeploy", {})

    assert len(text) <= LONGEST + 100
    assert "@all" not in text
    assert "https://" not in text
    assert text.count("```") % 2 == 0
