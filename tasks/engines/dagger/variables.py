"""The environment variables of commands in containers, and the names of secrets."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tasks.engines import clean_environ
from tasks.steps import PROBES, WORK, Phase

STORES = "/stores"
# paths of files and sockets on this machine are invalid in a container
LOCAL = frozenset({"NETRC", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "UV_CREDENTIALS_DIR", "UV_FIND_LINKS", "UV_OFFLINE"})
LOCAL_NPM = ("cafile", "userconfig")
EVERY = {**clean_environ.FIXED, "LANG": "C.UTF-8", "OTEL_SDK_DISABLED": "true", "WRANGLER_LOG_PATH": "/tmp/wrangler"}  # noqa: S108
ACQUIRING = {
    "UV_CACHE_DIR": f"{STORES}/uv",
    "UV_LOCK_TIMEOUT": clean_environ.LOCK_TIMEOUT,
    "UV_LINK_MODE": "copy",
    "UV_SYSTEM_CERTS": "1",
    "NODE_USE_SYSTEM_CA": "1",
    "npm_config_cache": f"{STORES}/npm",
    "npm_config_store_dir": f"{STORES}/pnpm",
    "npm_config_cache_dir": f"{STORES}/pnpm-cache",
    "npm_config_state_dir": f"{STORES}/pnpm-state",
    "pnpm_config_store_dir": f"{STORES}/pnpm",
    "pnpm_config_cache_dir": f"{STORES}/pnpm-cache",
    "pnpm_config_state_dir": f"{STORES}/pnpm-state",
    "XDG_CACHE_HOME": f"{STORES}/cache",
    "YARN_GLOBAL_FOLDER": f"{STORES}/yarn",
    "BUN_INSTALL_CACHE_DIR": f"{STORES}/bun",
    "npm_config_package_import_method": "copy",
    "pnpm_config_package_import_method": "copy",
}


def plain_variables(phase: Phase, *, node: bool) -> dict[str, str]:
    """The common variables of commands, without their own."""
    return {
        **EVERY,
        **(clean_environ.NODE if node or phase == "acquire" else {}),
        **(ACQUIRING if phase == "acquire" else {}),
    }


def index_variables(caller: Mapping[str, str]) -> dict[str, str]:
    """Variables with package indexes, for installers. They may have credentials, so they are passed as secrets."""
    found = {
        name: value for name, value in caller.items() if value and clean_environ.is_index(name) and not is_local(name)
    }
    if not any(name in found for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        found |= clean_environ.pip_indexes(caller)
    return found


def is_local(name: str) -> bool:
    """Whether a variable is valid on this machine only."""
    return name in LOCAL or name.lower().removeprefix("npm_config_") in LOCAL_NPM


def secret_name(key: bytes, name: str, value: str) -> str:
    """A secret's name in the engine, which is part of cache keys: a keyed digest of the value."""
    digest = hmac.new(key, f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()
    return f"predeploy/{name}/{digest[:16]}"


def outside_workspace(env: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The variables that are valid in an image: those without paths of the workspace and of probes.

    The module path is left out: `startup.py` adds what an image can use of it.
    """
    return tuple((name, value) for name, value in env if WORK not in value and PROBES not in value)


def module_path(env: tuple[tuple[str, str], ...], own: str) -> str:
    """The module path in an image: the entries outside of the workspace, then the image's own ones.

    An empty entry would mean the working directory, so it is left out.
    """
    entries = (*dict(env).get("PYTHONPATH", "").split(":"), *own.split(":"))
    return ":".join(dict.fromkeys(each for each in entries if each and WORK not in each))


def secret_key(data: Path) -> bytes:
    """The key for names of secrets. It is random, created once, and readable by this user only."""
    path = data / "secret-names.key"
    data.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key
