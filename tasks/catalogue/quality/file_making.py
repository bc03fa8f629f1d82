"""Repeats the steps that make files before the stack's own call of a tool, such as `cp .env.example .env`."""

from dataclasses import replace

from tasks.discovery.calls.file_steps import shell_line
from tasks.stack import ToolCall
from tasks.steps import Command


def making_files(row: Command, call: ToolCall | None) -> tuple[Command, ...]:
    """Returns the command that makes the files in the workspace of a tool's command; none without such steps."""
    if call is None or not call.before:
        return ()
    first = call.before[0]
    made = replace(
        row,
        argv=("sh", "-ec", "\n".join(map(shell_line, call.before))),
        label=f"files of {first.file}:{first.line}",
        cwd=".",
        env=(),
        secrets=(),
        verdicts=(),
        refined=(),
        evidence="",
        proves="",
        empty=(),
        parser="",
        limit=60,
        selection=None,
    )
    return (made,)
