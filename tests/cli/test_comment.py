"""A run in GitHub Actions keeps the comment on its pull request, if it is asked to."""

import json
from dataclasses import replace
from pathlib import Path

from tests.cli.caller import Caller
from tests.cli.stack import FAILS, TinyStack
from tests.deployments.fake_pulls import fake_pulls


def test_run_in_actions_writes_the_comment_of_its_pull_request(
    caller: Caller, stack: TinyStack, tmp_path: Path
) -> None:
    stack.has("bad", FAILS)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with fake_pulls() as pulls:
        environ = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "acme/cafe",
            "GITHUB_RUN_ID": "42",
            "PREDEPLOY_GITHUB_COMMENT": "true",
            "PREDEPLOY_GITHUB_API_URL": pulls.url,
            "PREDEPLOY_GITHUB_TOKEN": "ghp_secret",
        }

        ended = replace(caller, environ={**caller.environ, **environ}).run(stack.root)

        ended.assert_ended(1, "FAILED")
        (body,) = pulls.bodies(7)
        assert "main.py:3 it is broken" in body
        assert "https://github.com/acme/cafe/actions/runs/42" in body
        assert "ghp_secret" not in f"{body}{ended.transcript}"
