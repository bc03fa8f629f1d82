"""Digests of this machine for keys: predeploy's own code, installed programs, and variables that commands get."""
# ruff: noqa: PTH116, PTH118, PTH123, PTH207, PTH208
# (plain strings and os: PATH has thousands of programs, and making a Path for each takes longer than everything else)

import glob
import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from tasks.engines import clean_environ
from tasks.files import PACKAGES
from tasks.version import VERSION

SYSTEM_FILES = (
    "/etc/os-release",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/hosts",
    "/var/lib/dpkg/status",
    "/var/lib/rpm/rpmdb.sqlite",
    "/lib/apk/db/installed",
    "/var/lib/pacman/local",
)
"""Files that change when packages of the operating system, shared libraries, time zone or host names change."""
POSTGRES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
PYTHONS = ("UV_PYTHON_INSTALL_DIR", "PYENV_ROOT", "XDG_DATA_HOME", "HOME", "UV_PYTHON_DOWNLOADS")
"""Variables that decide which interpreters the embedded engine finds."""
CODE = (".py", ".mjs", ".js", ".json", ".lock", ".toml", ".txt")


@cache
def own_code() -> str:
    """Returns the digest of the code that makes, runs and judges checks: a checkout changes without a new version."""
    digest = hashlib.sha256(f"{VERSION} {sys.version} {platform.machine()}".encode())
    top = os.fspath(PACKAGES / "tasks")
    for directory, below, files in os.walk(top):
        below[:] = sorted(name for name in below if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(CODE):
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                digest.update(f"{os.path.relpath(path, top)}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def machine_digest(environ: Mapping[str, str], secret: bytes) -> str:
    """Returns the digest of what commands on this machine may use: programs on PATH, libraries, and variables.

    It is keyed, because an address of a proxy may have a password.
    """
    return _digest_of((*_variables(environ), *_system(environ), *_programs(environ)), secret)


def caller_digest(environ: Mapping[str, str], secret: bytes) -> str:
    """Returns the keyed digest of what commands in containers may have of this machine: variables of the caller."""
    return _digest_of(_passed_on(environ), secret)


def secret_digest(value: str, secret: bytes) -> str:
    """Returns the keyed digest of a secret's value."""
    return hashlib.blake2b(value.encode("utf-8", "surrogateescape"), key=secret, digest_size=32).hexdigest()


def _digest_of(lines: Iterable[str], secret: bytes) -> str:
    digest = hashlib.blake2b(key=secret, digest_size=32)
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def _passed_on(environ: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environ):
        if clean_environ.allowed(name) or clean_environ.is_index(name):
            yield f"{name}={environ[name]}"
    # installers get the indexes of pip's own files as variables
    yield from (f"{name}={value}" for name, value in sorted(clean_environ.pip_indexes(environ).items()))


def _variables(environ: Mapping[str, str]) -> Iterator[str]:
    yield from _passed_on(environ)
    yield from (f"{name}={environ[name]}" for name in PYTHONS if name in environ)
    yield f"PATH={environ.get('PATH', '')} {clean_environ.system_path(environ)}"


def _system(environ: Mapping[str, str]) -> Iterator[str]:
    yield " ".join((sys.platform, platform.machine()))
    for path in SYSTEM_FILES:
        yield f"{path} {_facts(path)}"
    home = environ.get("HOME", "/nowhere")
    data = environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    pyenv = environ.get("PYENV_ROOT") or f"{home}/.pyenv"
    for base in (environ.get("UV_PYTHON_INSTALL_DIR") or f"{data}/uv/python", f"{pyenv}/versions"):
        for pattern in (f"{glob.escape(base)}/*", f"{glob.escape(base)}/*/bin/python3*"):
            yield from (f"{path} {_facts(path)}" for path in sorted(glob.glob(pattern)))


def _programs(environ: Mapping[str, str]) -> Iterator[str]:
    """Yields each program on PATH, in the system's directories and in those of Postgres, with its size and time."""
    listed = [*environ.get("PATH", "").split(":"), *clean_environ.system_path(environ).split(":")]
    listed += sorted(path for pattern in POSTGRES for path in glob.glob(pattern))
    for directory in dict.fromkeys(each for each in listed if each.startswith("/")):
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        yield directory
        yield from (f"{name} {_facts(os.path.join(directory, name))}" for name in names)


def _facts(path: str) -> str:
    """Returns size, time and inode of a file, behind its symlinks."""
    try:
        found = os.stat(path)
    except OSError:
        return "-"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ino}"
