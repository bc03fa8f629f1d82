"""An empty database of Prefect: hundreds of migrations cost five seconds of CPU, so a session makes it once."""

import fcntl
import shutil
from pathlib import Path

from tasks.prefect_server import stop_server
from tasks.prefect_server.start import _template
from tests.flows.harness import Places


def make_template(home: Path) -> Path:
    """The database that a server of our own keeps for further homes, made by one on a fresh home below `home`."""
    user_dirs = Places(data=home / "prefect/data", cache=home / "prefect/cache")
    template = _template(user_dirs.cache)
    user_dirs.cache.mkdir(parents=True, exist_ok=True)
    with (home / "prefect/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            stop_server(user_dirs.start(CI="1"))
            shutil.rmtree(user_dirs.data)
    return template


def give_template(template: Path, cache: Path) -> None:
    """Has servers whose cache this is begin with the template."""
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, _template(cache))
