"""Commands of the test runners that the stack uses: pytest, and Django's own."""

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from tasks.catalogue.django.environment import django_env, fills, own_env
from tasks.catalogue.django.mysql import on_mysql
from tasks.catalogue.paths import below, matching
from tasks.catalogue.quality.file_making import making_files
from tasks.catalogue.quality.linters import NOT_READ, tool
from tasks.catalogue.quality.targets import neighbours
from tasks.catalogue.quality.usage import chosen_calls, covered, is_called, project_of
from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.throwaway import throwaway_database, throwaway_keys
from tasks.discovery.calls.arguments import DJANGO_TEST
from tasks.discovery.file_view import is_within, join, lineage
from tasks.discovery.rank import Rank, rank
from tasks.models import SkipReason
from tasks.stack import CallSource, Component, TestSelection, ToolCall
from tasks.steps import OUT, Command, Fact

NOT_COLLECTED: tuple[str, Fact, str] = ("tests_failed", "no_tests", "collection_error")
NO_RUNNER, NO_SETTINGS = "no_test_runner", "no_test_settings"
_FILE = re.compile(r"(?:^|/)(?:tests?|test_\w+|\w+_tests?)\.py$|(?:^|/)tests/(?:.*/)?\w+\.py$")
_COLLECTED = re.compile(r"(?:^|/)(?:test_\w+|\w+_test)\.py$")
_TEST = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test\w*\(", re.MULTILINE)
_CLASS = re.compile(r"^class[ \t]+\w+\([^)]*(?:Test|TestCase|Mixin)\w*[^)]*\):", re.MULTILINE)
_SERVERS = re.compile(r"postg|timescale|pgvector|mysql|maria|percona|cockroach|mssql|oracle")
_COPIES = re.compile(r"\b(?:cp|mv|cat|install|ln)\b[^\n]*\benv\b|\bdotenv\b|\bsource\b[^\n]*env")
# Variables of CI that say where things are on its machine.
_PLACES = re.compile(r"^(?:PATH|HOME|PYTHONPATH|VIRTUAL_ENV|(?:UV|PIP|POETRY|DOCKER|COMPOSE|COVERAGE|GITHUB)_\w+)$")


def files_with_tests(component: Component, context: CatalogueContext) -> Iterator[str]:
    """Yields the component's files that define tests."""
    for path in matching(_FILE, context.paths):
        is_own = is_within(path, component.path) and rank(posixpath.dirname(path)) is not Rank.NEVER
        if is_own and _TEST.search(context.read(path)):
            yield path


def _has_cases(component: Component, context: CatalogueContext) -> bool:
    """Whether the component has tests that Django's runner finds: methods of classes."""
    return any(_CLASS.search(context.read(path)) for path in files_with_tests(component, context))


def wants_pytest(component: Component, context: CatalogueContext) -> bool:
    """Whether the stack runs its tests with pytest. Without configuration, pytest does not collect a tests.py."""
    project = component.python
    if project is None:
        return False
    if is_called(project, "pytest") or "pytest" in project.configurations:
        return is_called(project, "pytest") or not is_called(project, DJANGO_TEST)
    collects = any(_COLLECTED.search(path) for path in files_with_tests(component, context))
    is_lost = not collects and _has_cases(component, context)
    return "pytest" in project.tools and not is_lost and not is_called(project, DJANGO_TEST)


def pytest_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why a component has no check of pytest."""
    project = component.python
    if project is None or not wants_pytest(component, context):
        runner = next((call for call in project.calls if call.tool == DJANGO_TEST), None) if project else None
        by = f": its tests run with manage.py test ({runner.file}:{runner.line})" if runner else ""
        unrun = not by and project is not None and _is_unrun(component, context)
        return "" if unrun else f"{component.label} does not use pytest{by}"
    if "pytest" not in project.packages and not any(files_with_tests(component, context)):
        return f"{component.label} configures pytest, but its lock does not have it"
    return covered(component, context)


def _is_unrun(component: Component, context: CatalogueContext) -> bool:
    """Whether the component has tests that neither a call nor a locked runner runs."""
    return django_test_absent(component, context) != "" and any(files_with_tests(component, context))


def pytest_skip_reason(component: Component, context: CatalogueContext) -> SkipReason | None:
    """Returns why tests that exist cannot run: the lock has no pytest. That is a gap in the proof."""
    if "pytest" in project_of(component).packages:
        return None
    first = next(files_with_tests(component, context), "")
    why = f"{first} has tests, but the lock of {project_of(component).root} has no pytest to run them"
    return SkipReason(reason_code=NO_RUNNER, reason=f"{why}: add it to the development dependencies")


def pytest(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for tests by pytest."""
    # a number instead of -q: another -q in the project's options would remove the counts
    # without the cache plugin, --ff in the project's options is unknown; with a kept cache, --lf skips tests
    fixed = ("--verbosity=0", "--tb=short", "-rfE", "--color=no", "-o", f"cache_dir={OUT}/pytest")
    codes = ((1, "tests_failed"), (2, "collection_error"), (3, "internal_error"), (4, "tool_config"))
    found = []
    for call in chosen_calls(project_of(component), "pytest") or (None,):
        ignored = tuple(f"--ignore={path}" for path in neighbours(component, context, call))
        words = (*(call.options if call else ()), *ignored, *(call.paths if call else ()))
        row = tool(component, context, "pytest", "pytest", *fixed, *words, parser="pytest", call=call, limit=900)
        row = replace(row, verdicts=codes, refined=(NOT_READ, NOT_COLLECTED), empty=(5,))
        row = replace(row, evidence=r"\d+ (?:passed|skipped|xfailed|xpassed)", env=runner_env(component, context, call))
        targets = call.paths if call else ()
        selection = TestSelection(evidence=r"\d+ (?:passed|xfailed|xpassed)", targets=targets, unmatched=(4, 5))
        row = replace(row, secrets=context.secrets(component), selection=selection)
        found += [*making_files(row, call), on_mysql(row, component, context)]
    return tuple(found)


def django_test_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why a component has no check of Django's test runner."""
    project = component.python
    if project is None:
        return f"{component.label} has no Python project"
    if is_called(project, DJANGO_TEST):
        return ""
    if wants_pytest(component, context):
        return f"{component.label} runs its tests with pytest"
    called = any(call.tool == DJANGO_TEST for call in project.calls)
    if called or _has_cases(component, context):
        return ""
    return f"{component.label} has no tests for Django's runner"


def django_test_skip_reason(component: Component, context: CatalogueContext) -> SkipReason | None:
    """Returns why Django's runner cannot start: the tree does not have the settings module that manage.py names."""
    web = component.web
    calls = chosen_calls(project_of(component), DJANGO_TEST) or (None,)
    if web is None or _has_module(web.manage_settings, web.directory, context) or all(map(_names_settings, calls)):
        return None
    if "DJANGO_SETTINGS_MODULE" in own_env(component, context):
        return None
    why = f"{join(web.directory, 'manage.py')} names the settings {web.manage_settings}, which the tree does not have"
    advice = "Name others where the tests are called: manage.py test --settings=…"
    return SkipReason(reason_code=NO_SETTINGS, reason=f"{why}. {advice}")


def _names_settings(call: ToolCall | None) -> bool:
    """Whether a call names its settings module."""
    return call is not None and (
        "DJANGO_SETTINGS_MODULE" in dict(call.env) or any(each.startswith("--settings") for each in call.options)
    )


def _has_module(module: str, directory: str, context: CatalogueContext) -> bool:
    """Whether the tree has a module, or an installed package may have it."""
    package, path = module.partition(".")[0], module.replace(".", "/")
    bases = (directory, join(directory, "src"), *lineage(directory))
    places = [join(base, package) for base in bases]
    is_own = any(place in context.paths or below(place, context.paths) for place in places)
    files = (join(base, name) for base in bases for name in (f"{path}.py", f"{path}/__init__.py"))
    is_of_a_package = "." in module and not is_own
    return not module or is_of_a_package or any(file in context.paths for file in files)


def django_test(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for tests by Django's runner, with the settings that manage.py or the call chooses."""
    found = []
    for call in chosen_calls(project_of(component), DJANGO_TEST) or (None,):
        script = call.script if call and call.script else "manage.py"
        words = (*(call.options if call else ()), *(call.paths if call else ()))
        argv = ("python", script, "test", "--noinput", *words)
        row = tool(component, context, "manage.py test", *argv, parser="django_test", call=call, limit=1800)
        row = replace(row, cwd=call.directory if call else component.path, verdicts=((1, "tests_failed"),))
        row = replace(row, refined=(NOT_COLLECTED,), evidence=r"Ran \d+ tests? in|NO TESTS RAN")
        env = runner_env(component, context, call)
        selection = TestSelection(evidence=r"Ran [1-9]\d* tests? in", targets=call.paths if call else ())
        row = replace(row, env=env, secrets=context.secrets(component), selection=selection)
        found += [*making_files(row, call), on_mysql(row, component, context)]
    return tuple(found)


def runner_env(component: Component, context: CatalogueContext, call: ToolCall | None) -> tuple[tuple[str, str], ...]:
    """Returns the variables of a test run: production's, and those of the stack's own call.

    The run's database and the configured values win over the call. The settings module is that of the call, or the
    one that the runner chooses. If CI tests on the database of the settings, its variables are left out: the packages
    for tests may have no driver of another one.
    """
    env = dict(django_env(component, context, settings_module=False))
    own = own_env(component, context)
    database = set(throwaway_database()) - set(own)
    given = dict(call.env) if call else {}
    left_out = _of_production(component, call, context)
    env = {name: value for name, value in env.items() if name not in left_out or name in own}
    if call is not None and _has_own_database(call, database):
        required = {each.name for each in component.web.reads if each.required} if component.web else set()
        env = {name: value for name, value in env.items() if name not in database or name in required}
        database = set()
    fixed = {*throwaway_keys(), *own, *database}
    fixed |= {name for name, value in env.items() if "@db." in value and name not in given}
    env |= {name: value for name, value in given.items() if name not in fixed and not _PLACES.match(name)}
    return tuple(sorted(env.items()))


def _of_production(component: Component, call: ToolCall | None, context: CatalogueContext) -> set[str]:
    """Returns the variables that tests do not have, so that the settings take their defaults.

    They have values in the files of production's image and containers, or in an example that CI does not use.
    """
    web = component.web
    if web is None:
        return set()
    optional = {each.name for each in web.reads if not each.required}
    has_examples = call is None or call.source is not CallSource.CI or _copies_example(call, context)
    examples = {*web.examples, web.env_example} if has_examples else set()
    return {name for name, (_, path) in fills(component, context).items() if path and path not in examples} & optional


def _copies_example(call: ToolCall, context: CatalogueContext) -> bool:
    """Whether CI makes a file of variables from an example, or tests in a container that may have one."""
    paths = (path for path in context.paths if path == call.file or path.startswith((".github/", ".gitlab-ci")))
    return call.contained or any(_COPIES.search(context.read(path)) for path in paths)


def _has_own_database(call: ToolCall, names: Collection[str]) -> bool:
    """Whether CI tests without a database server: its job starts none, and names at most a file of SQLite."""
    servers = any(_SERVERS.search(service) for service in call.services)
    values = [value for name, value in call.env if name in names]
    return call.source is CallSource.CI and not (call.contained or servers) and all("sqlite" in each for each in values)
