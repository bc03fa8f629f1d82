"""Makes the environments of Node packages: by the stack's package manager, and with predeploy's own wrangler."""

import posixpath
from collections.abc import Callable
from dataclasses import asdict, replace

from tasks.node_range import lowest_major
from tasks.packages.own_wrangler import ROOT, files_of
from tasks.planning.environments import acquire, key_of
from tasks.stack import NodeProject
from tasks.steps import WORK, Command, Environment

NODE_CONTROL = ("npm", "view", "semver", "version", "--prefer-online")


def node_commands(project: NodeProject) -> tuple[Command, ...]:
    """Returns the installations of a package and its siblings. An installation in an outer directory comes first."""
    by_root = {each.root: each for each in installed_projects(project)}
    ordered = sorted(by_root.values(), key=lambda each: (each.root != ".", each.root.count("/")))
    return tuple(_install(each, project) for each in ordered)


def installed_projects(project: NodeProject) -> tuple[NodeProject, ...]:
    """Returns the siblings of a package and itself, without a Worker that has no package.json."""
    return tuple(each for each in (*project.siblings, project) if each.inputs)


def _install(project: NodeProject, home: NodeProject) -> Command:
    """Returns the installation by the stack's own package manager. With a lock it is frozen."""
    label, flags = install_flags(project)
    argv, title = (*label.split(), *flags), label if project.root == home.root else f"{label} ({project.root})"
    return acquire(title, *argv, cwd=project.root, parser=project.manager, env=node_variables(project))


def manager_to_bring(project: NodeProject) -> str:
    """Returns the one package manager that Node does not bring, `pnpm@10.34.9`, else npm."""
    projects = (project, *project.siblings)
    chosen = next((each for each in projects if each.manager != "npm"), project)
    return f"{chosen.manager}@{chosen.manager_version}" if chosen.manager_version else chosen.manager


def install_flags(project: NodeProject) -> tuple[str, tuple[str, ...]]:
    """Returns the command that installs, and its flags for the output."""
    locked = project.lock is not None
    if project.manager == "pnpm":
        return f"pnpm install --{'' if locked else 'no-'}frozen-lockfile", ("--reporter=append-only",)
    if project.manager == "npm":
        return ("npm ci" if locked else "npm install"), ("--no-audit", "--no-fund", "--loglevel=error")
    if is_berry(project):
        return f"yarn install --{'' if locked else 'no-'}immutable", ()
    frozen = " --frozen-lockfile" if locked else ""
    if project.manager == "yarn":
        return f"yarn install{frozen}", ("--non-interactive", "--production=false")
    return f"bun install{frozen}", ("--no-progress", "--no-summary")


def is_berry(project: NodeProject) -> bool:
    """Whether the package manager is a yarn of version 2 or newer."""
    return project.manager == "yarn" and lowest_major(project.manager_version) > 1


def node_variables(project: NodeProject) -> tuple[tuple[str, str], ...]:
    """Returns the variables of the installation and of all steps with its packages.

    yarn keeps a record of the installation, without which it runs no script. With `pnp` its cache is a part of the
    packages, so it lies in the workspace.
    """
    if not is_berry(project):
        return ()
    root = posixpath.normpath(f"{WORK}/{project.root}")
    if project.linker == "pnp":
        return (("YARN_CACHE_FOLDER", f"{root}/.yarn/cache"), ("YARN_ENABLE_GLOBAL_CACHE", "false"))
    return (("YARN_INSTALL_STATE_PATH", f"{root}/node_modules/.yarn-install-state.gz"),)


def node_argv(environment: Environment | None, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the command of a program among the packages. Without node_modules, only yarn finds it."""
    if environment is None or environment.linker != "pnp" or not argv or argv[0] in {"yarn", "npm"}:
        return argv
    return ("yarn", *argv) if argv[0] == "node" else ("yarn", "run", "--binaries-only", *argv)


def node_environment(project: NodeProject, digest: Callable[[str], str], day: str) -> Environment:
    """Returns the `node_modules` of a package or workspace by its lock.

    `digest` returns the content digest of a file. `day` is part of the key without a lock.
    """
    commands, projects = node_commands(project), installed_projects(project)
    inputs = (
        project.inputs if not project.siblings else tuple(sorted({path for each in projects for path in each.inputs}))
    )
    is_locked = all(each.lock for each in projects) and bool(project.lock or project.siblings)
    content = [*((path, digest(path)) for path in inputs), "" if is_locked else day]
    manager = manager_to_bring(project)
    return Environment(
        kind="node",
        title=f"packages of {project.root}",
        root=project.root,
        version=project.node,
        inputs=inputs,
        commands=commands,
        control=NODE_CONTROL,
        key=key_of("node", content, [asdict(command) for command in commands], asdict(project.node), manager),
        manager=manager,
        linker=project.linker,
        variables=node_variables(project),
    )


def with_wrangler(environment: Environment, lock: str) -> Environment:
    """Returns the environment with predeploy's own wrangler, from the text of its lock; unchanged without a lock."""
    if not lock:
        return environment
    argv = ("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    install = acquire("npm ci (wrangler)", *argv, cwd=ROOT, parser="npm")
    files = (*environment.files, *files_of(lock))
    return replace(
        environment,
        files=files,
        commands=(*environment.commands, install),
        key=key_of(environment.key, files, asdict(install)),
    )
