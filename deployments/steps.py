"""Pull steps of `prefect.yaml`: they provide predeploy's own code to the process that a worker starts."""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from deployments import ROOT
from tasks.github.settings import GitHubSettings
from tasks.source.fetch import Remote, check_out, resolve_commit


def use_directory(directory: str = "") -> dict[str, str]:
    """Uses an existing directory; by default the one that the worker itself runs from."""
    return {"directory": str(Path(directory).expanduser().resolve() if directory else ROOT)}


def clone(repository: str, ref: str = "HEAD", token: str = "") -> dict[str, str]:
    """Checks out the commit of a branch, tag or SHA below the current directory. A private repository needs a token."""
    remote = remote_of(repository, token)
    commit = resolve_commit(remote, ref)
    # a new directory each time: to report a crashed run, a worker executes the steps again
    place = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=Path.cwd())) / remote.name
    check_out(remote, commit, place, submodules=True)
    return {"directory": str(place)}


def remote_of(repository: str, token: str) -> Remote:
    """Returns the repository with the given token; without one, with the worker's own token for GitHub only."""
    if token:
        parts = urlsplit(repository)
        return Remote(repository=repository, server=f"{parts.scheme}://{parts.netloc}", token=token)
    github = GitHubSettings()
    # Not from `prefect.yaml`: Prefect would resolve a variable there at deployment, and store the token in it.
    own_token = github.token.get_secret_value() if github.token else ""
    return Remote(repository=repository, server=github.server_url, token=own_token)
