"""Quality checks: which tools a stack uses, how it calls them, and in which version."""

from dataclasses import replace
from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.discovery.calls.arguments import DJANGO_TEST
from tasks.settings import Settings
from tasks.stack import CallSource, Component, FileStep, PythonProject, ToolCall
from tasks.steps import CACHE, Check, Command
from tasks.variable import Variable
from tests.support.factories import make_call, make_scene, make_stack, make_uv_project, make_web

MANIFEST = "apps/web/pyproject.toml"
TESTS = {"apps/web/shop/tests.py": "class ShopTests(TestCase):\n    def test_it(self):\n        pass\n"}
FUNCTIONS = {"apps/web/tests/test_shop.py": "def test_it():\n    pass\n"}


def project(*calls: ToolCall, configured: str = "", **over: Any) -> PythonProject:
    """A project with these calls, which configures these tools, and locks every tool."""
    tools = frozenset(configured.split())
    packages = frozenset({"django", "ruff", "black", "isort", "flake8", "mypy", "pyright", "pytest"})
    facts: dict[str, Any] = {"calls": calls, "configurations": dict.fromkeys(tools, MANIFEST), "tools": tools}
    return make_uv_project(**{"packages": packages, **facts, **over})


def checks_of(component: Component, files: dict[str, str] | None = None) -> dict[str, Check]:
    context = make_scene(make_stack(component), files, Settings(jobs=1))
    return {check.name: check for check in make_catalogue(context).checks if check.stage == "quality"}


def commands_of(name: str, *calls: ToolCall, files: dict[str, str] | None = None, **over: Any) -> tuple[Command, ...]:
    return checks_of(make_web(project=project(*calls, **over)), files)[name].commands


def absent(component: Component, files: dict[str, str] | None = None) -> dict[str, str]:
    context = make_scene(make_stack(component), files, Settings(jobs=1))
    return {each.name: each.reason for each in make_catalogue(context).absent}


@pytest.mark.parametrize(
    ("calls", "text", "has"),
    [
        ((), "[tool.ruff]\nline-length = 100\n", True),
        ((), "[tool.ruff.format]\nquote-style = 'single'\n", True),
        ((), "[tool.ruff.lint]\nselect = ['E']\n", False),
        ((), "[tool.ruff]\ntarget-version = 'py312'\n[tool.x]\nline-length = 3\n", False),
        ((make_call("ruff check"),), "[tool.ruff.format]\nquote-style = 'single'\n", False),
        ((make_call("ruff check"), make_call("ruff format", source=CallSource.HOOK)), "[tool.ruff.lint]\n", True),
        ((make_call("black"),), "[tool.ruff]\nline-length = 100\n", False),
    ],
)
def test_ruff_checks_the_format_only_where_the_stack_formats_with_it(
    calls: tuple[ToolCall, ...], text: str, has: bool
) -> None:
    checks = checks_of(make_web(project=project(*calls, configured="ruff")), {MANIFEST: text})

    assert ("ruff_format" in checks) is has
    assert "ruff_check" in checks


def test_project_with_black_is_formatted_by_ruff_only_if_that_is_configured() -> None:
    both = make_web(project=project(configured="ruff black"))

    assert "ruff_format" not in checks_of(both, {MANIFEST: "[tool.ruff]\nline-length = 100\n"})
    assert "ruff_format" in checks_of(both, {MANIFEST: "[tool.ruff.format]\n"})


@pytest.mark.parametrize("name", ["black", "isort", "flake8", "pyright", "mypy", "ruff"])
def test_tool_that_is_only_installed_is_no_check(name: str) -> None:
    row = "ruff_check" if name == "ruff" else name

    assert absent(make_web(project=project()))[row] == f"apps/web does not use {name}"
    assert row in checks_of(make_web(project=project(configured=name)))
    assert row in checks_of(make_web(project=project(make_call("ruff check" if name == "ruff" else name))))


def test_tool_that_is_called_but_not_locked_is_absent_with_the_place_of_the_call() -> None:
    web = make_web(project=project(make_call("black"), packages=frozenset({"django"})))

    assert absent(web)["black"] == "apps/web calls black (.github/workflows/ci.yml:7), but its lock does not have it"


