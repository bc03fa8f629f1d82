"""Finds how the stack deploys a Worker: in CI, in scripts of its packages, and in recipes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tasks.discovery.calls.recipes import Recipe, read_recipes
from tasks.discovery.calls.workflows import Script, read_jobs
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent
from tasks.discovery.node.node_project import manager_and_version
from tasks.discovery.node.node_workspace import find_workspace
from tasks.discovery.node.siblings import is_installed_with
from tasks.discovery.worker.deploy_scripts import DeployPart, Scripts
from tasks.discovery.worker.targets import PRODUCTION
from tasks.production import Sourced
from tasks.worker import Deploy, DeployStep

CONFIGS = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""The names of a wrangler file, in the order in which wrangler searches."""
# Names of scripts that deploy, the likeliest first. All other scripts follow.
_NAMES = ("deploy", "deploy:production", "deploy:prod", "deploy:live", "publish", "release", "cf:deploy")
_TRIAL = re.compile(r"(?:^|[:_-])(?:preview|staging|stage|stg|dev|development|test|beta|canary|pr|next)(?:$|[:_-])")
_ACTION = "cloudflare/wrangler-action"
# A script with these is not plain: a command may not run, or run more than once.
_CONTROL = re.compile(r"^\s*(?:if|for|while|case|until|function)\b|<<", re.MULTILINE)
_BUILDS = re.compile(r"build|bundle|webpack|rollup|parcel|generate|compile|export", re.IGNORECASE)
# Scripts that build, if no file calls one before wrangler.
_BUILD_NAMES = ("build", "build:prod", "build:production", "build:cloudflare", "build:worker", "cf:build", "build:cf")
_VARIABLE = "CLOUDFLARE_ENV"
"""The variable with which wrangler and the plugin of Vite learn the environment."""
_OPEN_NEXT = "opennextjs-cloudflare"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployContext:
    """What the search for a deploy knows of the Worker.

    `package` is the directory of its package.json, `environments` are those of its wrangler file, and `wanted` is the
    configured deploy target. `needs_build` means that wrangler needs files that a build makes: `main` and `assets`, a
    directory that is not in the tree, tell which.
    """

    config: str
    package: str | None
    manager: str = "npm"
    environments: tuple[str, ...] = ()
    wanted: str = ""
    needs_build: bool = False
    main: str = ""
    assets: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A deploy that a file of the stack calls. `order` ranks its source, and `is_trial` one that is no production."""

    deploy: Deploy
    order: int
    is_trial: bool = False


def find_deploy(tree: FileView, context: DeployContext) -> Deploy:
    """Returns the deploy of a Worker: the one to the wanted environment, else to production, from the best source."""
    places: dict[tuple[str, str], dict[str, Recipe]] = {}
    for recipe in read_recipes(tree):
        places.setdefault((recipe.program, recipe.directory), {}).setdefault(recipe.name, recipe)
    scripts = Scripts(
        recipes=places,
        manager_of=lambda directory: _manager_of(tree, directory, context),
        read=tree.text,
        is_installed=lambda directory: is_installed_with(tree, context.package, directory),
    )
    found = [*_in_ci(tree, scripts, context), *_in_scripts(tree, scripts, context)]
    best = min(found, key=lambda each: _rank(each, context), default=None)
    deploy = best.deploy if best else Deploy(directory=parent(context.config))
    return _with_build(tree, scripts, _aimed(deploy, context), context)


def _manager_of(tree: FileView, directory: str, context: DeployContext) -> str:
    """Returns the package manager in a directory: the Worker's own, unless the directory has packages of its own."""
    home = context.package
    if home is None or find_workspace(tree, directory).root == find_workspace(tree, home).root:
        return context.manager
    return manager_and_version(tree, directory)[0]


def _aimed(deploy: Deploy, context: DeployContext) -> Deploy:
    """Returns the deploy to the wanted environment. Builds learn it as wrangler's own variable."""
    if context.wanted not in context.environments or deploy.environment == context.wanted:
        return deploy
    given = (_VARIABLE, context.wanted)
    steps = tuple(replace(each, env=(*each.env, given)) for each in deploy.steps)
    return replace(deploy, steps=steps, environment=context.wanted, is_named=True, env=(*deploy.env, given))


def _rank(candidate: _Candidate, context: DeployContext) -> tuple[bool, bool, int, int]:
    """Returns the key of a candidate. The lowest is the deploy to validate."""
    environment = candidate.deploy.environment
    likely = (*PRODUCTION, "")
    target = likely.index(environment) if environment in likely else len(likely)
    is_other = bool(context.wanted) and environment != context.wanted and context.wanted in context.environments
    return is_other, candidate.is_trial or bool(_TRIAL.search(environment)), candidate.order, target


def _in_ci(tree: FileView, scripts: Scripts, context: DeployContext) -> Iterator[_Candidate]:
    """Yields the deploys of jobs that are plain."""
    for job in read_jobs(tree):
        if not any(_CONTROL.search(script.text) for script in job):
            parts = [part for script in job for part in _of_script(scripts, script)]
            yield from _candidates(tree, parts, context, order=0)


