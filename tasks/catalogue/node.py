"""Rows that build what is deployed from Node packages: Workers and static sites."""

from tasks.catalogue.django_environment import parse_dotenv
from tasks.catalogue.row import Row, Scene
from tasks.models import Stage
from tasks.stack import Component, Kind, NodeProject
from tasks.steps import OUT, PROBES, PYTHON, Command


def node_of(component: Component) -> NodeProject | None:
    """How the component's packages are installed, if it has any."""
    return component.node


def worker_commands(component: Component, _: Scene) -> tuple[Command, ...]:
    """Types, then the bundle that a deploy would upload."""
    worker, node = component.worker, node_of(component)
    assert worker is not None
    types = Command(
        argv=("tsc", "--noEmit", "--pretty", "false"),
        label="tsc --noEmit",
        cwd=component.path,
        environment="node",
        verdicts=((1, "type_errors"), (2, "type_errors")),
        parser="tsc",
        limit=300,
    )
    bundle = Command(
        argv=("wrangler", "deploy", "--dry-run", "--outdir", f"{OUT}/bundle"),
        label="wrangler deploy --dry-run",
        cwd=component.path,
        environment="node",
        verdicts=((1, "bundle_failed"),),
        parser="wrangler",
        limit=300,
    )
    typed = worker.tsconfig is not None and node is not None and "typescript" in node.dependencies
    return (types, bundle) if typed else (bundle,)


def example_env(component: Component, scene: Scene) -> tuple[tuple[str, str], ...]:
    """What the build finds in `.env.example`, under what the settings say."""
    path = f"{component.path}/.env.example".removeprefix("./")
    example = parse_dotenv(scene.read(path)) if path in scene.paths else {}
    own = {**scene.settings.env, **scene.configured(component).env}
    return tuple(sorted(({name: value for name, value in example.items() if value} | own).items()))


def build_script(component: Component, scene: Scene) -> tuple[str, ...]:
    """The package's own build script, run by its own package manager."""
    node = node_of(component)
    assert node is not None
    return (node.manager, "run", scene.configured(component).build or "build")


def site_commands(component: Component, scene: Scene) -> tuple[Command, ...]:
    """The build, then what it left: pages, and no link between them that leads nowhere."""
    site = component.site
    assert site is not None
    build = Command(
        argv=build_script(component, scene),
        label=f"{site.generator} build",
        cwd=component.path,
        environment="node",
        env=example_env(component, scene),
        # whatever code the generator chose: a build script that exits is not the machine's fault
        verdicts=tuple((code, "build_failed") for code in range(1, 125)),
        parser="site_build",
        limit=600,
    )
    output = scene.configured(component).output or site.output
    links = Command(
        argv=(PYTHON, f"{PROBES}/links.py", output, "--base", site.base, "--within", component.path),
        label="pages and links",
        cwd=component.path,
        verdicts=((1, "broken_links"), (4, "no_pages")),
        parser="probe",
        limit=120,
    )
    return (build, links)


def site_absent(component: Component, scene: Scene) -> str:
    """A site without a build script cannot be built."""
    node, script = node_of(component), scene.configured(component).build or "build"
    has = node is not None and script in node.scripts
    return "" if has else f"{component.path}/package.json has no script named {script}"


def worker_absent(component: Component, _: Scene) -> str:
    """Without a package there is nothing to install wrangler from."""
    return "" if node_of(component) is not None else f"{component.path} has no package.json to install wrangler from"


ROWS = (
    Row(
        name="worker_container",
        title="Worker container",
        stage=Stage.BUILD,
        kinds=(Kind.WORKER,),
        commands=worker_commands,
        absent=worker_absent,
    ),
    Row(
        name="site_{slug}",
        title="{component} site",
        stage=Stage.BUILD,
        kinds=(Kind.SITE,),
        commands=site_commands,
        absent=site_absent,
    ),
)
