"""The texts of the files that `predeploy init` writes: made of what was discovered. Pure."""

import json
import shlex
import textwrap
from collections.abc import Iterator, Sequence

from tasks.production import InspectedComponent
from tasks.report.inspection import origin
from tasks.report.layout import clean_line

WIDTH = 100
ACTION = "OWNER/predeploy@SHA"
"""The action in a workflow, where the installed predeploy does not know its own repository."""
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
HEAD = (
    "# Settings of predeploy for this stack. All of them are optional: what predeploy found in the stack's own files",
    "# stands here as comments. A line without # wins over what was found.",
    "# `predeploy inspect` prints the current facts. docs/configuration.md has all keys.",
)


def settings_text(components: Sequence[InspectedComponent]) -> str:
    """Returns `predeploy.toml`, in which each fact is a comment, and each guess has the line that corrects it."""
    lines = [*HEAD, "", '# engine = "auto"             # dagger (containers), local (this machine) or auto']
    lines += ["# budget = 540                # stop cleanly after this many seconds"]
    for component in components:
        lines += ["", *_component(component)]
    return "\n".join(lines) + "\n"


def _component(component: InspectedComponent) -> Iterator[str]:
    name = f" ({component.name})" if component.name and component.path == "." else ""
    yield clean_line(f"# {component.kind} {component.path}{name}")
    for fact in component.facts:
        text = clean_line(f"{fact.topic}: {fact.found.value or 'none'} ({origin(fact.found)})")
        yield from textwrap.wrap(text, WIDTH, initial_indent="#   ", subsequent_indent="#     ", break_on_hyphens=False)
    if component.variables:
        names = ", ".join(clean_line(variable.value.partition("=")[0]) for variable in component.variables)
        yield from textwrap.wrap(f"variables: {names}", WIDTH, initial_indent="#   ", subsequent_indent="#     ")
    yield f"[component.{json.dumps(clean_line(component.path), ensure_ascii=False)}]"
    if component.corrections:
        yield "# These were guessed. Correct a wrong one, and remove its #:"
        yield from (clean_line(f"# {line}") for line in component.corrections)


def workflow_text(directory: str, action: str = ACTION) -> str:
    """Returns a workflow of GitHub that validates pull requests and pushes. `directory` is that of the stack."""
    stack = "" if directory == "." else f", stack: {json.dumps(directory)}"
    placeholder = ["      # write the repository with predeploy, and one of its commits"] if action == ACTION else []
    lines = [
        "name: predeploy",
        "on:",
        "  pull_request:",
        "  push:",
        "    branches: [main]",
        "permissions:",
        "  contents: read",
        "jobs:",
        "  predeploy:",
        "    runs-on: ubuntu-latest",
        "    timeout-minutes: 30",
        "    steps:",
        f"      - uses: {CHECKOUT}",
        "        with: {fetch-depth: 0, persist-credentials: false}",
        *placeholder,
        f"      - uses: {action}",
        "        # a deploy needs the gate: remove `gate`, and name the target in `environment`",
        f'        with: {{gate: "false"{stack}}}',
    ]
    return "\n".join(lines) + "\n"


def hook_text(directory: str) -> str:
    """Returns a hook of git for the time before a push. It runs in the top directory of the repository."""
    return (
        "#!/bin/sh\n"
        "# Validates the tree before a push. `git push --no-verify` leaves it out.\n"
        f"exec predeploy {shlex.quote(directory)} --fail-fast\n"
    )


def agents_text(directory: str) -> str:
    """Returns a paragraph for coding agents."""
    stack = "" if directory == "." else f" {shlex.quote(directory)}"
    return f"""## Before you say that you are done

Run `predeploy{stack}`. It answers whether a deploy of this tree would succeed: exit code 0 is yes, 1 means that the
code is broken, 3 means no verdict, and 2 a wrong call. The last line has the verdict and the path of the report.

- `predeploy rerun{stack}` repeats the red checks. A failed test has its own command in the output.
- `predeploy explain CODE` says what a reason code means and what usually fixes it.
- `--only CHECK` runs one check, `--budget 540` stops cleanly after nine minutes.
- Exit code 3 is no fault of the code: read the reason, and do not change code for it.
"""
