"""The system account of Postgres, which refuses to run as root: root must start it as another user."""

import os
import pwd
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.processes.process import run_process
from tasks.engines.workspace import remove_tree
from tasks.errors import EngineError
from tasks.exits import Exit

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAccount:
    """How to start Postgres's programs. `uid` is set if they must run as another user of the system."""

    options: tuple[str, ...] = ()
    uid: int | None = None
    gid: int = 0

    def own(self, path: Path) -> None:
        """Makes the account the owner of a directory and its content."""
        if self.uid is None:
            path.chmod(0o700)
            return
        for parent, names, files in os.walk(path):
            for name in (".", *names, *files):
                os.chown(Path(parent, name), self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def reachable(self, binaries: Path, directory: Path) -> Path:
        """The programs in a directory that the account can enter: if necessary, a copy below `directory`."""
        if self.uid is None or all(parent.stat().st_mode & 0o005 == 0o005 for parent in (binaries, *binaries.parents)):
            return binaries
        # programs find libraries by relative paths; those of the wheel are next to its package
        top = binaries.parents[2] if binaries.parents[1].name.endswith("pgserver") else binaries.parent
        copy = directory / "installation"
        shutil.copytree(top, copy, symlinks=True)
        self.own(copy)
        return copy / binaries.relative_to(top)

    async def initialise(self, data: Path, directory: Path, initdb: Callable[[Path], Awaitable[Exit]]) -> Exit:
        """Runs `initdb` in `directory`, where the account may write, and copies the result to `data`."""
        if self.uid is None:
            return await initdb(data)
        fresh = directory / "fresh"
        fresh.mkdir(mode=0o700)
        self.own(fresh)
        try:
            exit = await initdb(fresh)
            if exit.code == 0:
                shutil.copytree(fresh, data, symlinks=True)
        finally:
            remove_tree(fresh)
        return exit


async def choose_account(*, cwd: Path, log: Path, marker: str, namespaces: bool = True) -> SystemAccount:
    """The account of this process. For root: a user namespace, otherwise an unprivileged user of the system.

    Raises EngineError (`postgres`) if root can use neither.
    """
    if os.geteuid() != 0:
        return SystemAccount()
    if namespaces:
        argv = ("sh", "-c", "test $(id -u) != 0")
        env = {"PATH": "/usr/bin:/bin"}
        tried = await run_process(argv, cwd=cwd, env=env, limit=10, log=log, marker=marker, options=("--userns",))
        if tried.code == 0:
            return SystemAccount(options=("--userns",))
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        uid, gid = entry.pw_uid, entry.pw_gid
        return SystemAccount(options=("--uid", str(uid), "--gid", str(gid)), uid=uid, gid=gid)
    raise EngineError(
        "Postgres does not run as root, user namespaces are forbidden here, and there is no user postgres or nobody. "
        "Run predeploy as an ordinary user",
        "postgres",
    )
