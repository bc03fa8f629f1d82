"""Judges whether a program that ended with 0 has shown its work. Pure."""

import re

from tasks.execution.judgement import Judgement, errored
from tasks.exits import Exit
from tasks.reason_codes import ReasonCode
from tasks.steps import Command


def worked(command: Command, exit: Exit) -> bool:
    """Whether the output matches the command's evidence pattern; True without a pattern."""
    return not command.evidence or re.search(command.evidence, exit.stdout + "\n" + exit.stderr) is not None


def idle(command: Command) -> Judgement:
    """Returns the judgement of a program that exited with 0 but shows no evidence of its work: errored."""
    reason = f"{command.label} ended with exit code 0, but its output does not show that it did its work"
    return errored(ReasonCode.NO_EVIDENCE, reason)
