"""The catalogue: the checks of a stack, their inputs, and the environment of Django processes."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.catalogue import make_catalogue
from tasks.catalogue.django import mysql
from tasks.catalogue.django.environment import django_env, filled_names
from tasks.catalogue.django.server import UWSGI, server_argv
from tasks.catalogue.quality.mypy_target import mypy_section
from tasks.errors import UsageError
from tasks.models import SkipReason, Stage
from tasks.production import ProductionServer, Sourced
from tasks.settings import ComponentSettings, CustomCheck, Settings
from tasks.stack import Component, Kind, Stack
from tasks.steps import DB_MIGRATED, OUT, SERVER_HOST, SERVER_PORT, Check, Command, Inputs
from tasks.variable import Variable
from tests.support.factories import (
    make_node_project,
    make_requirements_project,
    make_scene,
    make_site,
    make_stack,
    make_uv_project,
    make_web,
    make_worker,
)


def checks_of(*components: Component, files: dict[str, str] | None = None, **settings: Any) -> dict[str, Check]:
    context = make_scene(make_stack(*components), files, Settings(jobs=1, **settings))
    return {check.id: check for check in make_catalogue(context).checks}


def titles_of(*components: Component) -> list[str]:
    return [check.title for check in checks_of(*components).values()]


def env_of(web: Component, files: dict[str, str] | None = None, /, **settings: Any) -> dict[str, str]:
    return dict(django_env(web, make_scene(make_stack(web), files, Settings(jobs=1, **settings))))


def test_sample_has_its_checks_in_the_report_s_order() -> None:
    checks = checks_of(make_web(), make_worker(), make_site(), environment="production").values()

    assert [check.name for check in checks] == [
        *("django_container", "worker_container", "site_coffee_shop", "deploy_secrets"),
        *("ruff_check", "ruff_format", "mypy", "pytest", "tsc", "eslint", "vitest", "astro_check"),
        *("migrate", "migrations_missing", "migration_check", "migrate_upgrade", "django_check", "django_health"),
        "worker_health",
    ]
    assert [check.stage for check in checks] == sorted((check.stage for check in checks), key=list(Stage).index)


def test_a_package_with_an_unknown_build_is_built_and_its_pass_is_partial() -> None:
    package = make_site("apps/admin", generator="", output="")
    checks = checks_of(replace(package, kind=Kind.PACKAGE))
    settings = {"apps/admin": ComponentSettings(output="public")}
    with_output = checks_of(replace(package, kind=Kind.PACKAGE), component=settings)["package_admin[apps/admin]"]

    check = checks["package_admin[apps/admin]"]

    assert [command.label for command in check.commands] == ["package build"]
    assert [gap for _, gap in check.requires] == [
        "the build script of apps/admin ran, and predeploy does not know how to check what it makes"
    ]
    assert [command.label for command in with_output.commands] == ["package build", "pages and links"]
    assert with_output.requires == ()


def test_gaps_of_the_stack_make_its_pass_partial() -> None:
    stack = replace(make_stack(make_site()), gaps=("assets/package.json does not run",))

    checks = make_catalogue(make_scene(stack, None, Settings(jobs=1))).checks

    assert [gap for check in checks for _, gap in check.requires] == ["assets/package.json does not run"]


def test_titles_name_the_component_only_if_two_components_share_them() -> None:
    assert "mypy" in titles_of(make_web())
    titles = titles_of(make_web(), make_web("apps/other"))
    assert "mypy (apps/web)" in titles
    assert "mypy (apps/other)" in titles
    assert "mypy" not in titles


def test_ids_are_unique_even_if_names_or_folders_are_shared() -> None:
    root = make_web(".")
    site = make_site(".", make_node_project(".", dependencies={"eslint": "^9"}))
    sites = [make_site("a/shop"), make_site("b/shop")]

    ids = checks_of(root, site, *sites)

    assert {"site_shop[a/shop]", "site_shop[b/shop]", "eslint[.]", "mypy[.]"} <= set(ids)


def absent(*components: Component, **settings: Any) -> dict[tuple[str, str], str]:
    context = make_scene(make_stack(*components), None, Settings(jobs=1, **settings))
    return {(each.name, each.component): each.reason for each in make_catalogue(context).absent}


def test_absent_check_has_a_reason() -> None:
    shop = make_web("apps/shop", make_requirements_project())
    plain = make_worker(node=make_node_project(dependencies={"wrangler": "^4"}))
    configured = {"apps/shop": ComponentSettings(skip=("migrations_missing",))}

    reasons = absent(shop, plain, component=configured)

    assert reasons["pytest", "apps/shop"].startswith("apps/shop does not use pytest: its tests run with manage.py test")
    assert reasons["mypy", "apps/shop"] == "apps/shop configures mypy, but its lock does not have it"
    assert reasons["vitest", "workers/intake"] == "workers/intake does not use vitest"
    assert reasons["migrations_missing", "apps/shop"] == "skipped by predeploy.toml for apps/shop"
    assert reasons["astro_check", ""] == "the stack has no static site"


def test_one_project_of_two_components_is_checked_once_and_as_a_whole() -> None:
    """A check that covers another component's code must have that code in its inputs."""
    project = make_uv_project(root=".")
    first, second = make_web("apps/a", project), make_web("apps/b", project)

    checks = checks_of(first, second, make_site())

    assert "ruff_check[apps/b]" not in checks
    assert checks["ruff_check[apps/a]"].commands[0].cwd == "."
    assert checks["ruff_check[apps/a]"].inputs == Inputs(exclude=("sites/coffee-shop",))
    assert absent(first, second)["ruff_check", "apps/b"] == "the check of apps/a covers ."


