"""Rows for the quality of Python and Node code: each in the version that the stack locks, only where it is used."""

import configparser
import re
import tomllib
from dataclasses import replace

from tasks.catalogue.django_environment import django_env, own_env
from tasks.catalogue.row import Row, Scene
from tasks.discovery.tree import is_within, relative
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import CACHE, OUT, Command

MYPY_TARGETS = frozenset({"files", "packages", "modules"})
MYPY_CONFIGS = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")
FINDINGS = ((1, "findings"), (2, "tool_config"))


def joined(folder: str, name: str) -> str:
    """A path below a folder of the tree, without a leading `./`."""
    return name if folder == "." else f"{folder}/{name}"


def python_absent(tool: str, component: Component, scene: Scene) -> str:
    """Why a component has no such check: it does not use the tool, or another component's check covers it."""
    project = component.python
    if project is None or tool not in project.tools:
        return f"{component.path} does not use {tool}"
    if tool not in project.packages:
        return f"{component.path} configures {tool}, but its lock does not hold it"
    for other in scene.stack.of(Kind.WEB):
        if other is component:
            return ""
        if other.python and other.python.root == project.root:
            return f"the check of {other.path} covers {project.root}"
    return ""


def tool(component: Component, scene: Scene, label: str, *argv: str, parser: str, limit: float = 300) -> Command:
    """A quality tool of the development environment, run where the project's configuration lies."""
    assert component.python is not None
    return Command(
        argv=argv,
        label=label,
        cwd=component.python.root,
        environment="development",
        env=django_env(component, scene, settings_module=False),
        verdicts=FINDINGS,
        parser=parser,
        limit=limit,
    )


def ruff_check(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Lint."""
    argv = ("ruff", "check", "--no-cache", "--output-format", "json", ".")
    return (replace(tool(component, scene, "ruff check", *argv, parser="ruff"), evidence=r"^\s*\["),)


def ruff_format(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Formatting, with the first difference of each file."""
    argv = ("ruff", "format", "--no-cache", "--check", "--diff", ".")
    row = tool(component, scene, "ruff format --check", *argv, parser="ruff_format")
    return (replace(row, evidence=r"already formatted|No Python files found"),)


def mypy_section(name: str, text: str) -> frozenset[str] | None:
    """The options of mypy in a configuration file; None where it has none. What is broken there mypy says itself."""
    try:
        if name.endswith(".toml"):
            section = tomllib.loads(text).get("tool", {}).get("mypy")
            return None if section is None else frozenset(section)
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        return frozenset(parser.options("mypy")) if parser.has_section("mypy") else None
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, TypeError):
        return None


def mypy_configured(component: Component, scene: Scene) -> bool:
    """Does the first file that configures mypy say what to check? Then no argument is given."""
    assert component.python is not None
    for name in MYPY_CONFIGS:
        path = joined(component.python.root, name)
        options = mypy_section(name, scene.read(path)) if path in scene.paths else None
        if options is not None:
            return bool(options & MYPY_TARGETS)
    return False


def foreign_projects(component: Component, scene: Scene) -> tuple[str, ...]:
    """Folders with a project of their own that this one does not depend on: their packages are not installed here."""
    assert component.python is not None
    root = component.python.root
    own = {component.path, root, *component.python.paths}
    folders = {path.rpartition("/")[0] for path in scene.paths if path.rpartition("/")[2] == "uv.lock"}
    inner = (folder for folder in folders if folder and is_within(folder, root))
    return tuple(sorted(folder for folder in inner if not any(is_within(path, folder) for path in own)))


def mypy_target(component: Component, scene: Scene) -> tuple[str, ...]:
    """What to check, where the configuration does not say: the whole project, without others that lie in its folder."""
    if mypy_configured(component, scene):
        return ()
    assert component.python is not None
    folders = [relative(folder, component.python.root) for folder in foreign_projects(component, scene)]
    return (*(word for folder in folders for word in ("--exclude", f"^{re.escape(folder)}/")), ".")


def mypy(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Types."""
    flags = (
        "--cache-dir",
        CACHE,
        "--show-column-numbers",
        "--no-color-output",
        "--no-pretty",
        "--hide-error-context",
        "--show-traceback",
    )
    argv = ("mypy", *flags, "--error-summary", *mypy_target(component, scene))
    row = tool(component, scene, "mypy", *argv, parser="mypy", limit=600)
    return (replace(row, evidence=r"Success: no issues found"),)


def pytest(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Tests, with a database of their own."""
    # a number, and not -q: the project's own options may hold some of those already, and then no result is told
    # without the plugin of the cache the project's own --ff is an unknown option; with a kept one --lf skips tests
    cache = ("-o", f"cache_dir={OUT}/pytest")
    argv = ("pytest", "--verbosity=0", "--tb=short", "-rfE", "--color=no", *cache)
    row = tool(component, scene, "pytest", *argv, parser="pytest", limit=900)
    codes = ((1, "tests_failed"), (2, "collection_error"), (3, "internal_error"), (4, "tool_config"))
    ran = r"\d+ (?:passed|skipped|xfailed|xpassed)"
    return (replace(row, verdicts=codes, empty=(5,), evidence=ran),)


def node_absent(package: str, component: Component) -> str:
    """Why a component has no such check: its package does not depend on the tool."""
    uses = component.node is not None and package in component.node.dependencies
    return "" if uses else f"{component.path} does not use {package}"


def node_tool(
    component: Component, scene: Scene, label: str, *argv: str, parser: str, reason: str = "findings"
) -> Command:
    """A quality tool of the component's own packages."""
    return Command(
        argv=argv,
        label=label,
        cwd=component.path,
        environment="node",
        env=tuple(sorted(own_env(component, scene).items())),
        verdicts=((1, reason), (2, "tool_config")),
        parser=parser,
        limit=600,
    )


def eslint(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Lint."""
    row = node_tool(component, scene, "eslint", "eslint", "--format", "json", ".", parser="eslint")
    return (replace(row, evidence=r"\["),)


def vitest(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Tests."""
    # alone, the JSON hides errors outside of tests and why a file did not load
    argv = (
        "vitest",
        "run",
        "--reporter=default",
        "--reporter=json",
        "--outputFile.json=/dev/stdout",
        "--passWithNoTests",
    )
    row = node_tool(component, scene, "vitest", *argv, parser="vitest", reason="tests_failed")
    return (replace(row, evidence=r"numTotalTests|No test files found"),)


def astro_check(component: Component, scene: Scene) -> tuple[Command, ...]:
    """Types in Astro's components."""
    row = node_tool(component, scene, "astro check", "astro", "check", parser="astro_check")
    # without the packages that it needs it says so, and ends with 0
    return (replace(row, evidence=r"Result \(\d+ files?\)"),)


NODE = (Kind.WORKER, Kind.SITE)
WEB = (Kind.WEB,)
ROWS = (
    Row(
        name="ruff_check",
        title="ruff check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=ruff_check,
        absent=lambda component, scene: python_absent("ruff", component, scene),
    ),
    Row(
        name="ruff_format",
        title="ruff format --check",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=ruff_format,
        absent=lambda component, scene: python_absent("ruff", component, scene),
    ),
    Row(
        name="mypy",
        title="mypy",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=mypy,
        absent=lambda component, scene: python_absent("mypy", component, scene),
    ),
    Row(
        name="pytest",
        title="pytest",
        stage=Stage.QUALITY,
        kinds=WEB,
        commands=pytest,
        absent=lambda component, scene: python_absent("pytest", component, scene),
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
