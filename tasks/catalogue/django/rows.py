"""Rows for Django projects: build, migrations, Django's own checks and the server's answer."""

import json
import re
from dataclasses import replace

from tasks.catalogue.django.entry_script import entry_commands
from tasks.catalogue.django.environment import django_env
from tasks.catalogue.django.health import FACTS, HEALTH_ROW
from tasks.catalogue.django.image import dockerfile_of, image_commands, image_of
from tasks.catalogue.django.lock import installation_inputs, lock_commands
from tasks.catalogue.django.mysql import on_mysql
from tasks.catalogue.django.server import web_of
from tasks.catalogue.django.upgrade import UPGRADE_ROW
from tasks.catalogue.paths import matching
from tasks.catalogue.row import CatalogueContext, Row
from tasks.discovery.django.settings_module import is_for_development
from tasks.models import Stage
from tasks.settings.mistakes import spelled
from tasks.stack import Component, Kind
from tasks.steps import (
    DB_HOST,
    DB_NAME,
    DB_PORT,
    OUT,
    PROBES,
    WORK,
    Command,
)

DEPLOYS = re.compile(
    r"(?:^|/)(?:[\w.-]*Dockerfile[\w.-]*|Procfile[\w.-]*|[\w.-]*compose[\w.-]*\.ya?ml|(?:fly|railway|nixpacks)\.toml"
    r"|(?:render|app|heroku)\.ya?ml|(?:app|railway)\.json|[\w.-]+\.sh|(?:start|release|entrypoint|Makefile))$"
)
"""Files with the commands of a deploy, by their paths."""
CHECKED = frozenset({"migrate", "makemigrations", "check", "createsuperuser", "compilemessages", "runserver"})
"""Commands of Django itself that other checks run, or that a deploy runs in other ways."""
MAKES_TABLES = re.compile(r"\bmakemigrations\b(?![^\n]*--(?:check|dry-run|merge))|--run-syncdb\b")


def managed(
    component: Component,
    context: CatalogueContext,
    label: str,
    *arguments: str,
    evidence: str,
    parser: str = "migrations",
) -> Command:
    """Returns a `manage.py` command with production's settings. It fails on any database but this check's."""
    command = Command(
        argv=("python", f"{PROBES}/django/managed.py", DB_HOST, DB_PORT, DB_NAME, *arguments, "--no-color"),
        label=f"manage.py {label}",
        cwd=web_of(component).directory,
        environment="production",
        env=django_env(component, context),
        secrets=context.secrets(component),
        unfit=((75, "other_database"), (77, "service_lost"), (78, "unsupported_database")),
        explained=("other_database", "unsupported_database"),
        evidence=evidence,
        parser=parser,
        limit=300,
    )
    return on_mysql(command, component, context)


def build_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for lock, installation, import of the server's module, static files and image."""
    web = web_of(component)
    consistent = Command(
        argv=("uv", "pip", "check"),
        label="uv pip check",
        environment="production",
        verdicts=((1, "lock_inconsistent"),),
        evidence=r"Checked [1-9]\d* package",
        parser="uv",
        inputs=installation_inputs(component.python) if component.python else None,
    )
    entry = (web.wsgi or web.asgi).partition(":")[0]
    places = ("--within", WORK, "--spare", f"{OUT}/static", "--facts", FACTS, *image_builds(component, context))
    places = (*places, *deploy_calls(component))
    static = Command(
        argv=("python", f"{PROBES}/django/static_files.py", *places, *filter(None, [entry])),
        label=f"import {entry or 'settings'}, collectstatic",
        cwd=web.directory,
        environment="production",
        env=django_env(component, context),
        secrets=context.secrets(component),
        verdicts=((1, "import_error"), (5, "static_files"), (6, "deploy_command")),
        evidence="summary",
        parser="probe",
        limit=300,
    )
    installed = (consistent,) if component.python and component.python.kind != "none" else ()
    started = entry_commands(component, context)
    return (*lock_commands(component), *installed, *started, static, *image_commands(component, context))


def deploy_calls(component: Component) -> tuple[str, ...]:
    """Returns the probe's options with the commands of the deploy, without those that other checks run.

    Where only production sets the place of the static files, nothing is known of `collectstatic`.
    """
    is_given = any("STATIC" in each.name for each in web_of(component).reads)
    left_out = CHECKED | ({"collectstatic"} if is_given else set())
    calls = [(each.value.split(), each.file, each.line) for each in web_of(component).calls]
    return tuple(f"--call={json.dumps(each)}" for each in calls if each[0][0] not in left_out)