def test_linter_looks_at_what_the_call_names() -> None:
    call = make_call("flake8", options=("--select=E9",), paths=("shop", "config"), directory="apps/web/src")

    (command,) = commands_of("flake8", call)

    assert command.argv[-3:] == ("--select=E9", "shop", "config")
    assert (command.cwd, command.label) == ("apps/web/src", "flake8 shop config")


def test_each_call_of_the_best_source_is_a_command() -> None:
    calls = [make_call("pytest", paths=(path,)) for path in ("tests/unit", "tests/api", "tests/unit")]
    recipe = make_call("pytest", source=CallSource.RECIPE)

    commands = commands_of("pytest", *calls, recipe)

    assert [command.argv[-1] for command in commands] == ["tests/unit", "tests/api"]


NEIGHBOURS = {
    "apps/web/infra/Pulumi.yaml": "",
    "apps/web/job/pyproject.toml": "[project]\n",
    "apps/web/a/setup.cfg": "",
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ruff_check", ("--extend-exclude=infra,job", ".")),
        ("black", ("--extend-exclude=/(?:infra|job)(?:/|$)", ".")),
        ("isort", ("--extend-skip", "infra", "--extend-skip", "job", ".")),
        ("flake8", ("--extend-exclude=infra,job", ".")),
        ("mypy", ("--exclude", "^infra(?:/|$)", "--exclude", "^job(?:/|$)", ".")),
        ("pytest", ("--ignore=infra", "--ignore=job")),
    ],
)
def test_without_a_call_neighbours_with_a_manifest_are_left_out(name: str, words: tuple[str, ...]) -> None:
    (command,) = commands_of(name, configured="ruff black isort flake8 mypy pytest", files=NEIGHBOURS | {MANIFEST: ""})

    assert command.argv[-len(words) :] == words


def test_documents_that_name_the_whole_project_do_not_mean_its_neighbours() -> None:
    call = make_call("ruff check", source=CallSource.DOCS, directory="apps/web", paths=(".",))

    (command,) = commands_of("ruff_check", call, files=NEIGHBOURS)

    assert command.argv[-2:] == ("--extend-exclude=infra,job", ".")


def test_hook_leaves_out_what_its_patterns_say() -> None:
    hook = make_call("black", source=CallSource.HOOK, directory="apps/web", excluded=("apps/web/a.py", "apps/web/old"))

    (command,) = commands_of("black", hook)

    assert "--extend-exclude=/(?:a\\.py|old)(?:/|$)" in command.argv


def test_tool_runs_in_an_environment_of_its_own_in_the_locked_version() -> None:
    versions = {"black": "25.1.0", "click": "8.1.7", "django": "5.2"}

    (command,) = commands_of("black", configured="black", versions=versions)

    assert (command.environment, command.packages) == ("tool", ("black==25.1.0", "click==8.1.7"))
    assert command.env == (("BLACK_CACHE_DIR", f"{CACHE}/black"),)


def test_version_of_a_hook_comes_before_the_locked_one() -> None:
    hook = make_call("flake8", source=CallSource.CI_HOOK, version="7.1.0", packages=("flake8-bugbear==24.1",))

    (command,) = commands_of("flake8", hook, versions={"flake8": "6.0.0"})

    assert command.packages == ("flake8==7.1.0", "flake8-bugbear==24.1")


def test_flake8_with_locked_plugins_runs_in_the_development_environment() -> None:
    packages = frozenset({"flake8", "pep8-naming"})

    (command,) = commands_of("flake8", configured="flake8", packages=packages, versions={"flake8": "7.1.0"})

    assert (command.environment, command.packages) == ("development", ())


def test_pyright_of_a_hook_gets_a_node_of_its_own() -> None:
    hook = make_call("pyright", source=CallSource.HOOK, version="1.1.390")

    (command,) = commands_of("pyright", hook, packages=frozenset({"django"}))

    assert (command.environment, command.packages) == ("tool", ("pyright[nodejs]==1.1.390",))


def test_mypy_keeps_the_options_of_the_call() -> None:
    (command,) = commands_of("mypy", make_call("mypy", options=("--strict",), paths=("hc",), directory="apps/web"))

    assert command.argv[-2:] == ("--strict", "hc")


def test_mypy_that_is_called_without_paths_uses_its_configured_target() -> None:
    call = make_call("mypy", directory="apps/web")

    (command,) = commands_of("mypy", call, files={MANIFEST: "[tool.mypy]\nfiles = ['src']\n"})

    assert command.argv[-1] == "--error-summary"


