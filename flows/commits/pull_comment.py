"""The comment on a pull request: from a deployment, or in GitHub Actions. It is opt in, and no part of the verdict."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tasks.errors import PredeployError
from tasks.github.comment import keep_comment
from tasks.github.settings import GitHubSettings
from tasks.github.status import GitHub
from tasks.models import Report
from tasks.report.formats.comment import render_comment


async def comment_of_actions(report: Report, environ: Mapping[str, str]) -> str:
    """Writes the comment of a run in GitHub Actions. Returns a warning; empty if all went well or none is wanted."""
    try:
        github = GitHubSettings()
    except ValueError as error:
        return f"the comment on the pull request was not written: {error}"
    number = pull_request_of(environ)
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not (github.comment and number and repository):
        return ""
    run = f"{github.server_url}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"
    token = github.token.get_secret_value() if github.token else ""
    return await _written(report, github, token, repository, environ.get("GITHUB_SHA", ""), number, {"The run": run})


async def comment_of_flow(report: Report, repository: str, commit: str, token: str, context: str, url: str) -> str:
    """Writes the comment of a deployment's run on the pull requests of a commit. Returns a warning, or nothing."""
    github = GitHubSettings()
    links = {"The run": url} if url else {}
    if not (github.comment and repository):
        return ""
    return await _written(report, github, token, repository, commit, None, links, context)


async def _written(
    report: Report,
    github: GitHubSettings,
    token: str,
    repository: str,
    commit: str,
    number: int | None,
    links: dict[str, str],
    context: str = "",
) -> str:
    text = render_comment(report, context or f"{github.context}/{report.stack}", links)
    try:
        await keep_comment(GitHub(api_url=github.api_url, token=token), repository, commit, number, text)
    except (PredeployError, ValueError, KeyError, TypeError) as error:  # also an answer that is none of GitHub's
        return f"the comment on the pull request was not written: {error}"
    return ""


def pull_request_of(environ: Mapping[str, str]) -> int | None:
    """The number of the pull request that GitHub Actions validates."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    return None
