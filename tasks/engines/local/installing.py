"""Runs commands that install packages. Only they get access to private package indexes, and only without code."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines import clean_environ, package_credentials
from tasks.engines.index_proxy import opened_proxies, redirected
from tasks.engines.local.services import Launch, run_alone
from tasks.engines.local.toolchains.pinned import LIMIT
from tasks.engines.local.variables import Variables
from tasks.exits import Exit
from tasks.packages.credentialed import is_next, parts_of
from tasks.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """`marker` marks every process of its commands."""

    variables: Variables
    redactor: Redactor
    marker: str

    async def install(
        self,
        argv: tuple[str, ...],
        cwd: Path,
        log: Path,
        *,
        path: tuple[Path, ...],
        env: Mapping[str, str],
        limit: float,
        proxies: Mapping[str, str] | None = None,
    ) -> Exit:
        """Runs a command with the programs in `path`. The directory `cwd` is created if necessary.

        With `proxies`, by origin, it gets no credentials: it runs code of packages.
        """
        await asyncio.to_thread(cwd.mkdir, parents=True, exist_ok=True)
        variables = self.variables.for_install(path, env, has_credentials=proxies is None)
        if proxies:
            variables = {name: redirected(value, proxies) for name, value in variables.items()}
            # the proxies have new addresses each time, so what they fetch would only fill the shared store
            variables["UV_CACHE_DIR"] = str(self.variables.run_dirs.temp / "uv")
        launch = Launch(argv=argv, cwd=cwd, env=variables, log=log, limit=limit, redactor=self.redactor)
        return await run_alone(launch, self.marker)

    async def install_packages(
        self,
        argv: tuple[str, ...],
        cwd: Path,
        log: Path,
        *,
        path: tuple[Path, ...],
        env: Mapping[str, str],
        limit: float,
        manifests: tuple[Path, ...],
    ) -> Exit:
        """Runs a command that installs packages. Code of packages runs in a part of it without credentials.

        `manifests` are copies of files that may name an index. For a build they name the proxy of the index.
        """
        caller = self.variables.caller
        if not await asyncio.to_thread(package_credentials.has_any, caller):
            return await self.install(argv, cwd, log, path=path, env=env, limit=limit)
        exit = Exit(code=0)
        for part in parts_of(argv, has_proxy=True):
            if not is_next(part, exit.code, exit.stdout + exit.stderr):
                break
            with contextlib.ExitStack() as stack:
                proxies: Mapping[str, str] | None = None if part.has_credentials else {}
                if part.when == "unbuilt":
                    known = await asyncio.to_thread(package_credentials.authorizations, caller, manifests)
                    proxies = stack.enter_context(opened_proxies(known))
                    await asyncio.to_thread(name_proxies, manifests, proxies)
                exit = await self.install(part.argv, cwd, log, path=path, env=env, limit=limit, proxies=proxies)
        return exit

    async def fetch(
        self, argv: tuple[str, ...], cwd: Path, log: Path, *, path: tuple[Path, ...] = (), limit: float = LIMIT
    ) -> Exit:
        """Runs a command that downloads a toolchain, with a store of its own: checks could change a shared one."""
        env = clean_environ.stores_of(self.variables.run_dirs.disk / "fetched")
        return await self.install(argv, cwd, log, path=path, env=env, limit=limit)


def name_proxies(manifests: Iterable[Path], proxies: Mapping[str, str]) -> None:
    """Writes the addresses of the proxies into manifests. A credential in an address goes, too."""
    for file in manifests:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        changed = redirected(package_credentials.USERINFO.sub(r"\g<scheme>", text), proxies)
        if changed != text:
            file.unlink()
            file.write_text(changed, encoding="utf-8", errors="surrogateescape")
