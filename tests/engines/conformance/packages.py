"""Environments that tests install: from locks of the stack, or by a command in place of an installer."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

from tasks.stack import Version
from tasks.steps import ENV, WORK, Command, Environment
from tests.support.benches import Bench

LOCKED = Path(__file__).parents[1] / "local/locked"
"""A stack with packages locked for Python and for Node."""
OURS = Path(__file__).parents[3] / "requirements.lock"
ASK_INDEX = ("uv", "pip", "install", "--dry-run", "--no-cache", "--no-deps", "--target", "gone", "packaging")


def key_of(bench: Bench, inputs: tuple[str, ...]) -> str:
    """A digest: equal for equal content."""
    content = [(bench.root / path).read_bytes() for path in inputs]
    return "test-" + hashlib.sha256(repr((content, ())).encode()).hexdigest()[:16]


def lock_of(*names: str) -> str:
    """The entries of some packages in this project's own lock."""
    entries = OURS.read_text().replace("\\\n", "\\\0").splitlines()
    chosen = [entry for entry in entries if entry.partition("==")[0] in names]
    assert len(chosen) == len(names), chosen
    return "\n".join(chosen).replace("\0", "\n") + "\n"


def python_packages(bench: Bench, **over: Any) -> Environment:
    """A virtual environment from the locked requirements."""
    inputs = ("requirements.lock",)
    install = ("uv", "pip", "install", "--python", ENV, "--require-hashes", "-r", f"{WORK}/requirements.lock")
    options: dict[str, Any] = {
        "kind": "python",
        "title": "production dependencies of .",
        "root": ".",
        "version": Version(),
        "inputs": inputs,
        "commands": (
            Command(argv=("uv", "venv", "--allow-existing", ENV), label="uv venv", phase="acquire"),
            Command(argv=install, label="uv pip install", phase="acquire", env=(("UV_COMPILE_BYTECODE", "1"),)),
        ),
        "control": ASK_INDEX,
        "key": key_of(bench, inputs),
    }
    return Environment(**(options | over))


def node_packages(bench: Bench, **over: Any) -> Environment:
    """The node_modules of the locked pnpm workspace."""
    found = [path for pattern in ("**/package.json", "pnpm-*.yaml") for path in bench.root.glob(pattern)]
    inputs = tuple(sorted(str(path.relative_to(bench.root)) for path in found))
    argv = ("pnpm", "install", "--frozen-lockfile", "--reporter=append-only")
    options: dict[str, Any] = {
        "kind": "node",
        "title": "packages of .",
        "root": ".",
        "version": Version(wanted=">=20", source="package.json"),
        "inputs": inputs,
        "commands": (Command(argv=argv, label="pnpm install", phase="acquire"),),
        "control": ("npm", "view", "semver", "version", "--prefer-online"),
        "key": key_of(bench, inputs),
        "manager": "pnpm@10.34.9",
    }
    return Environment(**(options | over))


def installed_by(*argv: str, **over: Any) -> Environment:
    """An environment that no engine has installed before. Its installation is one command of the system."""
    key = f"test-{uuid.uuid4().hex}"
    command = Command(argv=argv, label="install", phase="acquire", env=(("TEST_KEY", key),))
    options: dict[str, Any] = {
        "kind": "python",
        "title": "packages of .",
        "root": ".",
        "version": Version(),
        "inputs": (),
        "commands": (command,),
        "control": ("true",),
        "key": key,
    }
    return Environment(**(options | over))
