"""Rows that build Workers and static sites from Node packages."""

import posixpath

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext, Row
from tasks.discovery.documents import parse_dotenv
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import CACHE, OUT, PROBES, PYTHON, WORK, Command

TSC_CACHE = f"{CACHE}/tsc.json"


def worker_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for the types, the assets, and the bundle that a deploy would upload."""
    worker, node = component.worker, component.node
    assert worker is not None
    env = tuple(sorted(own_env(component, context).items()))
    types = Command(
        # its cache has the content of files as keys, so an old one is safe
        argv=("tsc", "--noEmit", "--pretty", "false", "--listFiles", "--incremental", "--tsBuildInfoFile", TSC_CACHE),
        label="tsc --noEmit",
        cwd=component.path,
        environment="node",
        env=env,
        verdicts=((1, "type_errors"), (2, "type_errors")),
        # with a configuration that only references others, tsc checks no file and ends with 0
        evidence=r"(?m)^(?!.*/node_modules/)\S.*\.[cm]?[jt]sx?$",
        parser="tsc",
        limit=300,
    )
    bundle = Command(
        argv=("wrangler", "deploy", "--dry-run", "--outdir", f"{OUT}/bundle"),
        label="wrangler deploy --dry-run",
        cwd=component.path,
        environment="node",
        env=env,
        # wrangler's configuration may run the stack's own build command
        secrets=context.secrets(component),
        verdicts=((1, "bundle_failed"),),
        evidence=r"--dry-run: exiting now",
        parser="wrangler",
        limit=300,
    )
    built = assets_build(component, context)
    typed = worker.tsconfig is not None and node is not None and "typescript" in node.dependencies
    return (*((types,) if typed else ()), *built, bundle)


def assets_build(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the package's build script if it makes the assets, which wrangler requires."""
    worker, node = component.worker, component.node
    assert worker is not None
    folder = f"{component.path}/{worker.assets}".removeprefix("./").rstrip("/")
    in_tree = not worker.assets or any(path.startswith(f"{folder}/") for path in context.paths)
    if in_tree or node is None or "build" not in node.scripts:
        return ()
    build = Command(
        argv=(node.manager, "run", "build"),
        label=f"{node.manager} run build",
        cwd=component.path,
        environment="node",
        env=example_env(component, context),
        secrets=context.secrets(component),
        verdicts=tuple((code, "build_failed") for code in range(1, 125)),
        parser="site_build",
    )
    return (build,)


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
    """Returns the commands that build the site, and check its pages and the links between them."""
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
    output = output_of(component, context)
    pageless = ("--pageless",) if site.server else ()
    links = Command(
        argv=(PYTHON, f"{PROBES}/links.py", output, "--base", site.base, "--within", component.path, *pageless),
        label="pages and links",
        cwd=component.path,
        verdicts=((1, "broken_links"), (4, "no_pages")),
        parser="probe",
        limit=120,
    )
    return (build, links)


def output_of(component: Component, context: CatalogueContext) -> str:
    """Returns the build's output directory, relative to the component."""
    assert component.site is not None
    return context.configured(component).output or component.site.output


def worker_outputs(component: Component, _: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns what a deploy uploads. Assets are exported next to the bundle, because files in it count as modules."""
    worker = component.worker
    assert worker is not None
    bundle = (("", f"{OUT}/bundle"),) if worker.main else ()
    assets = posixpath.normpath(f"{component.path}/{worker.assets}")
    return (*bundle, (".assets", f"{WORK}/{assets}")) if worker.assets else bundle


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


def worker_absent(component: Component, _: CatalogueContext) -> str:
    """Returns why a Worker cannot be built."""
    return "" if component.node is not None else f"{component.label} has no package.json to install wrangler from"


ROWS = (
    Row(
        name="worker_container",
        title="Worker container",
        stage=Stage.BUILD,
        kinds=(Kind.WORKER,),
        commands=worker_commands,
        absent=worker_absent,
        outputs=worker_outputs,
    ),
    Row(
        name="site_{slug}",
        title="{component} site",
        stage=Stage.BUILD,
        kinds=(Kind.SITE,),
        commands=site_commands,
        absent=site_absent,
        outputs=site_outputs,
    ),
)
