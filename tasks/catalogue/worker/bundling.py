"""Makes the commands that bundle a Worker as the stack deploys it."""

from importlib import import_module

from tasks.catalogue.build_env import example_env
from tasks.catalogue.django.environment import own_env
from tasks.catalogue.row import CatalogueContext
from tasks.production import KeyLines
from tasks.stack import Component
from tasks.steps import OUT, Command
from tasks.worker import Deploy, DeployStep, Worker

BUNDLE = f"{OUT}/bundle"
# by name, because mypy knows the module as one of the probes' folder
PROBE = import_module("tasks.probes.wrangler.wrangler_file")


def worker_of(component: Component) -> Worker:
    """Returns the Worker of a component: one of kind `worker`, or the code of a Pages project."""
    pages = component.site.pages if component.site else None
    worker = component.worker or pages
    assert worker is not None
    return worker


def deploy_steps(component: Component, context: CatalogueContext) -> tuple[DeployStep, ...]:
    """Returns the steps before wrangler. A configured build script replaces those of the stack."""
    deploy, named = worker_of(component).deploy, context.configured(component).build
    if not named or component.node is None:
        return deploy.steps
    argv = (component.node.manager, "run", named)
    return (DeployStep(text=" ".join(argv), argv=argv, directory=component.node.package),)


def step_command(step: DeployStep, component: Component, context: CatalogueContext) -> Command:
    """Returns the command of a step. Configured variables win over those of the step, and these over examples."""
    env = dict(example_env(component, context)) | dict(step.env) | own_env(component, context)
    return Command(
        argv=step.argv,
        label=step.text,
        cwd=step.directory,
        environment="node",
        env=tuple(sorted(env.items())),
        secrets=context.secrets(component),
        # any exit code that the build chose itself is a verdict
        verdicts=tuple((code, "build_failed") for code in range(1, 125)),
        parser="site_build",
        limit=600,
    )


def wrangler_options(worker: Worker) -> tuple[str, ...]:
    """Returns the options of wrangler for the target: as the stack gives them, or for the section with the Worker."""
    deploy = worker.deploy
    named = deploy.is_named or worker.environment != deploy.environment
    environment = (f"--env={worker.environment}",) if named else ()
    config = (f"--config={deploy.config}",) if deploy.config else ()
    # the dry run would build the images of containers, for which it needs Docker
    containers = ("--containers-rollout=none",) if worker.containers else ()
    return (*environment, *config, *containers, *deploy.options)


def bundle_command(component: Component, context: CatalogueContext, folder: str = BUNDLE) -> Command:
    """Returns the command that makes the bundle, from the configuration that the steps before left."""
    worker = worker_of(component)
    env = dict(worker.deploy.env) | own_env(component, context)
    return Command(
        argv=("wrangler", "deploy", "--dry-run", "--outdir", folder, *wrangler_options(worker)),
        label="wrangler deploy --dry-run",
        cwd=directory_of(component),
        environment="node",
        env=tuple(sorted(env.items())),
        # wrangler's configuration may run the stack's own build command
        secrets=context.secrets(component),
        verdicts=((1, "bundle_failed"),),
        evidence=r"--dry-run: exiting now",
        keys=key_lines(worker, context),
        parser="wrangler",
        limit=300,
    )


def directory_of(component: Component) -> str:
    """Returns the directory in which wrangler runs."""
    deploy = worker_of(component).deploy
    return deploy.directory if deploy != Deploy() else component.path


def key_lines(worker: Worker, context: CatalogueContext) -> KeyLines | None:
    """Returns the lines of the keys in the wrangler file; None without a file that can be read."""
    text = context.read(worker.config) if worker.config in context.paths else ""
    is_toml = worker.config.endswith(".toml")
    try:
        found = PROBE.toml_lines(text) if is_toml else PROBE.json_lines(PROBE.without_comments(text))
        lines = tuple((dotted(path), line) for path, line in found)
    except (ValueError, IndexError):
        return None
    section = f"env.{worker.environment}" if worker.environment else ""
    return KeyLines(file=worker.config, lines=lines, section=section) if lines else None


def dotted(path: tuple[str | int, ...]) -> str:
    """Returns a path of keys as wrangler writes it: `kv_namespaces[0].id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
