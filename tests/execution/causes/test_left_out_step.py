"""A file that a command before the deploy makes, which predeploy did not run."""

import pytest

from tasks.execution.causes.left_out_step import judge_left_out
from tasks.models import Diagnostic
from tasks.production import Sourced
from tasks.steps import Command
from tasks.worker import Deploy, DeployStep
from tests.support.factories import make_worker

GONE = 'Could not resolve "./routes.gen"'


@pytest.mark.parametrize(
    ("text", "message", "is_errored"),
    [
        ("node tools/tenants.mjs", GONE, True),
        ("CI=1 npx tsx tools/tenants.ts", GONE, True),
        ("node tools/tenants.mjs", 'The entry-point file at "dist/index.js" was not found.', True),
        ("node tools/tenants.mjs", 'Could not resolve "hono"', False),
        ("node tools/tenants.mjs", 'Expected ";" but found "}"', False),
        ("wrangler d1 migrations apply DB --remote", GONE, False),
        ("git push", GONE, False),
    ],
)
def test_a_missing_file_is_no_verdict_if_a_command_of_the_stack_did_not_run(
    text: str, message: str, is_errored: bool
) -> None:
    step = DeployStep(text=text, argv=("sh", "-c", text), found=Sourced(file="package.json", line=7))
    worker = make_worker(deploy=Deploy(left_out=(step,)))
    command = Command(argv=("wrangler", "deploy"), label="wrangler", parser="wrangler")

    judgement = judge_left_out(worker, command, (Diagnostic(tool="wrangler", message=message),))

    assert (judgement is not None) is is_errored
    if judgement:
        assert judgement.reason_code == "frontend_unbuilt"
        assert f"`{text}` runs before the deploy (package.json:7)" in judgement.reason
