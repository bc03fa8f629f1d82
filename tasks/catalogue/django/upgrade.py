"""The row for upgrades: the migrations of this tree on the deployed schema, with rows in its tables."""

from tasks.catalogue.django.database import may_use_file
from tasks.catalogue.django.environment import django_env
from tasks.catalogue.django.mysql import NO_UPGRADE, has_server
from tasks.catalogue.django.server import web_of
from tasks.catalogue.row import CatalogueContext, Row
from tasks.models import SkipReason, Stage
from tasks.stack import Component, Kind
from tasks.steps import DB_HOST, DB_MIGRATED, DB_NAME, DB_PORT, DB_URL, OUT, PROBES, WORK, Command, TreeName

FILES = f"{OUT}/sqlite"


def component_in_base(
    component: Component, context: CatalogueContext
) -> tuple[Component, CatalogueContext] | SkipReason:
    """Returns the same component in the base with the base's context, or the reason why the base has none."""
    base = context.base
    if isinstance(base, SkipReason):
        return base
    found = next((each for each in base.stack.of(Kind.WEB) if each.path == component.path), None)
    lacks = ""
    if found is None or found.python is None:
        lacks = f"no Django project at {component.path}"
    elif not web_of(found).apps:
        lacks = f"no migration of {component.label}"
    if found is None or lacks:
        return SkipReason(reason_code="not_in_base", reason=f"no upgrade was tried: {base.title} has {lacks}")
    return found, base


def skip_reason(component: Component, context: CatalogueContext) -> SkipReason | None:
    """Returns why the upgrade cannot run. Without a base it can: then the newest migrations count as new."""
    if has_server(component, context):
        return NO_UPGRADE
    found = component_in_base(component, context)
    return found if isinstance(found, SkipReason) and not is_guessed(component, context) else None


def is_guessed(component: Component, context: CatalogueContext) -> bool:
    """Whether no deployed commit is known, so that only the newest migrations can be tried."""
    base = context.base
    return isinstance(base, SkipReason) and base.reason_code == "no_base" and bool(web_of(component).apps)


def without_migrations(component: Component, context: CatalogueContext) -> str:
    """Returns why there is no such check: no app of the project has, or had, migrations."""
    has_any = web_of(component).apps or skip_reason(component, context) is None
    return "" if has_any else f"no app of {component.label} has migrations"


def upgrade_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns two commands: the base's code makes and fills the schema, then this tree's code migrates it.

    A project that may use SQLite needs two more between them, because each tree has its own workspace. Without a base
    one command does both, for the newest migrations.
    """
    if is_guessed(component, context):
        return (guess_command(component, context),)
    found = component_in_base(component, context)
    assert not isinstance(found, SkipReason)
    there, base = found
    database = (DB_HOST, DB_PORT, DB_NAME)
    files = file_option() if may_use_file(component) else ()
    fill = Command(
        argv=("python", f"{PROBES}/django/upgrade_from.py", *database, "--within", WORK, *files, "--base", base.title),
        label="migrate and fill the base",
        cwd=web_of(there).directory,
        environment="production",
        env=django_env(there, base),
        # the tree's names, because the provider may no longer have those that the base declares
        secrets=context.secrets(component),
        verdicts=((1, "base_broken"),),
        unfit=((75, "other_database"), (77, "service_lost"), (78, "unsupported_database")),
        explained=("other_database", "unsupported_database"),
        evidence="summary",
        parser="probe",
        limit=300,
        tree="base",
    )
    upgrade = Command(
        argv=("python", f"{PROBES}/django/upgrade_to.py", *database, "--within", WORK, *files, "--fresh", DB_MIGRATED),
        label="migrate what is deployed",
        cwd=web_of(component).directory,
        environment="production",
        env=django_env(component, context),
        secrets=context.secrets(component),
        verdicts=((11, "upgrade_failed"), (12, "migration_removed"), (13, "schema_differs"), (14, "too_slow")),
        unfit=((75, "other_database"), (77, "service_lost"), (78, "unsupported_database"), (76, "base_lost")),
        explained=("other_database", "unsupported_database"),
        evidence="summary",
        parser="probe",
        limit=600,
    )
    if files:
        return (fill, carry("put", tree="base"), carry("get"), upgrade)
    return (fill, upgrade)


def file_option() -> tuple[str, str]:
    """Returns the option with the file of a project that uses SQLite."""
    return ("--file", f"{FILES}/upgrade.sqlite3")


def carry(action: str, tree: TreeName = "") -> Command:
    """Returns the command that carries the file of SQLite from the base's workspace to the tree's."""
    return Command(
        argv=("python", f"{PROBES}/carried.py", action, FILES),
        label=f"{action} the SQLite file",
        environment="ours",
        env=(("DATABASE_URL", DB_URL),),
        verdicts=(),
        evidence="summary",
        parser="probe",
        limit=60,
        tree=tree,
    )


def guess_command(component: Component, context: CatalogueContext) -> Command:
    """Returns the command that tries the newest migrations on rows. Production may have applied them: no verdict."""
    assert isinstance(context.base, SkipReason)
    why = context.base.reason.removeprefix("no upgrade was tried: ")
    database = (DB_HOST, DB_PORT, DB_NAME, *file_option())
    return Command(
        argv=("python", f"{PROBES}/django/upgrade_guess.py", *database, "--within", WORK, "--reason", why),
        label="migrate the newest on rows",
        cwd=web_of(component).directory,
        environment="production",
        env=django_env(component, context),
        secrets=context.secrets(component),
        verdicts=(),
        unfit=((15, "no_base"), (75, "other_database"), (77, "service_lost")),
        explained=("no_base", "other_database"),
        evidence="summary",
        parser="probe",
        limit=600,
    )


UPGRADE_ROW = Row(
    name="migrate_upgrade",
    title="Upgrade from what is deployed",
    stage=Stage.INTEGRATION,
    kinds=(Kind.WEB,),
    commands=upgrade_commands,
    absent=without_migrations,
    skip_reason=skip_reason,
    needs=("migrate",),
    presumed=("migrate",),
    database="empty",
)
