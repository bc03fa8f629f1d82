"""The check run of a commit, with annotations: made by deployments whose token is a GitHub App's."""

from tasks.errors import PredeployError
from tasks.github.check_run import is_of_app, make_check_run
from tasks.github.settings import GitHubSettings
from tasks.github.status import GitHub
from tasks.models import Report
from tasks.report.formats.check_run import check_run_document


async def check_run_of_flow(
    report: Report, repository: str, commit: str, token: str, name: str, url: str, below: str
) -> str:
    """Makes the check run. Returns a warning; empty if all went well, or without the token of an app."""
    if not (repository and is_of_app(token)):
        return ""
    document = check_run_document(report, name, commit, url, below)
    try:
        await make_check_run(GitHub(api_url=GitHubSettings().api_url, token=token), repository, document)
    except PredeployError as error:
        return f"the check run was not made: {error}"
    return ""
