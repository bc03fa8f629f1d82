"""Makes the command that compiles the functions of a Cloudflare Pages project."""

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext
from tasks.stack import Component
from tasks.steps import OUT, Command


def functions_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that compiles the functions as a deploy does; none without functions or wrangler."""
    if not _compiles(component):
        return ()
    command = Command(
        argv=("wrangler", "pages", "functions", "build", "--outdir", f"{OUT}/bundle", "--sourcemap"),
        label="wrangler pages functions build",
        cwd=component.path,
        environment="node",
        env=tuple(sorted(own_env(component, context).items())),
        verdicts=((1, "functions_failed"),),
        evidence="Compiled Worker successfully",
        parser="pages_functions",
        limit=300,
    )
    return (command,)


def functions_gaps(component: Component) -> tuple[str, ...]:
    """Returns the reason why functions are not compiled, if there are some."""
    if component.site is None or not component.site.functions or _compiles(component):
        return ()
    return (f"the package of {component.label} has no wrangler, so its Pages functions are not compiled",)


def _compiles(component: Component) -> bool:
    site, node = component.site, component.node
    return bool(site and site.functions and node and "wrangler" in node.dependencies)