def test_inputs_are_all_files_except_those_of_other_components() -> None:
    checks = checks_of(make_web(), make_worker(), make_site())

    assert checks["mypy[apps/web]"].inputs.exclude == ("sites/coffee-shop", "workers/intake")
    assert checks["worker_container[workers/intake]"].inputs.exclude == ("apps/web", "sites/coffee-shop")


def test_inputs_keep_what_a_component_depends_on() -> None:
    site = make_site(node=make_node_project("sites/coffee-shop", paths=("workers/intake/shared",)))
    web = make_web(project=make_uv_project(paths=("apps/web", "sites")))

    checks = checks_of(web, make_worker(), site)

    assert checks["site_coffee_shop[sites/coffee-shop]"].inputs.exclude == ("apps/web",)
    assert checks["mypy[apps/web]"].inputs.exclude == ("workers/intake",)


def test_component_at_the_root_has_all_files_except_those_of_others() -> None:
    checks = checks_of(make_web("."), make_worker(), make_site())

    assert checks["mypy[.]"].inputs.exclude == ("sites/coffee-shop", "workers/intake")
    assert checks["worker_container[workers/intake]"].inputs.exclude == ("sites/coffee-shop",)


def test_inner_component_keeps_the_files_of_the_outer_one() -> None:
    checks = checks_of(make_web("apps"), make_web("apps/inner"), make_site())

    assert "apps" not in checks["mypy[apps/inner]"].inputs.exclude


def custom(**over: Any) -> CustomCheck:
    return CustomCheck(**{"name": "smoke", "stage": "quality", "run": ("smoke", "--fast"), **over})


def test_custom_check_comes_last_in_its_stage() -> None:
    checks = checks_of(make_web(), check=(custom(),))

    quality = [check.name for check in checks.values() if check.stage is Stage.QUALITY]
    assert quality[-1] == "smoke"
    assert list(checks.values())[-1].name == "django_health"


def test_custom_check_has_the_configured_command() -> None:
    row = custom(
        component="apps/web",
        environment="production",
        title="Smoke test",
        verdicts=(1, 7),
        database="migrated",
        needs=("migrate",),
        limit=30,
    )

    check = checks_of(make_web(), check=(row,))["smoke[apps/web]"]

    (command,) = check.commands
    assert (check.title, check.database, check.needs) == ("Smoke test", "migrated", ("migrate",))
    assert (command.argv, command.cwd, command.limit) == (("smoke", "--fast"), "apps/web", 30)
    assert command.verdicts == ((1, "findings"), (7, "findings"))
    assert dict(command.env)["DJANGO_SETTINGS_MODULE"] == "config.settings"


