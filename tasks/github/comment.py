"""Keeps one comment on each open pull request of a commit up to date."""

from typing import Any

from tasks.github.status import GitHub, ask

PAGES, EACH = 10, 100
"""The pages of comments that are read, and the comments of each."""
ADVICE = "Check that the token may write comments there (`pull-requests: write`)."


async def keep_comment(github: GitHub, repository: str, commit: str, number: int | None, text: str) -> list[int]:
    """Writes the comment, and returns the pull requests that have it. Raises EngineError if GitHub refuses it.

    `number` is the pull request if it is known, else those of the commit are asked for. The first line of the text
    identifies the comment: an older one with it is replaced.
    """
    numbers = [number] if number else await _open_pulls(github, repository, commit)
    for each in numbers:
        path = f"repos/{repository}/issues/{each}/comments"
        for known in await _known(github, path, text.partition("\n")[0]):
            # another user may have written a comment with this line: GitHub then refuses, and the next one is tried
            edited = await ask(
                github, "PATCH", f"repos/{repository}/issues/comments/{known}", {"body": text}, (200, 403, 404), ADVICE
            )
            if edited.status_code == 200:
                break
        else:
            await ask(github, "POST", path, {"body": text}, (201,), ADVICE)
    return numbers


async def _open_pulls(github: GitHub, repository: str, commit: str) -> list[int]:
    answer = await ask(github, "GET", f"repos/{repository}/commits/{commit}/pulls", None, (200,), ADVICE)
    pulls: list[dict[str, Any]] = answer.json()
    return [int(pull["number"]) for pull in pulls if pull["state"] == "open" and pull["head"]["sha"] == commit]


async def _known(github: GitHub, path: str, marker: str) -> list[int]:
    """The ids of the comments that begin with the marker."""
    found: list[int] = []
    for page in range(1, PAGES + 1):
        answer = await ask(github, "GET", f"{path}?per_page={EACH}&page={page}", None, (200,), ADVICE)
        comments: list[dict[str, Any]] = answer.json()
        found += [int(each["id"]) for each in comments if str(each["body"]).startswith(marker)]
        if len(comments) < EACH:
            break
    return found
