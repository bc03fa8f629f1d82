"""Makes the catalogue: the checks of a stack, from rows and components."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from tasks.catalogue import node
from tasks.catalogue.custom import custom_check
from tasks.catalogue.deploy_names import absence, needed_names
from tasks.catalogue.django import rows as django
from tasks.catalogue.django.image import missing_files
from tasks.catalogue.quality import rows as quality
from tasks.catalogue.row import Absent, Catalogue, CatalogueContext, Row, slug
from tasks.catalogue.worker import rows as worker
from tasks.catalogue.worker.build import BUILD_ROWS as WORKER_BUILD_ROWS
from tasks.errors import SettingsError, UsageError
from tasks.models import Stage
from tasks.secrets.deploy_check import CHECK as DEPLOY_SECRETS
from tasks.settings.mistakes import nearest, spelled
from tasks.stack import Component, Kind
from tasks.steps import Check, Inputs

ROWS = (*django.BUILD_ROWS, *WORKER_BUILD_ROWS, *node.ROWS, *quality.ROWS, *django.INTEGRATION_ROWS, *worker.ROWS)
NAMES = frozenset([DEPLOY_SECRETS.name, *(row.name for row in ROWS if "{" not in row.name)])
ORDER = tuple(Stage)

__all__ = ["NAMES", "ROWS", "Absent", "Catalogue", "CatalogueContext", "make_catalogue"]

NO_ENGINE = "any engine"
"""A capability that no engine has: its gap is one on every engine."""
KIND_TITLES = {Kind.WEB: "Django project", Kind.WORKER: "Worker", Kind.SITE: "static site", Kind.PACKAGE: "package"}


def inputs_of(components: Iterable[Component], others: Iterable[Component]) -> Inputs:
    """Returns all files of the tree except those of other components.

    Directories that `components` depend on, or that contain one of them, are included. So are all components of the
    same Python project, because its tools read all of them.
    """
    listed, known = tuple(components), tuple(others)
    roots = {component.python.root for component in listed if component.python}
    followed = {component.path for component in listed}
    for component in listed:
        followed |= {*(component.python.paths if component.python else ())}
        followed |= {*(component.node.paths if component.node else ())}
    followed |= {other.path for other in known if other.python and other.python.root in roots}
    paths = {other.path for other in known} - {"."}
    exclude = {path for path in paths if not any(overlap(path, mine) for mine in followed)}
    return Inputs(exclude=tuple(sorted(exclude)))


def overlap(path: str, mine: str) -> bool:
    """Whether the directories are equal, or one contains the other. The root counts as containing none."""
    return mine != "." and (path == mine or path.startswith(mine + "/") or mine.startswith(path + "/"))


def check_of(row: Row, component: Component, context: CatalogueContext) -> Check:
    """Returns the check of a row for one component."""
    name = row.name.format(slug=slug(component))
    all_components, migrated_by = context.stack.components, row.migrated_by(component, context)
    migrating = (each for each in all_components if each.path == migrated_by)
    seen = (component, *migrating, *row.reads(component, context))
    skip_reason = row.skip_reason(component, context)
    database = row.database(component, context) if callable(row.database) else row.database
    needs = row.needs(component, context) if callable(row.needs) else row.needs
    workspace_of = row.workspace_of(component, context) if callable(row.workspace_of) else row.workspace_of
    return Check(
        id=f"{name}[{component.path}]",
        name=name,
        title=row.title.format(component=component.name),
        stage=row.stage,
        component=component.path,
        commands=() if skip_reason else row.commands(component, context),
        inputs=inputs_of(seen, all_components),
        needs=(*(f"{need}[{component.path}]" for need in needs), *row.across(component, context)),
        presumed=tuple(f"{need}[{component.path}]" for need in row.presumed),
        database="" if skip_reason else database,
        migrated_by=migrated_by,
        workspace_of=f"{workspace_of}[{component.path}]" if workspace_of else "",
        requires=(*row.requires(component, context), *((NO_ENGINE, gap) for gap in row.gaps(component, context))),
        image=row.image(component, context) if row.image else None,
        outputs=row.outputs(component, context),
        skip_reason=skip_reason,
    )


def distinct(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Appends the component's path to titles that are not unique."""
    listed = tuple(checks)
    titles = Counter(check.title for check in listed)
    return tuple(
        replace(check, title=f"{check.title} ({check.component})") if titles[check.title] > 1 else check
        for check in listed
    )