def test_custom_check_without_a_component_is_for_the_one_at_the_root() -> None:
    named, unnamed = (
        checks_of(make_web("."), check=(custom(environment="production", database="migrated", **where),))["smoke[.]"]
        for where in ({"component": "."}, {})
    )

    assert unnamed == named
    assert unnamed.needs == ("migrate[.]",)
    assert unnamed.commands[0].environment == "production"


def test_custom_check_without_a_component_gets_the_configured_environment() -> None:
    check = checks_of(make_web(), check=(custom(database="empty"),), env={"URL": "{db.url}", "PLAIN": "{x}"})["smoke"]

    assert dict(check.commands[0].env) == {"URL": "@db.url@", "PLAIN": "{x}"}
    assert (check.component, check.commands[0].cwd) == (".", ".")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"check": (custom(component="apps/wbe"),)}, "names the component apps/wbe, which does not exist"),
        ({"check": (custom(environment="production"),)}, "requires the production environment, but names no component"),
        (
            {"check": (custom(environment="node", component="apps/web"),)},
            "requires the node environment, but apps/web has no such packages",
        ),
        (
            {"component": {"apps/wbe": ComponentSettings()}},
            "the stack has no component at this path; did you mean apps/web?",
        ),
        ({"limits": {"mpy": 3.0}}, "limits.mpy: no check has this name; did you mean mypy?"),
        (
            {"component": {"apps/web": ComponentSettings(skip=("mpy",))}},
            "skip: no check has this name: mpy; did you mean mypy?",
        ),
        ({"check": (custom(), custom())}, "two checks have the id smoke: rename one"),
    ],
)
def test_configuration_of_unknown_names_is_a_usage_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checks_of(make_web(), **settings)


def test_configured_limit_holds_for_every_command() -> None:
    checks = checks_of(make_web(), limits={"django_container": 7.0})

    assert {command.limit for command in checks["django_container[apps/web]"].commands} == {7.0}
    assert {command.limit for command in checks["mypy[apps/web]"].commands} != {7.0}


def test_django_gets_a_key_the_database_and_its_settings() -> None:
    env = env_of(make_web())

    assert len(env["SECRET_KEY"]) >= 50
    assert env["DATABASE_URL"] == "postgres://@db.user@:@db.password@@@db.host@:@db.port@/@db.name@"
    assert (env["PGHOST"], env["PGPORT"], env["PGUSER"]) == ("@db.host@", "@db.port@", "@db.user@")
    assert (env["PGPASSWORD"], env["PGDATABASE"], env["POSTGRES_DB"]) == ("@db.password@", "@db.name@", "@db.name@")
    assert env["DJANGO_SETTINGS_MODULE"] == "config.settings"
    assert env["PYTHONPATH"] == "@probes@/startup:@work@/apps/web"
    assert "DEBUG" not in env


def test_path_of_the_root_is_written_plainly() -> None:
    project = make_uv_project(root=".", paths=(".", "libs/core"))

    assert env_of(make_web(".", project))["PYTHONPATH"] == "@probes@/startup:@work@:@work@/libs/core"


EXAMPLE = """
# what production needs
SECRET_KEY=change-me
DATABASE_URL=postgres://localhost/cafe
export EMAIL_HOST="mail.example # not a comment"
TIMEOUT=30 # seconds
EMPTY=
DEBUG=True
not a line
"""


def test_example_fills_only_names_without_a_value() -> None:
    web = make_web(env_example="apps/web/.env.example")

    env = env_of(web, {"apps/web/.env.example": EXAMPLE}, env={"TIMEOUT": "5"})

    assert (env["EMAIL_HOST"], env["TIMEOUT"]) == ("mail.example # not a comment", "5")
    assert env["DATABASE_URL"].startswith("postgres://@db.user@:")
    assert env["SECRET_KEY"] != "change-me"
    assert env["DEBUG"] == "False"
    assert "EMPTY" not in env


def test_names_with_a_value_only_in_the_example_are_listed() -> None:
    web = make_web(env_example="apps/web/.env.example")
    files = {"apps/web/.env.example": EXAMPLE}

    assert filled_names(web, make_scene(make_stack(web), files)) == {"apps/web/.env.example": ("EMAIL_HOST", "TIMEOUT")}
    settings = Settings(jobs=1, env={"TIMEOUT": "5"})
    assert filled_names(web, make_scene(make_stack(web), files, settings)) == {"apps/web/.env.example": ("EMAIL_HOST",)}


