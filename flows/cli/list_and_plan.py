"""The texts of `--list` and `--plan`. Pure."""

import json
from collections.abc import Mapping, Sequence

from tasks.catalogue import Catalogue
from tasks.models import Stage
from tasks.planning.plan import spec_key
from tasks.source.selection import FileSelection
from tasks.steps import Check
from tasks.validation.scope import Scope
from tasks.version import VERSION

LEGEND = """
How to read the plan:
  CHECK  STAGE  KEY  needs CHECKS  the key changes with the commands, the inputs and predeploy's version
    cached or runs: REASON         on the embedded engine, an earlier pass counts if nothing has changed
    DIRECTORY$ COMMAND (PACKAGES)  the packages that are installed for it; a service runs next to the commands
    @work@, @db.url@ and others    the engine replaces them by the directory of the run, its database and so on
"""


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as aligned lines. The last column has no padding."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def render_list(catalogue: Catalogue) -> str:
    """The checks of the stack by stage, then the absent checks with their reasons."""
    lines: list[str] = []
    for stage in Stage:
        rows = [(f"  {check.id}", titled(check)) for check in catalogue.checks if check.stage is stage]
        if rows:
            lines += [stage.capitalize(), *columns(rows), ""]
    if catalogue.absent:
        rows = [(f"  {each.name}", each.reason) for each in catalogue.absent]
        lines += ["Not in this stack", *columns(rows), ""]
    return "\n".join(lines).rstrip()


def list_document(catalogue: Catalogue) -> str:
    """The same as JSON: `checks`, and `absent` ones with their reasons."""
    checks = [
        {
            "id": check.id,
            "name": check.name,
            "title": check.title,
            "stage": check.stage.value,
            "component": check.component,
            "skipped": check.skip_reason.reason if check.skip_reason else None,
        }
        for check in catalogue.checks
    ]
    absent = [{"name": each.name, "component": each.component, "reason": each.reason} for each in catalogue.absent]
    return json.dumps({"checks": checks, "absent": absent}, indent=2)


def titled(check: Check) -> str:
    """The title of a check, and the reason if it will be skipped."""
    return f"{check.title} (skipped: {check.skip_reason.reason})" if check.skip_reason else check.title


def render_plan(scope: Scope, foreseen: Mapping[str, str]) -> str:
    """The chosen checks with their spec keys, needs and commands, and a legend.

    `foreseen` says for a check whether it is cached, or what has changed.
    """
    lines: list[str] = []
    selection = FileSelection(scope.tree)
    for check in scope.plan.checks:
        key = spec_key(check, selection.digest(check.inputs), VERSION)
        needs = f"  needs {', '.join(check.needs)}" if check.needs else ""
        lines.append(f"{check.id}  {check.stage}  {key}{needs}")
        lines += [f"    {foreseen[check.id]}"] if check.id in foreseen else []
        for command in check.commands:
            shown = " ".join(command.argv)
            if not shown or "\n" in shown:  # the engine does the work, or the argument is a script
                shown = command.label
            lines.append(f"    {command.cwd}$ {shown}" + (f"  ({command.environment})" if command.environment else ""))
            lines += [f"    {each.cwd}$ {' '.join(each.argv)}  (service)" for each in command.services]
        if check.skip_reason is not None:
            lines.append(f"    skipped: {check.skip_reason.reason}")
    return "\n".join([*lines, LEGEND.rstrip()])
