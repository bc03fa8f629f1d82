"""Commands of Python's linters and formatters, as the stack itself calls them."""

import re
from collections.abc import Callable
from dataclasses import replace

from tasks.catalogue.django.environment import django_env
from tasks.catalogue.quality.targets import neighbours
from tasks.catalogue.quality.usage import absence, chosen_calls, is_called, project_of, tool_packages
from tasks.catalogue.row import CatalogueContext
from tasks.stack import Component, ToolCall
from tasks.steps import CACHE, Command, Fact

FINDINGS = ((1, "findings"), (2, "tool_config"))
# tools use one exit code for code that they cannot read and for a broken configuration
NOT_READ: tuple[str, Fact, str] = ("tool_config", "python_error", "findings")
# options that say how the code is formatted, not only which rules hold
_FORMAT = re.compile(r"^(?:line-length|indent-width)[ \t]*=", re.MULTILINE)
_FORMAT_SECTION = re.compile(r"^\[(?:tool\.ruff\.)?format\b", re.MULTILINE)
_RUFF_SECTION = re.compile(r"^\[tool\.ruff\](?P<body>.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)


def tool(
    component: Component,
    context: CatalogueContext,
    label: str,
    *argv: str,
    parser: str,
    call: ToolCall | None,
    limit: float = 300,
) -> Command:
    """Returns the command of a tool, in the directory of the stack's call. `limit` is in seconds.

    It runs in the development environment, or, if a lock or a hook has its version, in an environment of its own.
    """
    directory = call.directory if call else project_of(component).root
    where = f" {' '.join(call.paths)}" if call and call.paths and call.paths != (".",) else ""
    command = Command(
        argv=argv,
        label=f"{label}{where}",
        cwd=directory,
        environment="development",
        verdicts=FINDINGS,
        refined=(NOT_READ,),
        parser=parser,
        limit=limit,
    )
    return replace(command, env=django_env(component, context, settings_module=False))


def linter(component: Component, name: str, made: Callable[[ToolCall | None], Command]) -> tuple[Command, ...]:
    """Returns a command for each call of a linter, or one without a call."""
    project = project_of(component)
    found = []
    for call in chosen_calls(project, name) or (None,):
        command = made(call)
        packages = tool_packages(project, name, call)
        # a tool's own environment has no module of the stack, so it needs no variable of it either
        own = replace(command, environment="tool", packages=packages, env=_cache(name)) if packages else command
        found.append(own)
    return tuple(found)


def _cache(name: str) -> tuple[tuple[str, str], ...]:
    return (("BLACK_CACHE_DIR", f"{CACHE}/black"),) if name == "black" else ()


def _arguments(
    component: Component, context: CatalogueContext, call: ToolCall | None, excluding: Callable[[tuple[str, ...]], str]
) -> tuple[str, ...]:
    """Returns the options and paths of a call. `excluding` makes the option that leaves paths out."""
    hidden = neighbours(component, context, call)
    options = (*(call.options if call else ()), *((excluding(hidden),) if hidden else ()))
    return (*options, *((call.paths if call else ()) or (".",)))


def _globs(paths: tuple[str, ...]) -> str:
    return f"--extend-exclude={','.join(paths)}"


def ruff_check(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for lint by ruff."""

    def made(call: ToolCall | None) -> Command:
        argv = ("ruff", "check", "--no-cache", "--output-format", "json")
        words = _arguments(component, context, call, _globs)
        row = tool(component, context, "ruff check", *argv, *words, parser="ruff", call=call)
        return replace(row, evidence=r"^\s*\[")

    return linter(component, "ruff check", made)


def format_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why ruff does not check the format: the stack does not format with ruff."""
    reason = absence(component, context, "ruff", "ruff check", "ruff format")
    project = component.python
    if reason or project is None or any(call.tool == "ruff format" for call in project.calls):
        return reason
    if is_called(project, "black"):
        return f"{component.label} is formatted with black"
    if is_called(project, "ruff check"):
        return f"{component.label} calls ruff only to check, not to format"
    path = project.configurations.get("ruff", "")
    text = context.read(path) if path in context.paths else ""
    if _FORMAT_SECTION.search(text):
        return ""
    if "black" in project.tools:
        return f"{component.label} is formatted with black"
    section = _RUFF_SECTION.search(text) if path.endswith("pyproject.toml") else None
    top = section["body"] if section else "" if path.endswith("pyproject.toml") else text.split("\n[")[0]
    return "" if _FORMAT.search(top) else f"{component.label} configures no format of ruff, and does not call it"


def ruff_format(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for formatting by ruff, which print a diff."""

    def made(call: ToolCall | None) -> Command:
        argv = ("ruff", "format", "--no-cache", "--check", "--diff")
        words = _arguments(component, context, call, lambda paths: f"--exclude={','.join(paths)}")
        row = tool(component, context, "ruff format --check", *argv, *words, parser="ruff_format", call=call)
        return replace(row, evidence=r"already formatted|No Python files found")

    return linter(component, "ruff format", made)


def black(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for formatting by black, which print a diff."""

    def hide(paths: tuple[str, ...]) -> str:
        # black matches paths from the root of the repository, which a workspace does not have
        return f"--extend-exclude=/(?:{'|'.join(map(re.escape, paths))})(?:/|$)"

    def made(call: ToolCall | None) -> Command:
        words = _arguments(component, context, call, hide)
        argv = ("black", "--check", "--diff", "--no-color", *words)
        row = tool(component, context, "black --check", *argv, parser="black", call=call)
        verdicts = (*FINDINGS, (123, "findings"))
        return replace(row, verdicts=verdicts, evidence=r"would be left unchanged|No Python files are present")

    return linter(component, "black", made)


def isort(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for the order of imports. Only with --verbose does a pass print the files."""

    def made(call: ToolCall | None) -> Command:
        hidden = neighbours(component, context, call)
        skipped = tuple(word for path in hidden for word in ("--extend-skip", path))
        words = (*(call.options if call else ()), *skipped, *((call.paths if call else ()) or (".",)))
        row = tool(
            component,
            context,
            "isort --check",
            "isort",
            "--check-only",
            "--diff",
            "--verbose",
            *words,
            parser="isort",
            call=call,
        )
        return replace(row, evidence=r"(?m)^\s*VERSION \d")

    return linter(component, "isort", made)


def flake8(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for lint by flake8. Only with --count does a pass print anything."""

    def made(call: ToolCall | None) -> Command:
        words = _arguments(component, context, call, _globs)
        argv = ("flake8", "--count", "--format=default", *words)
        row = tool(component, context, "flake8", *argv, parser="flake8", call=call)
        return replace(row, evidence=r"(?m)^0$")

    return linter(component, "flake8", made)
