"""Access of commands in containers to private package indexes, in parts: code of packages gets no credential.

A part that builds reaches the indexes through a server, which adds the credentials: only its container has them.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tasks.engines import index_proxy, package_credentials
from tasks.engines.dagger.execution import StepOrder, execute
from tasks.engines.dagger.images import choose_python
from tasks.engines.dagger.paths import WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import Container
from tasks.engines.dagger.variables import STORES, index_variables
from tasks.exits import Exit
from tasks.packages.credentialed import InstallPart, is_manifest, is_next, parts_of
from tasks.redaction.encodings import SHORTEST
from tasks.stack import Version
from tasks.steps import Environment

SERVER = "predeploy-index"
NETRC = "/predeploy-netrc"
PROGRAM = "/predeploy-index.py"
SOURCE = Path(index_proxy.__file__).read_text(encoding="utf-8")
NO_CACHE = "UV_NO_CACHE"


def acquiring(resources: SessionResources, container: Container) -> Container:
    """A container for installations: it has the shared stores, and access to package indexes."""
    container = container.with_mounted_cache(STORES, resources.volume("predeploy-stores"))
    return with_indexes(resources, container)


def with_indexes(resources: SessionResources, container: Container) -> Container:
    """The container with the variables of package indexes, credentials included."""
    for name, value in sorted(index_variables(resources.config.caller).items()):
        if len(value) < SHORTEST:  # too short for a credential, and the engine would mask it everywhere in the output
            container = container.with_env_variable(name, value)
        else:
            container = container.with_secret_variable(name, resources.secret(name, value))
    return container


async def execute_parts(
    resources: SessionResources,
    container: Container,
    order: StepOrder,
    argv: tuple[str, ...],
    environment: Environment,
    resolve: Callable[[tuple[str, ...]], tuple[str, ...]],
) -> tuple[Exit, Container]:
    """Runs a command that installs or locks packages, in parts; returns the exit and the container after it.

    `container` has access to package indexes. `resolve` replaces the tokens in a command.
    """
    given = index_variables(resources.config.caller)
    if not package_credentials.are_in(given):
        return await execute(resources, container, replace(order, argv=resolve(argv)))
    texts = read_manifests(resources, environment)
    exit = Exit(code=0)
    for part in parts_of(argv):
        if not is_next(part, exit.code, exit.stdout + exit.stderr):
            break
        before = await container_of_part(resources, container, part, texts)
        exit, after = await execute(resources, before, replace(order, argv=resolve(part.argv)))
        if after is not before:
            container = with_files(after, texts) if part.is_proxied else after
    return exit, with_indexes(resources, without_indexes(container, given))


async def container_of_part(
    resources: SessionResources, container: Container, part: InstallPart, texts: Mapping[Path, str]
) -> Container:
    """The container for a part: with the credentials, without them, or with the server that adds them."""
    given = index_variables(resources.config.caller)
    container = without_indexes(container, given)
    if part.has_credentials:
        return with_indexes(resources, container)
    kept = package_credentials.without(given, {}, Path("/root"))
    kept = {name: kept[name] for name in sorted(given.keys() & kept.keys())}
    known = package_credentials.authorizations(given, texts) if part.is_proxied else {}
    if not known:
        return resources.with_variables(container, kept)
    addresses = {origin: f"http://{SERVER}:{port}" for origin, port in index_proxy.ports(known).items()}
    kept = {name: index_proxy.redirected(value, addresses) for name, value in kept.items()}
    changed = {path: package_credentials.through_proxies(text, addresses) for path, text in texts.items()}
    container = with_files(container, {path: text for path, text in changed.items() if text != texts[path]})
    # what comes from the server would only fill the shared store: its addresses are those of the server
    container = resources.with_variables(container, {**kept, NO_CACHE: "1", "NETRC": NETRC})
    return await with_server(resources, container, known)


async def with_server(resources: SessionResources, container: Container, known: Mapping[str, str]) -> Container:
    """The container bound to the server of the indexes. `known` are the headers by origin."""
    image = await resources.images.get("python", choose_python(Version()).version)
    # the same for the same credentials, so that the engine can reuse what was built
    seed = json.dumps(dict(known), sort_keys=True).encode()
    password = hmac.new(resources.config.secret_key, b"index proxy\0" + seed, hashlib.sha256).hexdigest()
    given = json.dumps({"authorizations": dict(known), "password": password}, sort_keys=True)
    container = container.with_new_file(NETRC, index_proxy.netrc_of(SERVER, password), permissions=0o600)
    header = resources.secret(index_proxy.AUTHORIZATIONS, given)
    server = image.with_new_file(PROGRAM, SOURCE)
    server = server.with_secret_variable(index_proxy.AUTHORIZATIONS, header)
    for port in index_proxy.ports(known).values():
        server = server.with_exposed_port(port)
    return container.with_service_binding(SERVER, server.as_service(args=["python3", PROGRAM]))


def without_indexes(container: Container, given: Mapping[str, str]) -> Container:
    """The container without any variable of package indexes."""
    for name in (*sorted(given), NO_CACHE, "NETRC"):
        container = container.without_secret_variable(name).without_env_variable(name)
    return container


def with_files(container: Container, texts: Mapping[Path, str]) -> Container:
    """The container with these texts in its workspace."""
    for path, text in texts.items():
        container = container.with_new_file(f"{WORK}/{path}", text)
    return container


def read_manifests(resources: SessionResources, environment: Environment) -> dict[Path, str]:
    """The texts of the files that may name an index, by their path in the workspace."""
    files = resources.config.files_of(environment.tree)
    found = {Path(path): files / path for path in environment.inputs if is_manifest(path)}
    texts = {path: file.read_text(encoding="utf-8", errors="replace") for path, file in found.items() if file.is_file()}
    return texts | {Path(path): text for path, text in environment.files if is_manifest(path)}
