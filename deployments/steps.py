"""Pull steps of `prefect.yaml`: where the process that a worker starts takes predeploy's own code from."""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from deployments import ROOT
from tasks.github.settings import GitHubSettings
from tasks.source.fetch import Remote, check_out, resolve_commit


def use_directory(directory: str = "") -> dict[str, str]:
    """A directory that is there already; by default the one that the worker itself runs from."""
    return {"directory": str(Path(directory).expanduser().resolve() if directory else ROOT)}


def clone(repository: str, ref: str = "HEAD", token: str = "") -> dict[str, str]:
    """Exactly the commit of a branch, a tag or a SHA, in the current directory; a token opens a private repository."""
    remote = remote_of(repository, token)
    commit = resolve_commit(remote, ref)
    # a worker takes the steps once more to tell of a run that has crashed
    place = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=Path.cwd())) / remote.name
    check_out(remote, commit, place, submodules=True)
    return {"directory": str(place)}


def remote_of(repository: str, token: str) -> Remote:
    """The repository, with the token that was named for it; else with the worker's own, which is for GitHub alone."""
    if token:
        parts = urlsplit(repository)
        return Remote(repository=repository, server=f"{parts.scheme}://{parts.netloc}", token=token)
    github = GitHubSettings()
    # not from `prefect.yaml`: a variable there is read when the deployment is made, and stands in it from then on
    ours = github.token.get_secret_value() if github.token else ""
    return Remote(repository=repository, server=github.server_url, token=ours)