def test_django_s_runner_runs_as_the_stack_calls_it() -> None:
    call = make_call(
        "manage.py test",
        script="web/manage.py",
        options=("--parallel",),
        paths=("shop",),
        directory="apps",
        env=(("DJANGO_SETTINGS_MODULE", "config.test"), ("PATH", "/bin"), ("SECRET_KEY", "x"), ("DATABASE_URL", "x")),
        services=("postgres",),
    )

    (command,) = commands_of("django_test", call)

    env = dict(command.env)
    assert command.argv == ("python", "web/manage.py", "test", "--noinput", "--parallel", "shop")
    assert (command.cwd, env["DJANGO_SETTINGS_MODULE"]) == ("apps", "config.test")
    assert "@db.name@" in env["DATABASE_URL"]
    assert "PATH" not in env
    assert env["SECRET_KEY"] != "x"


@pytest.mark.parametrize(
    ("over", "url"),
    [
        ({}, None),
        ({"env": (("DATABASE_URL", "sqlite:///"),)}, "sqlite:///"),
        ({"env": (("DATABASE_URL", "postgres://localhost/x"),)}, "@db.name@"),
        ({"services": ("postgres",)}, "@db.name@"),
        ({"services": ("redis",)}, None),
        ({"contained": True}, "@db.name@"),
        ({"source": CallSource.RECIPE}, "@db.name@"),
    ],
)
def test_tests_use_the_database_that_ci_tests_with(over: dict[str, Any], url: str | None) -> None:
    """CI without a database server tests on the default of the settings, often SQLite."""
    (command,) = commands_of("django_test", make_call("manage.py test", **over))

    found = dict(command.env).get("DATABASE_URL")
    assert found is None if url is None else found is not None and url in found


DJANGO, PYTEST = make_call("manage.py test", script="manage.py"), make_call("pytest")
DOCUMENTED = make_call("manage.py test", script="manage.py", source=CallSource.DOCS)


@pytest.mark.parametrize(
    ("calls", "tools", "files", "runners"),
    [
        ((DJANGO,), "", TESTS, {"django_test"}),
        ((DJANGO,), "pytest", TESTS, {"django_test"}),
        ((DJANGO, PYTEST), "", TESTS, {"django_test", "pytest"}),
        ((PYTEST,), "", TESTS, {"pytest"}),
        ((), "pytest", TESTS, {"pytest"}),
        ((DOCUMENTED,), "pytest", TESTS, {"pytest"}),
        ((DOCUMENTED,), "", {}, {"django_test"}),
        ((), "", TESTS, {"django_test"}),
        ((), "", {"apps/web/shop/tests.py": "from django.test import TestCase\n"}, set()),
        ((), "", {}, set()),
    ],
)
def test_tests_run_with_the_runner_of_the_stack(
    calls: tuple[ToolCall, ...], tools: str, files: dict[str, str], runners: set[str]
) -> None:
    checks = checks_of(make_web(project=project(*calls, configured=tools)), files)

    assert checks.keys() & {"django_test", "pytest"} == runners


@pytest.mark.parametrize(
    ("call", "workflow", "debug"),
    [
        (DJANGO, "run: python manage.py test", None),
        (DJANGO, "run: cp .env.example .env", "False"),
        (replace(DJANGO, contained=True), "run: docker compose run web python manage.py test", "False"),
        (replace(DJANGO, source=CallSource.RECIPE), "", "False"),
    ],
)
def test_tests_of_ci_get_no_value_of_an_example_that_the_settings_do_not_need(
    call: ToolCall, workflow: str, debug: str | None
) -> None:
    reads = (
        Variable(name="DEBUG", default="True"),
        Variable(name="STRIPE_KEY", required=True),
        Variable(name="DJANGO_ENV", default="development"),
    )
    given = (("DJANGO_ENV", "production", "apps/web/Dockerfile"),)
    web = make_web(project=project(call), reads=reads, given=given, examples=("apps/web/.env.example",))
    files = {"apps/web/.env.example": "DEBUG=False\nSTRIPE_KEY=sk_example\n", ".github/workflows/ci.yml": workflow}

    env = dict(checks_of(web, {**TESTS, **files})["django_test"].commands[0].env)

    assert (env.get("DEBUG"), env["STRIPE_KEY"]) == (debug, "sk_example")
    assert "DJANGO_ENV" not in env


