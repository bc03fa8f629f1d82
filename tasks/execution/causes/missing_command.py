"""Judges a shell's message that it does not find a program. Pure."""

import re

from tasks.execution.causes.npm_commands import NPM_COMMANDS
from tasks.execution.judgement import Judgement, errored, failed
from tasks.exits import Exit
from tasks.reason_codes import ReasonCode
from tasks.steps import Command

_ABSENT = re.compile(
    r"^(?:/bin/)?(?:ba|da|z|k)?sh: (?:line )?(?:\d+: )?(?P<name>[\w.@/-]+): (?:command )?not found", re.MULTILINE
)


def judge_absent(command: Command, exit: Exit) -> Judgement | None:
    """Returns failed if only a package of npm has the program, else errored; None without such a message.

    Other programs may be part of the place where production builds.
    """
    found = _ABSENT.search(f"{exit.stdout}\n{exit.stderr}")
    if found is None or command.environment == "image":
        return None
    name = found["name"]
    caller = " ".join(command.argv[:3]) if command.argv[:1] in {("npm",), ("pnpm",)} else command.label
    what = f"{caller} calls {name}, which was not found"
    if command.environment == "node" and name in NPM_COMMANDS:
        reason = f"{what}: no manifest of the stack has the package {NPM_COMMANDS[name]}"
        return failed(ReasonCode.TOOL_MISSING, reason, explained=False)
    return errored(ReasonCode.TOOL_MISSING, f"{what}: install {name} on this machine, or call it only where it is")
