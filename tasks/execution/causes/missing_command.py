"""Judges a shell's message that it does not find a program. Pure."""

import re
from collections.abc import Collection

from tasks.execution.causes.npm_commands import NPM_COMMANDS
from tasks.execution.judgement import Judgement, errored, failed
from tasks.exits import Exit
from tasks.reason_codes import ReasonCode
from tasks.steps import Command

_ABSENT = re.compile(
    r"^(?:\[custom build\] )?(?:/\S*/)?(?:ba|da|z|k)?sh: (?:line )?(?:\d+: )?(?P<name>[\w.@/-]+): (?:command )?"
    r"not found",
    re.MULTILINE,
)
# The same for a script of the stack: its name has a folder.
_SCRIPT = re.compile(
    r"^(?:\[custom build\] )?\S*sh: (?:line )?(?:\d+: )?(?P<name>(?!/)[\w.@-]+/[\w.@/-]+): "
    r"(?P<why>Permission denied|not found|No such file or directory|cannot execute: required file not found"
    r"|\S+: bad interpreter)",
    re.MULTILINE,
)
UNEXECUTABLE = "Permission denied"


def judge_script(command: Command, exit: Exit) -> Judgement | None:
    """Returns failed if a build calls a script of the stack that does not start; None without such a message."""
    found = _SCRIPT.search(f"{exit.stdout}\n{exit.stderr}")
    if found is None or command.environment == "image":
        return None
    name = found["name"]
    if found["why"] == UNEXECUTABLE:
        why = f"git has it without the bit for execution: `git update-index --chmod=+x {name}`"
    else:
        why = "the tree lacks it, or its first line names a program that is not there, as one that ends with CRLF does"
    return failed(
        ReasonCode.TOOL_MISSING, f"{command.label} calls {name}, which does not start: {why}", explained=False
    )


def judge_absent(command: Command, exit: Exit, packages: Collection[str] = ()) -> Judgement | None:
    """Returns failed if only a package of npm has the program, else errored; None without such a message.

    Other programs may be part of the place where production builds. `packages` are those of the manifest.
    """
    if script := judge_script(command, exit):
        return script
    found = _ABSENT.search(f"{exit.stdout}\n{exit.stderr}")
    if found is None or command.environment == "image":
        return None
    name = found["name"]
    caller = " ".join(command.argv[:3]) if command.argv[:1] in {("npm",), ("pnpm",)} else command.label
    if "[custom build]" in found[0]:
        caller = "the build command of the wrangler file"
    what = f"{caller} calls {name}, which was not found"
    if command.environment == "node" and name in NPM_COMMANDS:
        package = NPM_COMMANDS[name]
        lack = f"no manifest of the stack has the package {package}"
        lack = f"the lock installs {package} without this program" if package in packages else lack
        reason = f"{what}: {lack}"
        return failed(ReasonCode.TOOL_MISSING, reason, explained=False)
    return errored(ReasonCode.TOOL_MISSING, f"{what}: install {name} on this machine, or call it only where it is")
