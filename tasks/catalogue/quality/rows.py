"""Rows for quality tools of Python and Node: each tool that the stack uses, in the locked version."""

import re
from dataclasses import replace

from tasks.catalogue.django.environment import django_env, own_env
from tasks.catalogue.quality.mypy_target import mypy_target
from tasks.catalogue.row import CatalogueContext, Row
from tasks.discovery.quality_tools import TOOLS
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import CACHE, OUT, Command, Fact

FINDINGS = ((1, "findings"), (2, "tool_config"))
# tools use one exit code for code that they cannot read and for a broken configuration
NOT_READ: tuple[str, Fact, str] = ("tool_config", "python_error", "findings")
NOT_COLLECTED: tuple[str, Fact, str] = ("tests_failed", "no_tests", "collection_error")


def python_absent(tool: str, component: Component, context: CatalogueContext) -> str:
    """Returns why a component has no such check: it does not use the tool, or another component's check covers it."""
    assert tool in TOOLS, f"{tool}: enter it in TOOLS of tasks/discovery/quality_tools.py"
    project = component.python
    if project is None or tool not in project.tools:
        return f"{component.label} does not use {tool}"
    if tool not in project.packages:
        return f"{component.label} configures {tool}, but its lock does not have it"
    for other in context.stack.of(Kind.WEB):
        if other is component:
            return ""
        if other.python and other.python.root == project.root:
            return f"the check of {other.label} covers {project.root}"
    return ""


def tool(
    component: Component, context: CatalogueContext, label: str, *argv: str, parser: str, limit: float = 300
) -> Command:
    """Returns the command of a tool of the development environment, in the project's root. `limit` is in seconds."""
    assert component.python is not None
    return Command(
        argv=argv,
        label=label,
        cwd=component.python.root,
        environment="development",
        env=django_env(component, context, settings_module=False),
        verdicts=FINDINGS,
        refined=(NOT_READ,),
        parser=parser,
        limit=limit,
    )


def ruff_check(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for lint."""
    argv = ("ruff", "check", "--no-cache", "--output-format", "json", ".")
    return (replace(tool(component, context, "ruff check", *argv, parser="ruff"), evidence=r"^\s*\["),)


def format_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why ruff does not check the format. With black it does so only if ruff's format is configured too."""
    project = component.python
    reason = python_absent("ruff", component, context)
    if reason or project is None or "black" not in project.tools:
        return reason
    path = project.configurations.get("ruff", "")
    chosen = (
        re.search(r"^\[(?:tool\.ruff\.)?format\b", context.read(path), re.MULTILINE) if path in context.paths else None
    )
    return "" if chosen else f"{component.label} is formatted with black"


def ruff_format(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for formatting, which prints a diff."""
    argv = ("ruff", "format", "--no-cache", "--check", "--diff", ".")
    row = tool(component, context, "ruff format --check", *argv, parser="ruff_format")
    return (replace(row, evidence=r"already formatted|No Python files found"),)


def mypy(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for types."""
    flags = (
        "--cache-dir",
        CACHE,
        "--show-column-numbers",
        "--no-color-output",
        "--no-pretty",
        "--hide-error-context",
        "--show-traceback",
    )
    argv = ("mypy", *flags, "--error-summary", *mypy_target(component, context))
    row = tool(component, context, "mypy", *argv, parser="mypy", limit=600)
    # mypy's plugin for Django imports the settings, which may need the secrets
    return (replace(row, evidence=r"Success: no issues found", secrets=context.secrets(component)),)


def pytest(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for tests."""
    # a number instead of -q: another -q in the project's options would remove the counts
    # without the cache plugin, --ff in the project's options is unknown; with a kept cache, --lf skips tests
    cache = ("-o", f"cache_dir={OUT}/pytest")
    argv = ("pytest", "--verbosity=0", "--tb=short", "-rfE", "--color=no", *cache)
    row = tool(component, context, "pytest", *argv, parser="pytest", limit=900)
    codes = ((1, "tests_failed"), (2, "collection_error"), (3, "internal_error"), (4, "tool_config"))
    ran = r"\d+ (?:passed|skipped|xfailed|xpassed)"
    refined = (NOT_READ, NOT_COLLECTED)
    row = replace(row, verdicts=codes, refined=refined, empty=(5,), evidence=ran)
    return (replace(row, secrets=context.secrets(component)),)


def node_absent(package: str, component: Component) -> str:
    """Returns why a component has no such check: its package does not depend on the tool."""
    uses = component.node is not None and package in component.node.dependencies
    return "" if uses else f"{component.label} does not use {package}"


def node_tool(
    component: Component, context: CatalogueContext, label: str, *argv: str, parser: str, reason: str = "findings"
) -> Command:
    """Returns the command of a tool of the component's packages. `reason` is the reason code of exit code 1."""
    return Command(
        argv=argv,
        label=label,
        cwd=component.path,
        environment="node",
        env=tuple(sorted(own_env(component, context).items())),
        verdicts=((1, reason), (2, "tool_config")),
        parser=parser,
        limit=600,
    )


def eslint(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for lint."""
    row = node_tool(component, context, "eslint", "eslint", "--format", "json", ".", parser="eslint")
    return (replace(row, evidence=r"\["),)


def vitest(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for tests."""
    # the JSON alone lacks errors outside of tests, and the reason why a file did not load
    argv = (
        "vitest",
        "run",
        "--reporter=default",
        "--reporter=json",
        "--outputFile.json=/dev/stdout",
        "--passWithNoTests",
    )
    row = node_tool(component, context, "vitest", *argv, parser="vitest", reason="tests_failed")
    evidence = r"numTotalTests|No test files found"
    return (replace(row, refined=(NOT_COLLECTED,), evidence=evidence, secrets=context.secrets(component)),)


def astro_check(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for types in Astro's components."""
    row = node_tool(component, context, "astro check", "astro", "check", parser="astro_check")
    # without its packages the tool prints a message and ends with 0
    return (replace(row, evidence=r"Result \(\d+ files?\)", secrets=context.secrets(component)),)


NODE = (Kind.WORKER, Kind.SITE)
WEB = (Kind.WEB,)
ROWS = (
    Row(
        name="ruff_check",
        title="ruff check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=ruff_check,
        absent=lambda component, context: python_absent("ruff", component, context),
    ),
    Row(
        name="ruff_format",
        title="ruff format --check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=ruff_format,
        absent=format_absent,
    ),
    Row(
        name="mypy",
        title="mypy",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=mypy,
        absent=lambda component, context: python_absent("mypy", component, context),
    ),
    Row(
        name="pytest",
        title="pytest",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=pytest,
        absent=lambda component, context: python_absent("pytest", component, context),
        database="empty",
    ),
    Row(
        name="eslint",
        title="eslint",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=eslint,
        absent=lambda component, _: node_absent("eslint", component),
    ),
    Row(
        name="vitest",
        title="vitest",
        stage=Stage.QUALITY,
        kinds=NODE,
        commands=vitest,
        absent=lambda component, _: node_absent("vitest", component),
    ),
    Row(
        name="astro_check",
        title="astro check",
        stage=Stage.QUALITY,
        kinds=(Kind.SITE,),
        commands=astro_check,
        absent=lambda component, _: node_absent("@astrojs/check", component),
    ),
)
