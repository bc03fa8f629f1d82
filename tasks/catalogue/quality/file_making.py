"""Repeats the steps that make files before the stack's own call of a tool, such as `cp .env.example .env`."""

from dataclasses import replace

from tasks.discovery.calls.file_steps import shell_line
from tasks.stack import ToolCall
from tasks.steps import Command

RUNNERS = frozenset({"pytest", "django_test"})
"""Parsers of the tools that need the files of manage.py's commands: static files and translations."""


def making_files(row: Command, call: ToolCall | None) -> tuple[Command, ...]:
    """Returns the command that makes the files in the workspace of a tool's command; none without such steps.

    Commands of manage.py have the variables of the tests. If one fails, the tests decide.
    """
    steps = [step for step in (call.before if call else ()) if step.makes or row.parser in RUNNERS]
    if not steps:
        return ()
    runs_code = not all(step.makes for step in steps)
    lines = (shell_line(step) + ("" if step.makes else " || :") for step in steps)
    made = replace(
        row,
        argv=("sh", "-ec", "\n".join(lines)),
        label=f"files of {steps[0].file}:{steps[0].line}",
        cwd=".",
        env=row.env if runs_code else (),
        secrets=row.secrets if runs_code else (),
        verdicts=(),
        refined=(),
        evidence="",
        proves="",
        empty=(),
        parser="",
        limit=300 if runs_code else 60,
        selection=None,
    )
    return (made,)