TEST_SETTINGS = replace(DJANGO, env=(("DJANGO_SETTINGS_MODULE", "config.settings.test"),))


@pytest.mark.parametrize(
    ("call", "module", "path", "is_skipped"),
    [
        (DJANGO, "config.settings.local", "apps/web/config/settings/base.py", True),
        (DJANGO, "config.settings.local", "apps/web/config/settings/local.py", False),
        (DJANGO, "config.settings.local", "config/settings/local/__init__.py", False),
        (DJANGO, "settings", "apps/web/shop/urls.py", True),
        # a package that is not of the tree may have it
        (DJANGO, "company.settings", "apps/web/shop/urls.py", False),
        (TEST_SETTINGS, "config.settings.local", "apps/web/config/settings/test.py", False),
    ],
)
def test_tests_whose_settings_are_not_in_the_tree_are_a_gap(
    call: ToolCall, module: str, path: str, is_skipped: bool
) -> None:
    web = make_web(project=project(call), manage_settings=module)

    found = checks_of(web, {**TESTS, path: ""})["django_test"].skip_reason

    assert (found is not None) is is_skipped
    assert found is None or f"apps/web/manage.py names the settings {module}, which the tree does not" in found.reason


@pytest.mark.parametrize(
    ("calls", "tools", "files"),
    [((), "", FUNCTIONS), ((PYTEST,), "", TESTS), ((), "pytest", FUNCTIONS)],
    ids=["no runner", "called", "configured"],
)
def test_tests_without_a_locked_runner_are_a_gap(
    calls: tuple[ToolCall, ...], tools: str, files: dict[str, str]
) -> None:
    without = project(*calls, configured=tools, packages=frozenset({"django"}))

    check = checks_of(make_web(project=without), files)["pytest"]

    assert check.skip_reason is not None
    assert check.skip_reason.reason_code == "no_test_runner"
    assert next(iter(files)) in check.skip_reason.reason


def test_project_without_tests_and_pytest_has_no_such_check() -> None:
    without = project(configured="pytest", packages=frozenset({"django"}))

    assert absent(make_web(project=without))["pytest"] == "apps/web configures pytest, but its lock does not have it"


@pytest.mark.parametrize(("name", "tool"), [("pytest", "pytest"), ("mypy", "mypy"), ("django_test", DJANGO_TEST)])
def test_files_that_ci_makes_are_made_in_the_workspace_of_the_tool(name: str, tool: str) -> None:
    step = FileStep(words=("cp", "a b.example", ".env"), reads=("a b.example",), makes=(".env",), file="ci.yml", line=3)

    making, row = commands_of(name, make_call(tool, before=(step,)), files=TESTS)

    assert (making.argv, making.cwd, making.label) == (("sh", "-ec", "cp 'a b.example' .env"), ".", "files of ci.yml:3")
    assert (making.environment, making.inputs, making.verdicts) == (row.environment, row.inputs, ())


def test_commands_of_manage_py_that_ci_runs_before_its_tests_have_their_variables() -> None:
    words = ("sh", "-c", "x", ".", "python", "manage.py", "collectstatic")
    step = FileStep(words=words, reads=("manage.py",), makes=(), file="ci.yml", line=3)

    making, row = commands_of("pytest", make_call("pytest", before=(step,)), files=TESTS)

    assert making.argv == ("sh", "-ec", "sh -c x . python manage.py collectstatic || :")
    assert (making.env, making.environment) == (row.env, row.environment)
    assert len(commands_of("mypy", make_call("mypy", before=(step,)), files=TESTS)) == 1


@pytest.mark.parametrize(
    ("files", "configured", "runner"),
    [
        (TESTS, "", "django_test"),
        (TESTS, "pytest", "pytest"),
        (TESTS | {"apps/web/tests/test_shop.py": "def test_it():\n    pass\n"}, "", "pytest"),
        (FUNCTIONS, "", "pytest"),
    ],
)
def test_tests_that_pytest_would_not_collect_run_with_djangos_runner(
    files: dict[str, str], configured: str, runner: str
) -> None:
    tools = frozenset({"pytest"})
    found = checks_of(make_web(project=project(configured=configured, tools=tools)), files)

    assert {name for name in found if name in {"pytest", "django_test"}} == {runner}
