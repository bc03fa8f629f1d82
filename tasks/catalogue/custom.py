"""Makes the custom checks that a stack configures in predeploy.toml."""

from tasks.catalogue.django.environment import django_env, own_env
from tasks.catalogue.row import CatalogueContext
from tasks.errors import UsageError
from tasks.settings import CustomCheck
from tasks.stack import Component
from tasks.steps import Check, Command


def component_at(path: str | None, context: CatalogueContext, name: str) -> Component | None:
    """Returns the component of a custom check. If a directory has two components, it is the Django project.

    Without a path it is the component at the root, if there is one. Raises UsageError for an unknown path.
    """
    found = [component for component in context.stack.components if component.path == (path or ".")]
    if not found and path is None:
        return None
    if not found:
        known = ", ".join(component.path for component in context.stack.components) or "none"
        message = (
            f"predeploy.toml: the check {name} names the component {path}, which does not exist. Components: {known}."
        )
        raise UsageError(message)
    return found[0]


def reject_environment(row: CustomCheck, context: CatalogueContext) -> None:
    """Raises UsageError if the component has no packages for the check's environment."""
    if not row.environment:
        return
    here = [component for component in context.stack.components if component.path == (row.component or ".")]
    has = any(each.node if row.environment == "node" else each.python for each in here)
    if not has:
        why = f"{row.component} has no such packages" if row.component else "names no component"
        message = f"predeploy.toml: the check {row.name} requires the {row.environment} environment, but {why}."
        known = ", ".join(f'"{each.path}"' for each in context.stack.components) or "none"
        raise UsageError(f"{message} Set component to one with such packages. Components: {known}.")


def needs_of(row: CustomCheck, component: Component | None) -> tuple[str, ...]:
    """Returns the configured needs. A check with a copy of the migrated database also needs the migrations.

    Raises UsageError if such a check names no Django project.
    """
    if row.database != "migrated":
        return row.needs
    if component is None or component.web is None:
        message = f"predeploy.toml: the check {row.name} requires a migrated database, but names no Django project."
        raise UsageError(f'{message} Name one (component = …), or use database = "empty".')
    named = "migrate" in row.needs
    return row.needs if named else (*row.needs, f"migrate[{component.path}]")


def custom_check(row: CustomCheck, context: CatalogueContext) -> Check:
    """Returns one check of `predeploy.toml`. Its needs are resolved later, with those of the catalogue."""
    component = component_at(row.component, context, row.name)
    is_web = component is not None and component.web is not None
    env = django_env(component, context) if component and is_web else tuple(sorted(own_env(component, context).items()))
    reject_environment(row, context)
    command = Command(
        argv=row.run,
        label=" ".join(row.run),
        cwd=component.path if component else ".",
        environment=row.environment,
        env=env,
        secrets=tuple(sorted({*context.secrets(component), *row.secrets, *row.optional_secrets})),
        verdicts=tuple((code, "findings") for code in row.verdicts),
        parser=row.parser or "plain",
        limit=row.limit,
        # its inputs are unknown
        volatile=True,
    )
    return Check(
        id=f"{row.name}[{component.path}]" if component else row.name,
        name=row.name,
        title=row.title or row.name,
        stage=row.stage,
        component=component.path if component else ".",
        commands=(command,),
        needs=needs_of(row, component),
        database=row.database,
    )