def expand(row: Row, context: CatalogueContext) -> tuple[list[Check], list[Absent]]:
    """Returns the checks of one row, and the components without such a check."""
    checks, absent = [], []
    components = [component for component in context.stack.components if {*component.kinds} & {*row.kinds}]
    for component in components:
        name = row.name.format(slug=slug(component))
        is_skipped = name in context.configured(component).skip
        reason = f"skipped by predeploy.toml for {component.label}" if is_skipped else row.absent(component, context)
        if reason:
            absent.append(Absent(name=name, component=component.path, reason=reason))
        else:
            checks.append(check_of(row, component, context))
    if not components and "{" not in row.name:
        kinds = " or ".join(KIND_TITLES[kind] for kind in row.kinds)
        absent.append(Absent(name=row.name, component="", reason=f"the stack has no {kinds}"))
    return checks, absent


def make_catalogue(context: CatalogueContext) -> Catalogue:
    """Returns every check of the stack, in the order of stages and rows. Custom checks come last in their stage."""
    checks: list[Check] = []
    absent: list[Absent] = []
    for row in ROWS:
        found, missing = expand(row, context)
        checks += found
        absent += missing
    deploys = needed_names(context)
    if reason := absence(context, deploys):
        absent.append(Absent(name=DEPLOY_SECRETS.name, component="", reason=reason))
    else:
        checks.append(DEPLOY_SECRETS)
    own, mistakes = custom_checks(context)
    checks += own
    reject_unknown_names(context, checks, {each.name for each in absent}, mistakes)
    limited = [with_limit(check, context.settings.limits.get(check.name)) for check in checks]
    ordered = sorted(limited, key=lambda check: ORDER.index(check.stage))
    if ordered and context.stack.gaps:
        rest = tuple((NO_ENGINE, gap) for gap in context.stack.gaps)
        ordered[0] = replace(ordered[0], requires=(*ordered[0].requires, *rest))
    return Catalogue(checks=distinct(ordered), absent=tuple(absent), deploys=deploys)


def custom_checks(context: CatalogueContext) -> tuple[list[Check], list[str]]:
    """Returns the checks that the stack configures, and the mistakes in the others."""
    checks, mistakes = [], []
    for row in context.settings.check:
        try:
            checks.append(custom_check(row, context))
        except UsageError as error:
            mistakes.append(str(error))
    return checks, mistakes


def reject_unknown_names(
    context: CatalogueContext, checks: Iterable[Check], absent: Collection[str], mistakes: Iterable[str]
) -> None:
    """Raises SettingsError for settings of an unknown component, check or file, and for two checks with one id.

    `absent` are the names of checks that a component lacks. `mistakes` are those in the checks of the stack's own.
    """
    listed = tuple(checks)
    ids = Counter(check.id for check in listed)
    paths = {component.path for component in context.stack.components}
    names = {check.name for check in listed} | NAMES | {*absent} | {row.name for row in context.settings.check}
    found = [
        f"component.{path}: the stack has no component at this path{suggestion(path, paths)}"
        for path in context.settings.component
        if path not in paths
    ]
    workers = [component for component in context.stack.components if component.worker]
    worker_names = {name for component in workers for name in context.names(component)}
    found += [
        f"{spelled(('worker', name))}: no Worker has this name or path{suggestion(name, worker_names)}"
        for name in context.settings.worker
        if name not in worker_names
    ]
    found += [
        f"limits.{name}: no check has this name{suggestion(name, names)}"
        for name in context.settings.limits
        if name not in names
    ]
    found += [
        f"{spelled(('component', path))}.skip: no check has this name: {name}{suggestion(name, names)}"
        for path, configured in context.settings.component.items()
        for name in configured.skip
        if name not in names
    ]
    found += [
        f"{spelled(('component', component.path, 'image'))}.{each}"
        for component in context.stack.of(Kind.WEB)
        for each in missing_files(component, context)
    ]
    found += [f"two checks have the id {check_id}: rename one" for check_id, count in ids.items() if count > 1]
    if problems := [*(f"predeploy.toml: {each}" for each in found), *mistakes]:
        raise SettingsError(problems)


def suggestion(given: str, known: Iterable[str]) -> str:
    """Returns the suggestion of a message about a misspelt name, or an empty text."""
    close = nearest(given, known)
    return f"; did you mean {close}?" if close else ""


def with_limit(check: Check, limit: float | None) -> Check:
    """Returns the check with the configured limit, in seconds, for each of its commands."""
    if limit is None:
        return check
    return replace(check, commands=tuple(replace(command, limit=limit) for command in check.commands))