def test_debug_can_be_configured() -> None:
    assert env_of(make_web(), env={"DEBUG": "1"})["DEBUG"] == "1"


def test_component_s_variables_override_the_stack_s_and_may_name_the_database() -> None:
    own = ComponentSettings(
        settings="config.production", env={"DB": "{db.user}:{db.password}@{db.host}:{db.port}/{db.name}", "A": "2"}
    )

    env = env_of(make_web(), env={"A": "1", "B": "1", "PGHOST": "elsewhere"}, component={"apps/web": own})

    assert env["DB"] == "@db.user@:@db.password@@@db.host@:@db.port@/@db.name@"
    assert (env["A"], env["B"], env["PGHOST"]) == ("2", "1", "elsewhere")
    assert env["DJANGO_SETTINGS_MODULE"] == "config.production"


def test_quality_tools_choose_the_settings_themselves() -> None:
    """pytest-django's configuration names the settings, and a variable would override it."""
    check = checks_of(make_web())["pytest[apps/web]"]

    assert "DJANGO_SETTINGS_MODULE" not in dict(check.commands[0].env)


def test_pytest_keeps_its_cache_plugin_but_no_cache_of_an_earlier_run() -> None:
    """The project's own options may be --ff or --lf: unknown without the plugin, and with a kept cache --lf skips."""
    argv = checks_of(make_web())["pytest[apps/web]"].commands[0].argv

    assert not any("no:cacheprovider" in word for word in argv)
    assert f"cache_dir={OUT}/pytest" in argv


def test_only_django_check_runs_django_s_own_checks() -> None:
    checks = checks_of(make_web())
    commands = [word for name in ("migrate", "migrations_missing", "migration_check") for word in argv_of(checks, name)]

    assert commands.count("--skip-checks") == sum(
        word in {"migrate", "makemigrations", "showmigrations"} for word in commands
    )


@pytest.mark.parametrize(
    ("text", "builds"),
    [("FROM python:3.13\nRUN pip install .\n", False), ("FROM node AS assets\nRUN npm ci && npm run build\n", True)],
)
def test_probe_knows_of_an_image_that_builds_static_files(text: str, builds: bool) -> None:
    web = make_web(dockerfile="apps/web/Dockerfile")

    argv = built(checks_of(web, files={"apps/web/Dockerfile": text}))["import config.wsgi, collectstatic"].argv

    assert (argv[argv.index("--facts") + 2 :][:2] == ("--image", "apps/web/Dockerfile")) is builds


def argv_of(checks: dict[str, Check], name: str) -> tuple[str, ...]:
    return checks[f"{name}[apps/web]"].commands[0].argv


def built(checks: dict[str, Check]) -> dict[str, Command]:
    """The commands that show that a project builds, by what people call them."""
    return {command.label: command for command in checks["django_container[apps/web]"].commands}


BIND = f"{SERVER_HOST}:{SERVER_PORT}"


def server_of(
    *packages: str, settings: ComponentSettings | None = None, manage: str = "apps/web/manage.py", **web: Any
) -> str:
    component = make_web(project=make_uv_project(packages=frozenset(packages)), **web)
    own = {"apps/web": settings} if settings else {}
    context = make_scene(make_stack(component), {manage: ""}, Settings(jobs=1, component=own))
    return " ".join(server_argv(component, context))


@pytest.mark.parametrize(
    ("package", "argv"),
    [
        ("gunicorn", f"gunicorn --workers 1 --bind {BIND} config.wsgi:application"),
        ("uvicorn", f"uvicorn --host {SERVER_HOST} --port {SERVER_PORT} config.asgi:application"),
        ("granian", f"granian --interface wsgi --host {SERVER_HOST} --port {SERVER_PORT} config.wsgi:application"),
        ("hypercorn", f"hypercorn --bind {BIND} config.asgi:application"),
        ("daphne", f"daphne --bind {SERVER_HOST} --port {SERVER_PORT} config.asgi:application"),
        ("waitress", f"waitress-serve --listen={BIND} config.wsgi:application"),
        ("uwsgi", f"{' '.join(UWSGI)} --http-socket {BIND} --module config.wsgi:application"),
        ("django", f"python manage.py runserver --noreload {BIND}"),
    ],
)
def test_server_is_the_one_in_the_lock(package: str, argv: str) -> None:
    assert server_of("django", package) == argv


