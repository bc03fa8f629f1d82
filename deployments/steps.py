"""Pull steps of `prefect.yaml`: where the process that a worker starts takes predeploy's own code from."""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tasks.checkout import Remote, check_out, resolve_commit
from tasks.github.settings import GitHubSettings

ROOT = Path(__file__).resolve().parents[1]


def use_directory(directory: str = "") -> dict[str, str]:
    """A directory that is there already; by default the checkout that the worker itself runs from."""
    return {"directory": str(Path(directory).expanduser().resolve() if directory else ROOT)}


def clone(repository: str, ref: str = "HEAD", token: str = "") -> dict[str, str]:
    """Exactly the commit of a branch, a tag or a SHA, in the current directory; a token opens a private repository."""
    parts, ours = urlsplit(repository), GitHubSettings().token
    # not from `prefect.yaml`: a variable there is read when the deployment is made, and stands in it from then on
    known = token or (ours.get_secret_value() if ours else "")
    remote = Remote(repository=repository, server=f"{parts.scheme}://{parts.netloc}", token=known)
    commit = resolve_commit(remote, ref)
    # a worker takes the steps once more to tell of a run that has crashed
    place = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=Path.cwd())) / remote.name
    check_out(remote, commit, place, submodules=True)
    return {"directory": str(place)}
