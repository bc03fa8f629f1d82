"""Decides which quality tools a Python component uses, how it calls them, and in which version."""

import re

from tasks.catalogue.row import CatalogueContext
from tasks.discovery.quality_tools import TOOLS
from tasks.stack import CallSource, Component, Kind, PythonProject, ToolCall

# Packages that a tool needs. With their locked versions the tool behaves as it does in the stack's environment.
_COMPANIONS = {
    "black": ("click", "mypy-extensions", "packaging", "pathspec", "platformdirs", "pytokens"),
    "flake8": ("mccabe", "pycodestyle", "pyflakes"),
}
_FLAKE8_PLUGINS = re.compile(r"^(?:flake8-|pep8-naming$|wemake-python-styleguide$|dlint$|darglint$|hacking$)")


def project_of(component: Component) -> PythonProject:
    """Returns the Python project of a Django component, which always has one."""
    assert component.python is not None
    return component.python


def chosen_calls(project: PythonProject, tool: str) -> tuple[ToolCall, ...]:
    """Returns the calls of a tool in the best kind of source, each once for what it looks at."""
    found = [call for call in project.calls if call.tool == tool]
    if not found:
        return ()
    best = min(call.source for call in found)
    # The same call may also run in a container, where its directory and variables are less certain.
    ordered = sorted((call for call in found if call.source is best), key=lambda call: call.contained)
    distinct: dict[tuple[object, ...], ToolCall] = {}
    for call in ordered:
        distinct.setdefault((call.options, call.paths, call.directory, call.script, call.version), call)
    return tuple(distinct.values())


def is_called(project: PythonProject, *tools: str) -> bool:
    """Whether a CI file, a recipe or a hook calls one of the tools. Documents do not count."""
    return any(call.tool in tools and call.source is not CallSource.DOCS for call in project.calls)


def uses(project: PythonProject, package: str, *tools: str) -> bool:
    """Whether the stack configures a package's tool, or calls one of these tools of it."""
    return package in project.configurations or any(call.tool in tools for call in project.calls)


def hook_version(project: PythonProject, *tools: str) -> str:
    """Returns the version of a tool in pre-commit's list or in an action of CI, or an empty text."""
    return next((call.version for call in project.calls if call.tool in tools and call.version), "")


def covered(component: Component, context: CatalogueContext) -> str:
    """Returns the reason if the check of another component covers this one, because they share a project."""
    root = project_of(component).root
    for other in context.stack.of(Kind.WEB):
        if other is component:
            return ""
        if other.python and other.python.root == root:
            return f"the check of {other.label} covers {root}"
    return ""


def absence(component: Component, context: CatalogueContext, package: str, *tools: str) -> str:
    """Returns why a component has no check of a tool; an empty text if it has one.

    `package` is the tool's package, `tools` are the names of its calls.
    """
    assert package in TOOLS, f"{package}: enter it in TOOLS of tasks/discovery/quality_tools.py"
    project = component.python
    if project is None or not uses(project, package, *(tools or (package,))):
        return f"{component.label} does not use {package}"
    if package not in project.packages and not hook_version(project, *(tools or (package,))):
        return f"{component.label} {_shown(project, package, tools)}, but its lock does not have it"
    return covered(component, context)


def _shown(project: PythonProject, package: str, tools: tuple[str, ...]) -> str:
    if package in project.configurations:
        return f"configures {package}"
    call = next(call for call in project.calls if call.tool in (tools or (package,)))
    return f"calls {package} ({call.file}:{call.line})"


def tool_packages(project: PythonProject, tool: str, call: ToolCall | None) -> tuple[str, ...]:
    """Returns the requirements of a tool's own environment; empty if it runs in the development environment.

    A hook and an action name the version themselves. Otherwise it is the locked one.
    """
    package = tool.partition(" ")[0]
    own = call.version if call else ""
    if call and own:
        return (f"{package}=={own}", *call.packages)
    if package not in project.packages:
        return (f"{package}=={hook_version(project, tool)}",) if hook_version(project, tool) else ()
    if package not in project.versions or (package == "flake8" and any(map(_FLAKE8_PLUGINS.match, project.packages))):
        return ()
    names = (package, *(name for name in _COMPANIONS.get(package, ()) if name in project.versions))
    return tuple(f"{name}=={project.versions[name]}" for name in names)