def test_server_without_an_application_is_ignored() -> None:
    assert server_of("gunicorn", "uvicorn", wsgi="").startswith("uvicorn")
    assert server_of("uvicorn", asgi="").startswith("python manage.py runserver")
    assert server_of("uvicorn", asgi="", manage="manage.py").startswith("python -m django runserver")


def test_configured_server_comes_before_the_stack_s_and_that_before_a_guess() -> None:
    named = ProductionServer(argv=("gunicorn", "--threads", "4", "config.wsgi"))
    configured = ComponentSettings(server=("serve", "--at={host}:{port}"))

    assert server_of("uvicorn", launch=named) == "gunicorn --threads 4 config.wsgi"
    assert server_of("uvicorn", launch=named, settings=configured) == f"serve --at={BIND}"


def test_server_that_no_file_names_is_a_gap_in_the_proof() -> None:
    def gaps(*packages: str) -> tuple[tuple[str, str], ...]:
        web = make_web(project=make_uv_project(packages=frozenset(packages)))
        return checks_of(web)["django_health[apps/web]"].requires

    assert [name for name, _ in gaps("gunicorn")] == ["guessed_server"]
    assert [name for name, _ in gaps("django")] == ["development_server"]


@pytest.mark.parametrize(
    ("packages", "text", "failed", "errored"),
    [
        ({"gunicorn", "django"}, "", True, False),  # it may be of an extra that production does not install
        ({"django"}, "FROM x\nCOPY . .\n", True, False),
        ({"django"}, "FROM x\nRUN pip install \\\n  gunicorn==23\n", False, True),
        (set(), "", False, True),
    ],
)
def test_server_that_no_package_has(packages: set[str], text: str, failed: bool, errored: bool) -> None:
    launch = ProductionServer(argv=("gunicorn", "config.wsgi"))
    project = make_uv_project(packages=frozenset(packages))
    web = make_web(project=project, launch=launch, dockerfile="apps/web/Dockerfile")

    checks = checks_of(web, files={"apps/web/Dockerfile": text})
    service = checks["django_health[apps/web]"].commands[-1].services[0]

    assert ((127, "tool_missing") in service.verdicts, (127, "tool_missing") in service.unfit) == (failed, errored)


def test_configured_server_is_the_same_command_on_every_engine() -> None:
    own = {"apps/web": ComponentSettings(server=("uv", "run", "gunicorn", "-b", ":80", "config.wsgi"))}
    launch = ProductionServer(argv=("uvicorn", "x"), in_image=("uvicorn", "x"), entry=())

    checks = checks_of(make_web(launch=launch), component=own)
    service = checks["django_health[apps/web]"].commands[-1].services[0]

    assert " ".join(service.argv) == f"gunicorn --bind {BIND} config.wsgi"
    assert " ".join(service.in_image) == f"uv run gunicorn --bind {BIND} config.wsgi"
    assert service.entry == ()


def request_of(settings: ComponentSettings | None = None) -> str:
    own = {"apps/web": settings} if settings else {}
    return " ".join(checks_of(make_web(), component=own)["django_health[apps/web]"].commands[-1].argv)


def test_health_requests_the_configured_path_or_a_default() -> None:
    assert "--path /admin/login/ --else / " in request_of()
    configured = request_of(ComponentSettings(health=("/up",)))
    assert "--path /up " in configured
    assert "--else" not in configured


def test_lock_is_checked_only_if_it_exists() -> None:
    def labels(project: Any) -> list[str]:
        checks = checks_of(make_web("apps/web", project))
        return [command.label for command in checks["django_container[apps/web]"].commands]

    assert labels(make_uv_project())[0] == "uv lock --check"
    assert "uv lock --check" not in labels(make_uv_project(lock=None))
    assert labels(make_requirements_project())[0] == "lock fits its manifest"
    assert labels(make_requirements_project(manifest=None))[0] == "uv pip check"