def image_builds(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the probe's options for an image that builds static files with Node, or with django-compressor.

    With Node, static files that are missing outside of the image are no mistake.
    """
    path = dockerfile_of(component, context)
    text = context.read(path) if path in context.paths else ""
    builds = re.search(r"\b(?:npm|npx|pnpm|yarn|bun|gulp|grunt)\b", text)
    compresses = re.search(r"\bmanage(?:\.py)?[\"', ]+compress\b", text)
    return (*(("--image", path) if builds else ()), *(("--compress",) if compresses else ()))


def migrate_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that applies every migration to an empty database."""
    # the check `django_check` alone reports Django's own checks
    arguments = ("migrate", "--noinput", "--skip-checks")
    return (managed(component, context, "migrate", *arguments, evidence=r"Running migrations:"),)


def missing_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that finds changes of models without a migration, and apps without any migration."""
    bare = () if makes_tables(context) else ("--no-color", "--then", "unmigrated")
    arguments = ("makemigrations", "--check", "--dry-run", "--noinput", "--skip-checks", *bare)
    row = managed(component, context, "makemigrations --check", *arguments, evidence=r"No changes detected")
    # 3: a new field has no default, and Django cannot prompt for one here
    return (replace(row, verdicts=((1, "findings"), (3, "findings"))),)


def makes_tables(context: CatalogueContext) -> bool:
    """Whether a file of the deploy writes migrations itself, or makes the tables of apps without migrations."""
    return any(MAKES_TABLES.search(context.read(path)) for path in matching(DEPLOYS, context.paths))


def applied_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that finds unapplied migrations. It also lists the applied ones, as evidence."""
    shown = ("showmigrations", "--skip-checks")
    arguments = ("migrate", "--check", "--skip-checks", "--no-color", "--then", *shown)
    return (managed(component, context, "migrate --check", *arguments, evidence=r"\[X\]"),)


def check_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for Django's own checks with the database.

    Django's checks for deployments only give warnings, at any level.
    """
    arguments = (
        "check",
        "--database",
        "default",
        "--no-color",
        "--then",
        "check",
        "--deploy",
        "--fail-level",
        "CRITICAL",
    )
    done, reader = r"System check identified", "django_check"
    return (managed(component, context, "check --database default", *arguments, evidence=done, parser=reader),)


def image_gap(component: Component, _: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the gap in the proof if the engine builds no image."""
    return (("image", f"no image of {component.label} was built: its code ran on this machine, without containers"),)


def settings_gaps(component: Component, _: CatalogueContext) -> tuple[str, ...]:
    """Returns the gap if the settings are those of development, and no file of production names them."""
    found = web_of(component).settings_found
    if not found.guess or not is_for_development(found.value):
        return ()
    line = f'[{spelled(("component", component.path))}] settings = "…"'
    why = f"{found.value} is {found.why} ({found.place}), and its name is one for development"
    return (f"no file names production's settings: {why}. Name production's in predeploy.toml: {line}",)


WEB = (Kind.WEB,)
BUILD_ROWS = (
    Row(
        name="django_container",
        title="Django container",
        stage=Stage.BUILD,
        kinds=WEB,
        commands=build_commands,
        requires=image_gap,
        gaps=settings_gaps,
        image=image_of,
    ),
)
INTEGRATION_ROWS = (
    Row(
        name="migrate",
        title="Run migrations",
        stage=Stage.INTEGRATION,
        kinds=WEB,
        commands=migrate_commands,
        needs=("django_container",),
        presumed=("django_container",),
        database="template",
    ),
    Row(
        name="migrations_missing",
        title="Models match migrations",
        stage=Stage.INTEGRATION,
        kinds=WEB,
        commands=missing_commands,
        needs=("django_container",),
        presumed=("django_container",),
        database="empty",
    ),
    Row(
        name="migration_check",
        title="Migration check",
        stage=Stage.INTEGRATION,
        kinds=WEB,
        commands=applied_commands,
        needs=("migrate",),
        database="migrated",
    ),
    UPGRADE_ROW,
    Row(
        name="django_check",
        title="Django check",
        stage=Stage.INTEGRATION,
        kinds=WEB,
        commands=check_commands,
        needs=("migrate",),
        database="migrated",
    ),
    HEALTH_ROW,
)
