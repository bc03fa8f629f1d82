"""Makes a check run of a commit, which only the token of a GitHub App may do."""

from collections.abc import Mapping

from tasks.github.status import CREATED, GitHub, ask

OF_APPS = "ghs_"
"""The first characters of the token of an app's installation."""
ADVICE = "Check that the app may write checks there (`checks: write`)."


def is_of_app(token: str) -> bool:
    """Whether a token is one of an app's installation."""
    return token.startswith(OF_APPS)


async def make_check_run(github: GitHub, repository: str, document: Mapping[str, object]) -> None:
    """Makes the check run. Raises EngineError if GitHub refuses it."""
    what = f"a check run of {repository}"
    await ask(github, "POST", f"repos/{repository}/check-runs", document, (CREATED,), ADVICE, what)
