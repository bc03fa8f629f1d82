"""Runs commands that install packages. Only they get access to private package indexes, and only without code."""

import asyncio
import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engines import clean_environ, package_credentials
from tasks.engines.index_proxy import LOOPBACK, netrc_of, opened_proxies, redirected
from tasks.engines.local.environments import manifests_of
from tasks.engines.local.manifests import rewrite
from tasks.engines.local.services import Launch, ServerLaunch, run_alone, run_with_servers
from tasks.engines.local.toolchains.pinned import LIMIT
from tasks.engines.local.toolchains.toolchain import InstallCommand
from tasks.engines.local.variables import Variables
from tasks.engines.package_credentials import through_proxies
from tasks.exits import Exit
from tasks.packages.credentialed import InstallPart, is_next, parts_of
from tasks.redaction.redactor import Redactor
from tasks.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """`marker` marks every process of its commands."""

    variables: Variables
    redactor: Redactor
    marker: str

    async def install(self, command: InstallCommand) -> Exit:
        """Runs a command that installs."""
        return await run_alone(await self._launch(command), self.marker)

    async def install_packages(self, command: InstallCommand, manifests: tuple[Path, ...]) -> Exit:
        """Runs a command that installs packages. `manifests` are copies of files that may name an index."""
        return await self.run_parts(await self._launch(command), manifests)

    async def run_step(self, step: Step, launch: Launch, servers: Sequence[ServerLaunch], workspace: Path) -> Exit:
        """Runs a step with its servers. A step that acquires packages, which has no servers, runs in parts."""
        if step.phase == "acquire" and step.environment is not None:
            return await self.run_parts(launch, manifests_of(step.environment, workspace))
        return await run_with_servers(launch, servers, self.marker)

    async def run_parts(self, launch: Launch, manifests: tuple[Path, ...]) -> Exit:
        """Runs a command that installs or locks packages. Code of packages runs in a part of it without credentials.

        For a build, the manifests name the proxy of the index. Afterwards they have their own text again.
        """
        if not await asyncio.to_thread(package_credentials.has_any, self.variables.caller):
            return await run_alone(launch, self.marker)
        exit = Exit(code=0)
        for part in parts_of(launch.argv):
            if not is_next(part, exit.code, exit.stdout + exit.stderr):
                break
            exit = await self._run_part(part, replace(launch, argv=part.argv), manifests)
        return exit

    async def _run_part(self, part: InstallPart, launch: Launch, manifests: tuple[Path, ...]) -> Exit:
        if part.has_credentials:
            return await run_alone(launch, self.marker)
        caller, run_dirs = self.variables.caller, self.variables.run_dirs
        env = await asyncio.to_thread(package_credentials.without, launch.env, caller, run_dirs.home)
        if not part.is_proxied:
            return await run_alone(replace(launch, env=env), self.marker)
        texts = await asyncio.to_thread(read_manifests, manifests)
        known = await asyncio.to_thread(package_credentials.authorizations, caller, texts)
        password = secrets.token_hex(16)
        with opened_proxies(known, password) as proxies, naming_proxies(texts, proxies):
            if proxies:
                env["NETRC"] = str(await asyncio.to_thread(write_netrc, run_dirs.temp, password))
                env = {name: redirected(value, proxies) for name, value in env.items()}
                # the proxies have new addresses each time, so what they fetch would only fill the shared store
                env |= {"UV_CACHE_DIR": str(run_dirs.temp / "uv"), **beyond_proxies(env)}
            return await run_alone(replace(launch, env=env), self.marker)

    async def _launch(self, command: InstallCommand) -> Launch:
        await asyncio.to_thread(command.cwd.mkdir, parents=True, exist_ok=True)
        return Launch(
            argv=command.argv,
            cwd=command.cwd,
            env=self.variables.for_install(command.path, command.env),
            log=command.log,
            limit=command.limit,
            redactor=self.redactor,
        )

    async def fetch(
        self, argv: tuple[str, ...], cwd: Path, log: Path, *, path: tuple[Path, ...] = (), limit: float = LIMIT
    ) -> Exit:
        """Runs a command that downloads a toolchain, with a store of its own: checks could change a shared one."""
        env = clean_environ.stores_of(self.variables.run_dirs.disk / "fetched")
        return await self.install(InstallCommand(argv=argv, cwd=cwd, log=log, path=path, env=env, limit=limit))


def read_manifests(manifests: Iterable[Path]) -> dict[Path, str]:
    """The texts of manifests."""
    return {path: path.read_text(encoding="utf-8", errors="surrogateescape") for path in manifests}


@contextlib.contextmanager
def naming_proxies(texts: Mapping[Path, str], proxies: Mapping[str, str]) -> Iterator[None]:
    """In the block, manifests have the addresses of the proxies, and no credential in an address."""
    changed = {path: new for path, text in texts.items() if (new := through_proxies(text, proxies)) != text}
    try:
        for path, text in changed.items():
            rewrite(path, text)
        yield
    finally:
        for path in changed:
            rewrite(path, texts[path])


def write_netrc(directory: Path, password: str) -> Path:
    """Writes the file with the password of the proxies, which only this user can read."""
    descriptor, name = tempfile.mkstemp(prefix="netrc-", dir=directory)
    with os.fdopen(descriptor, "w") as file:
        file.write(netrc_of(LOOPBACK, password))
    return Path(name)


def beyond_proxies(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep requests to loopback away from a proxy of the network."""
    given = env.get("NO_PROXY") or env.get("no_proxy") or ""
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (given, LOOPBACK))))
