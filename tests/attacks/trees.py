"""Attacks by the files of a stack: hostile stacks, git's own files, and installed packages that code has changed."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tasks.engines.local.seal import SEAL, damage, seal
from tasks.errors import EngineError, PredeployError
from tasks.source import git_limits
from tasks.source.tree import read_tree
from tasks.validation.scope import read_scope
from tests.attacks.attack import SEED, Attack
from tests.discovery.test_robustness import ODD, WHOLE

DEEP = 50_000
CONTENTS: tuple[bytes, ...] = (
    *(text.encode() for text in ODD),
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b"- " * DEEP,
    b"9" * DEEP,
    b"a: &a [*a]\n",
    b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    b"(" * DEEP,
    b"\\\n" * DEEP,
    b"\xff\xfe\x00\x01",
    b"#!" + b"x" * DEEP,
    b"if True:\n" + b" " * 2000 + b"pass",
    b"FROM x\nRUN <<EOF\n" * 500,
    b"import " + b"a." * 5000 + b"b\n",
    b"x = " + b"-" * DEEP + b"1\n",
    b'{"scripts": {"build": "' + b"a && " * 5000 + b'"}}',
)
NAMES = (
    *sorted(WHOLE),
    "Makefile",
    "justfile",
    ".github/workflows/ci.yml",
    "fly.toml",
    "render.yaml",
    ".env.example",
    "mise.toml",
)


def stack_attacks(place: Path) -> Iterator[Attack]:
    """A stack in which one or two files have hostile content, or are no files at all."""
    chance = random.Random(SEED)
    for number in range(360):
        chosen = chance.sample(NAMES, chance.randint(1, 2))
        kind = chance.choice(
            ("content", "content", "content", "mutated", "fifo", "directory", "loop", "link out", "mode")
        )
        content = chance.choice(CONTENTS)
        yield Attack(
            category="stacks",
            name=f"{number} {kind} {chosen[0]} {content[:12]!r}",
            survives=partial(read_stack, place / str(number), chosen, kind, content),
        )


def read_stack(root: Path, chosen: list[str], kind: str, content: bytes) -> str | None:
    """Reads the scope. Only a scope, or an error with an exit code, is right."""
    for name, text in WHOLE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name in chosen:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        make(path, kind, content)
    try:
        read_scope(root, {}, {}, root.parent / "cache")
    except PredeployError:
        pass
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return None


def make(path: Path, kind: str, content: bytes) -> None:
    """Makes a file of a kind."""
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
        case "link out":
            path.symlink_to("/dev/zero")
        case "mutated":
            path.write_bytes(WHOLE.get(path.name, "a = 1").encode() + content)
        case _:
            path.write_bytes(content)
            path.chmod(0o000 if kind == "mode" else 0o644)


GIT_FILES = (
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".git/info/exclude",
    ".git/HEAD",
    ".git/packed-refs",
    ".git/config",
)


def git_attacks(place: Path) -> Iterator[Attack]:
    """Files that git reads, as FIFOs and with hostile content."""
    for name in GIT_FILES:
        for kind in ("fifo", "binary", "large", "loop", "directory"):
            yield Attack(
                category="git's files",
                name=f"{kind} {name}",
                survives=partial(read_repository, place / f"{kind}{name}".replace("/", "-"), name, kind),
            )


def read_repository(root: Path, name: str, kind: str) -> str | None:
    """Reads a tree. Only a tree, or an error with a reason, is right."""
    root.mkdir(parents=True)
    (root / "main.py").write_text("print()\n")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "one")):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    contents = {"binary": os.urandom(4000), "large": b'[filter "a"]\n\tclean = x\n' * 40_000}
    if kind in contents:
        path.write_bytes(contents[kind])
    else:
        make(path, kind, b"")
    patience, git_limits.PATIENCE = git_limits.PATIENCE, 0.3
    try:
        read_tree(root, None)
    except PredeployError as error:
        return None if str(error) else "an error without a reason"
    finally:
        git_limits.PATIENCE = patience
        shutil.rmtree(root, ignore_errors=True)
    return None


def package_attacks(place: Path) -> Iterator[Attack]:
    """Installed packages that the code of a check has changed, in random ways: each change is found."""
    chance = random.Random(SEED)
    root = place / "packages"
    for number in range(40):
        (root / f"venv/lib/p{number}").mkdir(parents=True)
        (root / f"venv/lib/p{number}/__init__.py").write_text(f"number = {number}\n")
    seal(root, ["venv"], root / SEAL, is_read_only=False)
    changes: tuple[Callable[[Path], None], ...] = (rewrite, append, remove, add, exchange, relink)
    for number in range(240):
        change, target = chance.choice(changes), root / f"venv/lib/p{chance.randrange(40)}/__init__.py"
        yield Attack(
            category="installed packages",
            name=f"{number} {change.__name__}",
            survives=partial(change_and_look, root, change, target),
        )


def change_and_look(root: Path, change: Callable[[Path], None], target: Path) -> str | None:
    """Changes the packages, looks for the damage, and puts them right again."""
    content = target.read_bytes()
    change(target)
    found = damage(root, root / SEAL, is_whole=False)
    shutil.rmtree(target.parent)
    target.parent.mkdir()
    target.write_bytes(content)
    return None if found else "the change was not found"


def rewrite(path: Path) -> None:
    """Writes other content of the same size, with the same time."""
    facts = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def append(path: Path) -> None:
    """Adds code."""
    with path.open("a") as file:
        file.write("import os\n")


def remove(path: Path) -> None:
    """Deletes a module."""
    path.unlink()


def add(path: Path) -> None:
    """Adds a module."""
    path.with_name("conftest.py").write_text("")


def exchange(path: Path) -> None:
    """Replaces a module by a link to it."""
    path.rename(path.with_name("kept.py"))
    path.symlink_to("kept.py")


def relink(path: Path) -> None:
    """Replaces a module by a link out of the packages."""
    path.unlink()
    path.symlink_to("/etc/passwd")


__all__ = ["EngineError", "git_attacks", "package_attacks", "stack_attacks"]
