"""The row that builds static sites from Node packages."""

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext, Row
from tasks.discovery.documents import parse_dotenv
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import PROBES, PYTHON, WORK, Command


def example_env(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns the build's variables: those of `.env.example`, overridden by the settings."""
    path = f"{component.path}/.env.example".removeprefix("./")
    example = parse_dotenv(context.read(path)) if path in context.paths else {}
    filled = {name: value for name, value in example.items() if value}
    return tuple(sorted((filled | own_env(component, context)).items()))


def build_argv(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the package's build script, run by its package manager, else the generator's own command."""
    node, site, named = component.node, component.site, context.configured(component).build
    assert node is not None
    assert site is not None
    script = named or site.script
    return (node.manager, "run", script) if script else site.command


def site_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands that build the site, and check its pages and the links between them.

    The build of a Worker makes the site's pages, too, if the component is both.
    """
    site = component.site
    assert site is not None
    build = Command(
        argv=build_argv(component, context),
        label=f"{site.generator} build",
        cwd=component.path,
        environment="node",
        env=example_env(component, context),
        secrets=context.secrets(component),
        # any exit code that the build script chose itself is a verdict
        verdicts=tuple((code, "build_failed") for code in range(1, 125)),
        parser="site_build",
        limit=600,
    )
    return (links_command(component, context),) if component.worker else (build, links_command(component, context))


def links_command(component: Component, context: CatalogueContext) -> Command:
    """Returns the command that checks pages and links. The pages of a Worker are in its directory of assets."""
    site, worker = component.site, component.worker
    assert site is not None
    is_rendered = site.server or (worker is not None and bool(worker.main))
    flags = {
        "--pageless": is_rendered,
        "--deployed": worker is not None,
        "--routed": site.routed,
        "--lenient": site.lenient,
    }
    output = worker.assets if worker and worker.assets else output_of(component, context)
    return Command(
        argv=(
            *(PYTHON, f"{PROBES}/pages/links.py", output, "--base", site.base, "--within", component.path),
            *(name for name, is_set in flags.items() if is_set),
            *(f"--answered={pattern}" for pattern in site.answered),
        ),
        label="pages and links",
        cwd=component.path,
        verdicts=((1, "broken_links"), (4, "no_pages")),
        parser="probe",
        limit=120,
    )


def after_worker(component: Component, _: CatalogueContext) -> tuple[str, ...]:
    """Returns the row with the build of a component that is also a Worker."""
    return ("worker_container",) if component.worker else ()


def site_gaps(component: Component, _: CatalogueContext) -> tuple[str, ...]:
    """Returns what no check covers of a site that a server renders."""
    if component.site is None or not component.site.server or component.worker:
        return ()
    return (f"a server renders pages of {component.label} on request; predeploy does not start this server",)


def output_of(component: Component, context: CatalogueContext) -> str:
    """Returns the build's output directory, relative to the component."""
    assert component.site is not None
    return context.configured(component).output or component.site.output


def site_outputs(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns what a deploy uploads."""
    return (("", f"{WORK}/{component.path}/{output_of(component, context)}"),)


def site_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why a site cannot be built."""
    node, named = component.node, context.configured(component).build
    if node is None:
        return f"{component.label} has no package.json to install its generator from"
    if named and named not in node.scripts:
        return f"{component.path}/package.json has no script named {named}"
    return "" if build_argv(component, context) else f"{component.path}/package.json has no build script"


ROWS = (
    Row(
        name="site_{slug}",
        title="{component} site",
        stage=Stage.BUILD,
        kinds=(Kind.SITE,),
        commands=site_commands,
        absent=site_absent,
        outputs=site_outputs,
        needs=after_worker,
        workspace_of=lambda component, context: "".join(after_worker(component, context)),
        gaps=site_gaps,
    ),
)
