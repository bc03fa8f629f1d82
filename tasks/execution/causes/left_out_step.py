"""Finds files that a command before the deploy makes, which predeploy did not run. Pure."""

import re
from collections.abc import Sequence

from tasks.execution.judgement import Judgement, errored
from tasks.models import Diagnostic, Severity
from tasks.reason_codes import ReasonCode
from tasks.settings.mistakes import spelled
from tasks.stack import Component
from tasks.steps import Command

# Programs of the stack, whose work no name shows.
_OWN = re.compile(
    r"^(?:\w+=\S+\s+)*(?:npx\s+)?(?:node|tsx|ts-node|bun|deno|python3?|sh|bash|\./|make\b|just\b|npm|pnpm|yarn)"
)
_ABSENT = re.compile(
    r"Could not resolve \"(?P<module>\.{1,2}/[^\"]+)\"|The entry-point file at \"(?P<entry>[^\"]+)\" was not found"
    r"|directory specified by the \"assets.directory\".*does not exist"
)


def judge_left_out(component: Component | None, command: Command, found: Sequence[Diagnostic]) -> Judgement | None:
    """Returns an errored judgement if wrangler lacks a file that a left out command of the stack may make."""
    worker = component.worker if component else None
    first = next((each for each in found if each.severity is Severity.ERROR), None)
    if component is None or worker is None or command.parser != "wrangler" or first is None:
        return None
    step = next((each for each in worker.deploy.left_out if _OWN.match(each.text)), None)
    if step is None or not _ABSENT.search(first.message):
        return None
    table = spelled(("component", component.path))
    reason = (
        f"{first.message}: `{step.text}` runs before the deploy ({step.found.place}), and predeploy did not run it: it "
        f"may change other systems, or has packages of its own. If a script of the Worker's package can run it here, "
        f'name that script in predeploy.toml: [{table}] build = "…"'
    )
    return errored(ReasonCode.FRONTEND_UNBUILT, reason)
