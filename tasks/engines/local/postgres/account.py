"""Who Postgres runs as: it refuses root, and a run's files are root's where root runs it."""

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
    """How to start Postgres's programs. `uid` is set where they have to run as another user outright."""

    options: tuple[str, ...] = ()
    uid: int | None = None
    gid: int = 0

    def own(self, path: Path) -> None:
        """Gives a directory and all in it to the account."""
        if self.uid is None:
            path.chmod(0o700)
            return
        for directory, names, files in os.walk(path):
            for name in (".", *names, *files):
                os.chown(Path(directory, name), self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def reachable(self, binaries: Path, room: Path) -> Path:
        """The programs where the account can run them: a copy in `room` where a directory above is closed to it."""
        if self.uid is None or all(parent.stat().st_mode & 0o005 == 0o005 for parent in (binaries, *binaries.parents)):
            return binaries
        # an installation finds its own libraries and files relative to its programs, the wheel's beside its package
        top = binaries.parents[2] if binaries.parents[1].name.endswith("pgserver") else binaries.parent
        copy = room / "installation"
        shutil.copytree(top, copy, symlinks=True)
        self.own(copy)
        return copy / binaries.relative_to(top)

    async def initialise(self, data: Path, room: Path, initdb: Callable[[Path], Awaitable[Exit]]) -> Exit:
        """Runs `initdb` where the account may write, and leaves the result at `data`."""
        if self.uid is None:
            return await initdb(data)
        fresh = room / "fresh"
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
    """Ourselves; as root a user namespace, else a user that is there for such things.

    Raises EngineError (`postgres`) where root may become nobody.
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