def _of_script(scripts: Scripts, script: Script) -> Iterator[DeployPart]:
    """Yields the commands of a step in CI, with the step's variables."""
    text = script.text
    directory = script.directory
    if script.uses == _ACTION:
        given = dict(script.given)
        command = given.get("command", "deploy")
        target = f" --env {given['environment']}" if given.get("environment") and "--env" not in command else ""
        lines = [f"wrangler {line.strip()}{target}" for line in command.splitlines() if line.strip()]
        text = "\n".join((given.get("preCommands", ""), *lines))
        directory = join(directory, given.get("workingDirectory", "."))
    for part in scripts.parts(text, directory, Sourced(file=script.file, line=script.line)):
        env = tuple(sorted({**dict(script.env), **dict(part.step.env)}.items()))
        yield replace(part, step=replace(part.step, env=env))


def _in_scripts(tree: FileView, scripts: Scripts, context: DeployContext) -> Iterator[_Candidate]:
    """Yields the deploys in scripts of the Worker's package and of packages above, and in recipes."""
    directory = parent(context.config)
    for program, base in (("npm", 10), ("make", 50), ("just", 50)):
        for depth, above in enumerate(lineage(directory)):
            known = scripts.of(above, program)
            for name in sorted(known, key=lambda each: (each not in _NAMES, each)):
                order = base + 10 * (depth > 0 and program == "npm") + _order(name)
                parts = [*scripts.parts_of(known[name])]
                yield from _candidates(tree, parts, context, order=order, is_trial=bool(_TRIAL.search(name)))


def _order(name: str) -> int:
    return _NAMES.index(name) if name in _NAMES else len(_NAMES)


def _candidates(
    tree: FileView, parts: list[DeployPart], context: DeployContext, *, order: int, is_trial: bool = False
) -> Iterator[_Candidate]:
    """Yields the uploads of the Worker in a list of commands, each with the commands before it."""
    for index, part in enumerate(parts):
        if part.upload is None or not _is_of(tree, part, context.config):
            continue
        upload, before = part.upload, parts[:index]
        steps = _unique(each.step for each in before if each.work == "build")
        variables = dict(pair for step in (*steps, part.step) for pair in step.env)
        target = variables.get(_VARIABLE, "") if upload.environment is None else upload.environment
        deploy = Deploy(
            steps=steps,
            left_out=_unique(each.step for each in before if each.work in {"quality", "outward"}),
            options=upload.options,
            environment=target,
            is_named=upload.environment is not None,
            directory=join(part.step.directory, upload.directory or "."),
            config=upload.config,
            env=part.step.env,
            found=part.step.found,
        )
        yield _Candidate(deploy=deploy, order=order, is_trial=is_trial)


def _unique(steps: Iterable[DeployStep]) -> tuple[DeployStep, ...]:
    return tuple(dict.fromkeys(steps))


def _is_of(tree: FileView, part: DeployPart, config: str) -> bool:
    """Whether an upload reads this wrangler file, or one that the build makes in the Worker's directory."""
    assert part.upload is not None
    directory = join(part.step.directory, part.upload.directory or ".")
    if part.upload.config:
        named = join(directory, part.upload.config)
        return named == config or (not tree.has(named) and is_within(named, parent(config)))
    return tree.nearest(directory, *CONFIGS) == config


def _with_build(tree: FileView, scripts: Scripts, deploy: Deploy, context: DeployContext) -> Deploy:
    """Returns the deploy with a package's build script, if wrangler needs a build and no step is one.

    The package is that of the Worker, else the one in which the assets are.
    """
    if not context.needs_build or any(_BUILDS.search(step.text) for step in deploy.steps):
        return deploy
    given = tuple(pair for pair in deploy.env if pair[0] == _VARIABLE)
    known = scripts.of(context.package) if context.package else {}
    name = next((name for name in _BUILD_NAMES if name in known), "")
    step = _build_in(scripts, context.package, name) if context.package else None
    is_next = context.main.removeprefix("./").startswith(".open-next")
    if context.package and is_next and _OPEN_NEXT not in _text(known.get(name)):
        step = DeployStep(text=f"{_OPEN_NEXT} build", argv=(_OPEN_NEXT, "build"), directory=context.package)
    if step is None and context.assets and not context.assets.startswith(".."):
        manifest = tree.nearest(context.assets, "package.json")
        holder = parent(manifest) if manifest else ""
        is_apart = bool(holder) and not is_within(parent(context.config), holder) and scripts.is_installed(holder)
        step = _build_in(scripts, holder, "build") if is_apart else None
    if step is None:
        return deploy
    return replace(deploy, steps=(replace(step, env=given), *deploy.steps), implied=True)


def _build_in(scripts: Scripts, package: str, name: str) -> DeployStep | None:
    """Returns the step that runs a script of a package; None if there is no such script."""
    recipe = scripts.of(package).get(name)
    if recipe is None:
        return None
    place = Sourced(file=recipe.file, line=recipe.lines[0][0] if recipe.lines else 0)
    argv = (scripts.manager_of(package), "run", name)
    return DeployStep(text=" ".join(argv), argv=argv, directory=package, found=place)


def _text(recipe: Recipe | None) -> str:
    return "\n".join(text for _, text in recipe.lines) if recipe else ""
