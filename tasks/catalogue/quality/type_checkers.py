"""Commands of Python's type checkers, as the stack itself calls them."""

from dataclasses import replace

from tasks.catalogue.quality.file_making import making_files
from tasks.catalogue.quality.linters import tool
from tasks.catalogue.quality.mypy_target import mypy_target
from tasks.catalogue.quality.usage import chosen_calls, project_of, tool_packages
from tasks.catalogue.row import CatalogueContext
from tasks.stack import Component, ToolCall
from tasks.steps import CACHE, Command

MYPY_FLAGS = (
    "--cache-dir",
    CACHE,
    "--show-column-numbers",
    "--no-color-output",
    "--no-pretty",
    "--hide-error-context",
    "--show-traceback",
    "--error-summary",
)


def mypy(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for types by mypy."""
    found = []
    for call in chosen_calls(project_of(component), "mypy") or (None,):
        words = (*(call.options if call else ()), *mypy_target(component, context, call))
        row = tool(component, context, "mypy", "mypy", *MYPY_FLAGS, *words, parser="mypy", call=call, limit=600)
        # mypy's plugin for Django imports the settings, which may need the secrets
        row = replace(row, evidence=r"Success: no issues found", secrets=context.secrets(component))
        row = _placed(component, row, "mypy", call)
        found += [*making_files(row, call), row]
    return tuple(found)


def pyright(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for types by pyright. Its package starts a program of Node."""
    found = []
    for call in chosen_calls(project_of(component), "pyright") or (None,):
        words = (*(call.options if call else ()), *(call.paths if call else ()))
        row = tool(
            component, context, "pyright", "pyright", "--outputjson", *words, parser="pyright", call=call, limit=600
        )
        codes = ((1, "findings"), (3, "tool_config"))
        row = replace(row, verdicts=codes, evidence=r'"filesAnalyzed"', proves=r'"generalDiagnostics"')
        row = _placed(component, row, "pyright", call)
        found += [*making_files(row, call), row]
    return tuple(found)


def _placed(component: Component, row: Command, name: str, call: ToolCall | None) -> Command:
    """Returns the command in the development environment, or, if only a hook has the tool, in the hook's."""
    project = project_of(component)
    if name in project.packages:
        return row
    package, *rest = tool_packages(project, name, call)
    extra = package.replace("pyright==", "pyright[nodejs]==")
    return replace(row, environment="tool", packages=(extra, *rest))
