"""Checks that a stack adds in its own configuration."""

from tasks.catalogue.django_environment import django_env, own_env
from tasks.catalogue.row import CatalogueContext
from tasks.errors import UsageError
from tasks.settings import CustomCheck
from tasks.stack import Component
from tasks.steps import Check, Command


def component_at(path: str | None, context: CatalogueContext, name: str) -> Component | None:
    """The component that a custom check names; the Django project where a directory holds two."""
    if path is None:
        return None
    found = [component for component in context.stack.components if component.path == path]
    if not found:
        known = ", ".join(component.path for component in context.stack.components) or "none"
        message = (
            f"predeploy.toml: the check {name} is for the component {path}, which is not there. Components: {known}."
        )
        raise UsageError(message)
    return found[0]


def reject_environment(row: CustomCheck, context: CatalogueContext) -> None:
    """Raises UsageError where the component has no packages of the kind that the check asks for."""
    if not row.environment:
        return
    here = [component for component in context.stack.components if component.path == row.component]
    has = any(each.node if row.environment == "node" else each.python for each in here)
    if not has:
        of = row.component or "no component"
        message = f"predeploy.toml: the check {row.name} asks for the {row.environment} environment of {of}."
        raise UsageError(f"{message} Name a component that has such packages: component = …")


def needs_of(row: CustomCheck, component: Component | None) -> tuple[str, ...]:
    """What the row names, and the migrations where it asks for a copy of the migrated database."""
    if row.database != "migrated":
        return row.needs
    if component is None or component.web is None:
        message = f"predeploy.toml: the check {row.name} asks for a migrated database, and names no Django project."
        raise UsageError(f"{message} Name one (component = …), or ask for an empty database.")
    named = "migrate" in row.needs
    return row.needs if named else (*row.needs, f"migrate[{component.path}]")


def custom_check(row: CustomCheck, context: CatalogueContext) -> Check:
    """One check of `predeploy.toml`. Its needs are resolved with those of the catalogue."""
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
        # nobody knows what it reads
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
