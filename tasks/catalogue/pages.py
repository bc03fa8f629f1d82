"""Makes the command that compiles the code of a Cloudflare Pages project."""

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext, output_of
from tasks.catalogue.worker.bound import bound_commands
from tasks.catalogue.worker.own_wrangler import lacks_wrangler
from tasks.catalogue.worker.service import facts_of
from tasks.discovery.file_view import join
from tasks.discovery.worker.deploys import CONFIGS
from tasks.stack import Component
from tasks.steps import OUT, PROBES, PYTHON, Command


def code_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that compiles functions or `_worker.js` as a deploy does; none if there are none."""
    site = component.site
    if site is None or site.pages is None or component.node is None:
        return ()
    outputs = ("--bundle", f"{OUT}/bundle", "--routes", f"{OUT}/routes.json")
    command = Command(
        argv=("node", f"{PROBES}/workerd/build_pages.mjs", "--output", output_of(component, context), *outputs),
        label="wrangler pages functions build",
        cwd=component.path,
        environment="node",
        env=tuple(sorted((*own_env(component, context).items(), ("PREDEPLOY_WORKER", facts_of(component, context))))),
        verdicts=((1, "functions_failed"),),
        evidence="Compiled Worker successfully|Pages deploys static files alone",
        parser="pages_functions",
        limit=300,
    )
    return (command, *bound_commands(component, context))


def refused_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that finds what Pages refuses or ignores of the output; none for sites of other hosts."""
    site = component.site
    if site is None or not site.on_pages or component.worker is not None:
        return ()
    program, plan = f"{PROBES}/wrangler/pages_refused.py", context.settings.cloudflare_plan
    named = next((name for name in CONFIGS if join(component.path, name) in context.paths), "")
    config = ("--config", named) if named else ()
    command = Command(
        argv=(PYTHON, program, output_of(component, context), "--within", component.path, "--plan", plan, *config),
        label="rules for Pages",
        cwd=component.path,
        verdicts=((1, "deploy_refused"),),
        parser="probe",
        limit=120,
    )
    return (command,)


def code_gaps(component: Component) -> tuple[str, ...]:
    """Returns the gap of code that predeploy's own wrangler compiles."""
    if component.site is None or component.site.pages is None or not lacks_wrangler(component):
        return ()
    return (f"predeploy's own wrangler compiles the code of {component.label}, because no package.json asks for one",)