@pytest.mark.parametrize(
    ("file", "text", "options"),
    [
        ("mypy.ini", "[mypy]\nfiles = src\n", {"files"}),
        ("mypy.ini", "[mypy]\nstrict = true\n[mypy-x.*]\nfiles = no\n", {"strict"}),
        ("setup.cfg", "[flake8]\nfiles = no\n", None),
        ("setup.cfg", "[mypy]\n", set()),
        ("pyproject.toml", "[tool.mypy]\npackages = ['a']\n", {"packages"}),
        ("pyproject.toml", "[project]\ndependencies = ['mypy']\n[tool.coverage]\nfiles = 1\n", None),
        ("pyproject.toml", "[tool.mypy\n", None),
        ("setup.cfg", "no section\n", None),
    ],
)
def test_options_of_mypy(file: str, text: str, options: set[str] | None) -> None:
    assert mypy_section(file, text) == options


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({}, "."),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n"}, "."),
        ({"pyproject.toml": "[tool.mypy]\nfiles = ['src']\n"}, "--error-summary"),
        ({"mypy.ini": "[mypy]\nstrict = true\n", "pyproject.toml": "[tool.mypy]\nfiles = ['src']\n"}, "."),
        ({"setup.cfg": "[flake8]\n", "pyproject.toml": "[tool.mypy]\nfiles = ['src']\n"}, "--error-summary"),
    ],
)
def test_mypy_gets_a_target_unless_its_configuration_has_one(files: dict[str, str], target: str) -> None:
    checks = checks_of(make_web(), files={f"apps/web/{name}": text for name, text in files.items()})

    assert checks["mypy[apps/web]"].commands[0].argv[-1] == target


def test_mypy_excludes_inner_projects() -> None:
    project = make_uv_project(root=".", paths=("apps/web", ".", "libs/ours"))
    inside = ("pipeline/uv.lock", "libs/ours/uv.lock", "apps/web/uv.lock", "uv.lock", "tools/pyproject.toml")

    checks = checks_of(make_web(project=project), files=dict.fromkeys(inside, ""))

    words = checks["mypy[apps/web]"].commands[0].argv
    assert words[words.index("--error-summary") + 1 :] == ("--exclude", "^pipeline(?:/|$)", ".")


def upgrade_of(base: Stack | SkipReason, *components: Component, **settings: Any) -> Check:
    stack = make_stack(*(components or (make_web(),)))
    context = make_scene(stack, None, Settings(jobs=1, **settings), base)
    return next(check for check in make_catalogue(context).checks if check.name == "migrate_upgrade")


def test_upgrade_runs_the_base_s_code_first_and_then_the_tree_s() -> None:
    moved = make_web(directory="apps/web/src", settings="config.old")

    fill, *_, upgrade = upgrade_of(make_stack(moved)).commands

    assert (fill.tree, upgrade.tree) == ("base", "")
    assert (fill.cwd, upgrade.cwd) == ("apps/web/src", "apps/web")
    assert dict(fill.env)["DJANGO_SETTINGS_MODULE"] == "config.old"
    assert dict(upgrade.env)["DJANGO_SETTINGS_MODULE"] == "config.settings"
    assert fill.argv[-1].startswith("0123456789 ")
    assert DB_MIGRATED in upgrade.argv
    assert {fill.environment, upgrade.environment} == {"production"}


def test_upgrade_has_no_verdict_for_python_s_own_exit_codes() -> None:
    """An error in predeploy's own program ends with 1."""
    *_, upgrade = upgrade_of(make_stack(make_web())).commands

    assert 1 not in dict(upgrade.verdicts)


def test_base_gets_no_secret_that_the_tree_does_not_declare() -> None:
    secret = {"apps/web": ComponentSettings(secrets=("STRIPE_KEY",))}

    fill, *_, upgrade = upgrade_of(make_stack(make_web()), component=secret).commands

    assert fill.secrets == upgrade.secrets == ("STRIPE_KEY",)


@pytest.mark.parametrize(
    ("base", "code", "says"),
    [
        (SkipReason(reason_code="base_broken", reason="its settings"), "base_broken", "its settings"),
        (make_stack(make_web("apps/shop")), "not_in_base", "0123456789 .* has no Django project at apps/web"),
        (make_stack(make_worker("apps/web")), "not_in_base", "has no Django project at apps/web"),
        (make_stack(make_web(apps=())), "not_in_base", "has no migration of apps/web"),
    ],
    ids=["a broken base", "another project", "a Worker", "no migrations"],
)
def test_upgrade_without_a_base_is_skipped_with_a_reason(base: Stack | SkipReason, code: str, says: str) -> None:
    check = upgrade_of(base)

    assert check.skip_reason is not None
    assert check.skip_reason.reason_code == code
    assert re.search(says, check.skip_reason.reason)
    assert (check.commands, check.database) == ((), "")


