"""The row that builds static sites from Node packages."""

import posixpath

from tasks.catalogue.build_env import example_env
from tasks.catalogue.machine_sites import by_machine, machine_gaps, without_program
from tasks.catalogue.pages import code_commands, code_gaps, refused_commands
from tasks.catalogue.paths import below
from tasks.catalogue.preparation import prepared
from tasks.catalogue.row import CatalogueContext, Row, output_of
from tasks.catalogue.worker.bound import bound_components
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import PROBES, PYTHON, WORK, Command


def build_argv(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns the package's build script, run by its package manager, else the generator's own command."""
    node, site, named = component.node, component.site, context.configured(component).build
    assert site is not None
    script = named or site.script
    if node is None:
        return site.command if site.program else ()
    return (node.manager, "run", script) if script else site.command


def site_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands that build the site, and check its pages and the links between them.

    The build of a Worker makes the site's pages, too, if the component is both.
    """
    site = component.site
    assert site is not None
    build = Command(
        argv=build_argv(component, context),
        label=f"{site.generator or 'package'} build",
        cwd=component.path,
        environment="node" if component.node else "",
        env=example_env(component, context),
        secrets=context.secrets(component),
        # any exit code that the build script chose itself is a verdict
        verdicts=tuple((code, "build_failed") for code in range(1, 125)),
        parser="site_build",
        limit=600,
    )
    if site.program:
        build = by_machine(build, site.program)
    if component.worker:
        return (links_command(component, context),)
    builds = (*prepared(component, context, "build"), build) if build.argv else ()
    links = (links_command(component, context),) if has_pages(component, context) else ()
    return (*builds, *code_commands(component, context), *refused_commands(component, context), *links)


def has_pages(component: Component, context: CatalogueContext) -> bool:
    """Whether links can be checked: not in the root of a package, nor in pages that an unknown program makes."""
    output = posixpath.normpath(output_of(component, context))
    folder = posixpath.normpath(posixpath.join(component.path, output))
    if output == ".":
        return False
    return bool(build_argv(component, context)) or bool(below(folder, context.paths))


def links_command(component: Component, context: CatalogueContext) -> Command:
    """Returns the command that checks pages and links. The pages of a Worker are in its directory of assets."""
    site, worker = component.site, component.worker
    assert site is not None
    is_rendered = site.server or site.functions or (worker is not None and bool(worker.main))
    flags = {
        "--pageless": is_rendered,
        "--deployed": worker is not None,
        "--routed": site.routed or site.functions,
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
    """Returns what no check covers of a site that a server renders, or that has functions."""
    if component.site is None or component.worker:
        return ()
    rendered = f"a server renders pages of {component.label} on request; predeploy does not start this server"
    # without a wrangler file nothing says that Pages runs the server
    is_started = component.site.pages is not None and component.site.pages.config != ""
    by_machine = machine_gaps(component.site, component.label)
    return (*((rendered,) if component.site.server and not is_started else ()), *by_machine, *code_gaps(component))


def package_gaps(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns what no check covers of a package whose generator is unknown."""
    if output_of(component, context):
        return ()
    return (f"the build script of {component.label} ran, and predeploy does not know how to check what it makes",)


def site_outputs(component: Component, context: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns what a deploy uploads."""
    output = output_of(component, context)
    return (("", f"{WORK}/{component.path}/{output}"),) if output else ()


def site_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why a site cannot be built."""
    node, named = component.node, context.configured(component).build
    if component.site is not None and component.site.generator == "pages" and not named:
        return ""  # a directory is uploaded as it is, or after the package's build script
    if component.site is not None and component.site.program and not named:
        return ""
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
        reads=bound_components,
        gaps=site_gaps,
        skip_reason=without_program,
    ),
    Row(
        name="package_{slug}",
        title="{component} package",
        stage=Stage.BUILD,
        kinds=(Kind.PACKAGE,),
        commands=site_commands,
        absent=site_absent,
        outputs=site_outputs,
        gaps=package_gaps,
    ),
)
