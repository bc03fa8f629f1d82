"""Makes the environments to install, from the stack's locks and the lock of predeploy's probes."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache

from tasks.stack import PythonProject, Version
from tasks.steps import ENV, WORK, Command, Environment

PYTHON_CONTROL = (
    "uv",
    "pip",
    "install",
    "--dry-run",
    "--no-cache",
    "--no-deps",
    "--target",
    f"{ENV}-control",
    "packaging",
)
ANY_PYTHON = frozenset({"ruff", "black", "isort"})
ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip")
COMPILED = (("UV_COMPILE_BYTECODE", "1"),)
SEEDED = "setuptools<80"
"""What images of Python, and `python -m venv`, hold besides pip. They stay below 80, and 82 has no pkg_resources."""
_SEEDS = re.compile(r"==3\.(?:[89]|10|11)(?:\.|$)")
"""The versions of Python whose new environments hold setuptools."""


def key_of(*parts: object) -> str:
    """Returns a digest of plain data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def acquire(label: str, *argv: str, cwd: str, parser: str, env: tuple[tuple[str, str], ...] = ()) -> Command:
    """Returns a command that downloads packages."""
    return Command(argv=argv, label=label, cwd=cwd, env=env, parser=parser, phase="acquire", limit=900)


def python_commands(project: PythonProject, name: str) -> tuple[Command, ...]:
    """Returns the commands that install the locked packages. The project itself comes from the workspace."""
    wheel = COMPILED
    if project.kind == "uv":
        groups = project.install.flags if name == "production" else ("--all-groups", "--all-extras")
        frozen = ("--frozen",) if project.lock else ()
        local = ("--no-install-project", "--no-install-workspace", "--no-install-local", "--no-editable")
        argv = ("uv", "sync", *frozen, *groups, *local)
        env = (*wheel, ("UV_PROJECT_ENVIRONMENT", ENV))
        sync = acquire(" ".join(("uv sync", *frozen)), *argv, cwd=project.root, parser="uv", env=env)
        return (sync, *_further(project))
    if project.kind == "locked":
        return _exported_commands(project, name)
    files = project.production if name == "production" else project.development or project.production
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=project.root, parser="uv")
    if not files:
        return (make,)
    listed = tuple(part for file in files for part in ("-r", f"@work@/{file}"))
    if project.install.project and project.manifest:
        extras = (part for extra in project.install.extras for part in ("--extra", extra))
        listed = (*listed, "-r", f"@work@/{project.manifest}", *extras)
    # A path dependency has no hash. Without the flag, uv still verifies every hash in the files.
    has_paths = len(project.paths) > 1 or any(path.endswith(ARCHIVES) for path in project.inputs)
    hashes = ("--require-hashes",) if project.hashed and not has_paths else ()
    argv = ("uv", "pip", "install", "--python", ENV, *hashes, *listed)
    install = acquire("uv pip install", *argv, cwd=project.root, parser="uv", env=wheel)
    return (make, *_seeding(project), install, *_further(project))


def _seeding(project: PythonProject) -> tuple[Command, ...]:
    """Returns the command that installs setuptools where pip of an old Python finds it. uv's environments are empty.

    It comes before the requirements, so that they can ask for another version. A failure is a gap in the proof.
    """
    if not _SEEDS.match(project.python.wanted):
        return ()
    argv = ("uv", "pip", "install", "--python", ENV, SEEDED)
    seed = acquire(f"uv pip install {SEEDED}", *argv, cwd=project.root, parser="uv", env=COMPILED)
    return (replace(seed, empty=(1, 2)),)


def _exported_commands(project: PythonProject, name: str) -> tuple[Command, ...]:
    """Returns the commands that install exactly the packages of another manager's lock: no dependency is resolved."""
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=project.root, parser="uv")
    argv = ("uv", "pip", "install", "--python", ENV, "--no-deps", "-r", f"{WORK}/{exported_file(project, name)}")
    label = f"uv pip install (from {project.lock})"
    install = acquire(label, *argv, cwd=project.root, parser="uv", env=COMPILED)
    return (make, install, *_further(project))


def _further(project: PythonProject) -> tuple[Command, ...]:
    """Returns a command for each package that production installs without a file.

    An image may have the compiler for it, so a failure is a gap in the proof.
    """
    return tuple(
        replace(
            acquire(
                f"uv pip install {package} ({project.install.source})",
                *("uv", "pip", "install", "--python", ENV, package),
                cwd=project.root,
                parser="uv",
                env=COMPILED,
            ),
            empty=(1, 2),
        )
        for package in project.install.packages
    )


def exported_file(project: PythonProject, name: str) -> str:
    """Returns the path of the requirements file that predeploy makes of a lock. It is in the lock's directory."""
    directory = "" if project.root == "." else f"{project.root}/"
    return f"{directory}predeploy-{name}.txt"


def python_environment(project: PythonProject, name: str, digest: Callable[[str], str], day: str) -> Environment:
    """Returns the virtual environment of the lock, for production or development.

    `digest` returns the content digest of a file. `day` is part of the key if no lock pins the versions.
    """
    commands = python_commands(project, name)
    pinned = project.pinned or project.lock is not None
    content = [*((path, digest(path)) for path in project.inputs), "" if pinned else day]
    text = project.install.exported[0 if name == "production" else 1]
    files = ((exported_file(project, name), text),) if project.kind == "locked" else ()
    return Environment(
        kind="python",
        title=f"{name} dependencies of {project.root}",
        root=project.root,
        version=project.python,
        inputs=project.inputs,
        files=files,
        system_packages=project.install.system_packages,
        commands=commands,
        control=PYTHON_CONTROL,
        key=key_of("python", content, *files, [asdict(command) for command in commands], asdict(project.python)),
    )


@cache
def our_environment(text: str) -> Environment:
    """Returns the environment of predeploy's probes, for the text of their lock. It does not depend on the stack."""
    lock = "requirements.lock"
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=".", parser="uv")
    argv = ("uv", "pip", "install", "--python", ENV, "--require-hashes", "-r", f"{WORK}/{lock}")
    commands = (make, acquire("uv pip install", *argv, cwd=".", parser="uv", env=COMPILED))
    return Environment(
        kind="python",
        title="packages of predeploy's probes",
        root=".",
        version=Version(),
        inputs=(),
        files=((lock, text),),
        is_own=True,
        commands=commands,
        control=PYTHON_CONTROL,
        key=key_of("ours", text, [asdict(command) for command in commands]),
    )


@cache
def tool_environment(packages: tuple[str, ...], python: Version) -> Environment:
    """Returns the environment of a quality tool in an exact version, without the stack's packages.

    `python` is the component's version. Tools that do not parse with their own interpreter run on any.
    """
    version = Version() if packages[0].partition("==")[0] in ANY_PYTHON else python
    listed = "requirements.txt"
    make = acquire("uv venv", "uv", "venv", "--allow-existing", ENV, cwd=".", parser="uv")
    argv = ("uv", "pip", "install", "--python", ENV, "-r", f"{WORK}/{listed}")
    commands = (make, acquire("uv pip install", *argv, cwd=".", parser="uv", env=COMPILED))
    return Environment(
        kind="python",
        title=packages[0],
        root=".",
        version=version,
        inputs=(),
        files=((listed, "".join(f"{each}\n" for each in packages)),),
        is_own=True,
        commands=commands,
        control=PYTHON_CONTROL,
        key=key_of("tool", packages, [asdict(command) for command in commands], asdict(version)),
    )