def test_without_a_base_the_newest_migrations_are_tried_and_no_failure_is_a_verdict() -> None:
    check = upgrade_of(SkipReason(reason_code="no_base", reason="no upgrade was tried: git has no commit"))

    (command,) = check.commands
    assert check.skip_reason is None
    assert command.argv[-2:] == ("--reason", "git has no commit")
    assert (command.tree, command.verdicts, dict(command.unfit)[15]) == ("", (), "no_base")


@pytest.mark.parametrize(
    ("over", "is_carried"),
    [
        ({}, True),
        ({"postgres": True}, False),
        ({"reads": (Variable(name="DATABASE_URL", shape="database", required=True),)}, False),
        ({"reads": (Variable(name="DATABASE_URL", shape="database", default="sqlite:///x"),)}, True),
    ],
)
def test_file_of_sqlite_is_carried_between_the_trees(over: dict[str, Any], is_carried: bool) -> None:
    web = make_web(**over)

    commands = upgrade_of(make_stack(web), web).commands

    carried = [(each.argv[-2], each.tree) for each in commands if "carried" in each.argv[1]]
    assert carried == ([("put", "base"), ("get", "")] if is_carried else [])


def test_project_without_migrations_has_no_upgrade() -> None:
    assert absent(make_web(apps=()))["migrate_upgrade", "apps/web"] == "no app of apps/web has migrations"


def test_settings_of_development_that_only_a_default_names_are_a_gap() -> None:
    local = Sourced(
        value="config.settings.local",
        file="apps/web/manage.py",
        line=4,
        why="the default in manage.py",
        guess=True,
    )
    named = replace(local, file="apps/web/Dockerfile", why="ENV of the Dockerfile", guess=False)

    guessed, stated = (
        [gap for name, gap in checks_of(make_web(settings_found=each))["django_container[apps/web]"].requires]
        for each in (local, named)
    )

    (added,) = set(guessed) - set(stated)
    assert added == (
        "no file names production's settings: config.settings.local is the default in manage.py (apps/web/manage.py:4),"
        " and its name is one for development. Name production's in predeploy.toml:"
        ' [component."apps/web"] settings = "…"'
    )


@pytest.mark.parametrize(
    ("packages", "is_wrapped"), [({"django", "mysqlclient"}, True), ({"django", "psycopg"}, False)]
)
def test_commands_get_a_database_on_the_named_mysql_server(packages: set[str], is_wrapped: bool) -> None:
    web = make_web(project=make_uv_project(packages=frozenset(packages)))
    server = SecretStr("mysql://us:pw@db.example")

    checks = checks_of(web, mysql_url=server, engine="local")

    (migrate,) = checks["migrate[apps/web]"].commands
    (health,) = checks["django_health[apps/web]"].commands
    serve = health.services[0]
    assert ("on_mysql.py" in migrate.argv[1], "PREDEPLOY_MYSQL_URL" in migrate.secrets) == (is_wrapped, is_wrapped)
    assert ("--migrate" in serve.argv) is is_wrapped
    assert (checks["migrate_upgrade[apps/web]"].skip_reason is mysql.NO_UPGRADE) is is_wrapped
    assert "pw" not in str(checks)


@pytest.mark.parametrize(
    ("file", "text", "asked"),
    [
        ("README.md", "python manage.py makemigrations", True),
        ("Dockerfile", "RUN python manage.py makemigrations --check", True),
        ("deploy/entrypoint.sh", "python manage.py makemigrations shop && python manage.py migrate", False),
        ("Procfile", "release: python manage.py migrate --run-syncdb", False),
    ],
)
def test_apps_without_migrations_are_asked_for_unless_a_deploy_makes_their_tables(
    file: str, text: str, asked: bool
) -> None:
    (command,) = checks_of(make_web("."), files={file: text})["migrations_missing[.]"].commands

    assert ("unmigrated" in command.argv) is asked
