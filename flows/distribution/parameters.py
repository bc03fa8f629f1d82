"""The parameters of shards: all facts of a run except secrets, which each worker has itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import UsageError
from tasks.settings import FLAGS, Settings
from tasks.source.origin import Origin
from tasks.validation.scope import Scope

CHOSEN = ("stages", "only", "skip", "gate", "environment")
"""Settings that choose the checks: every shard has those of the run."""
HERE_ONLY: Mapping[str, object] = {
    "fail_fast": False,
    "budget": None,
    "export_image": "",
    "export_built": "",
    "publish": "",
    "trace": "",
}
"""Settings that a shard ignores: only the whole run can do this."""
DELIVERIES = ("export_image", "export_built", "publish")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Which commit workers fetch from where, and how far its code is trusted. `policy` is the commit whose settings
    hold, if not its own."""

    origin: Origin
    is_trusted: bool = True
    policy: str = ""


def reject_undistributable(settings: Settings) -> None:
    """Raises UsageError for settings that need, on this machine, files that are on a worker."""
    if asked := [FLAGS[name].name for name in DELIVERIES if getattr(settings, name)]:
        what = ", ".join(asked)
        raise UsageError(f"{what}: with --distribute, what is built stays on the workers. Leave one of the two out.")


def require_server(environ: Mapping[str, str]) -> str:
    """Returns the address of the Prefect server that workers share. Raises UsageError if none is set."""
    url = environ.get("PREFECT_API_URL", "").strip().rstrip("/")
    if not url:
        raise UsageError(
            "--distribute needs a Prefect server with workers: set PREFECT_API_URL to it.\n"
            "./just deploy makes the deployment and its work pool there, ./just worker shards starts a worker."
        )
    return url


def choices_of(settings: Settings) -> dict[str, Any]:
    """Returns the settings of a run that its shards get, as JSON values."""
    chosen = settings.model_dump(mode="json", include=set(CHOSEN))
    return chosen if settings.engine == "auto" else {**chosen, "engine": settings.engine}


def parameters_of(
    scope: Scope, distribution: Distribution, checks: Sequence[str], images: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the parameters of a shard. Every user of the Prefect server can read them."""
    origin = distribution.origin
    return {
        "repository": origin.repository,
        "commit": origin.commit,
        "directory": origin.directory,
        "checks": list(checks),
        "images": dict(images),
        "choices": choices_of(scope.settings),
        "deployed": list(scope.deployed or ()),
        "trusted": distribution.is_trusted,
        "policy": distribution.policy,
    }
