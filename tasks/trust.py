"""The policy for code that is not trusted, such as the code of a fork: what a run withholds from it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a run gives to the code that it validates.

    `has_secrets`: the declared secrets, and the token that reads them. `has_credentials`: the operator's access to
    registries, git hosts and SSH. `has_submodules`: submodules are fetched with the operator's token.
    `shares_caches`: what the code writes to caches may reach other runs. `runs_on_host`: the embedded engine, which
    isolates nothing, may run it. `variables` are the variables of the Prefect worker's environment that it gets; None
    means all. `settings` win over all other settings. `budget` is the limit of a run in seconds, unless the operator
    sets another. `file_bytes` is the largest file that its code may write on the container engine. A command is
    stopped if less than `spare_bytes` of the engine's disk are left.
    """

    has_secrets: bool
    has_credentials: bool
    has_submodules: bool
    shares_caches: bool
    runs_on_host: bool
    variables: frozenset[str] | None
    settings: Mapping[str, object]
    budget: float | None = None
    file_bytes: int | None = None
    spare_bytes: int | None = None


TRUSTED = Trust(
    has_secrets=True,
    has_credentials=True,
    has_submodules=True,
    shares_caches=True,
    runs_on_host=True,
    variables=None,
    settings={},
)
UNTRUSTED = Trust(
    has_secrets=False,
    has_credentials=False,
    has_submodules=False,
    shares_caches=False,
    runs_on_host=False,
    # Package indexes among them lose their credentials: a value with `@` is not passed on.
    variables=frozenset(
        {"PATH", "DOCKER_HOST", "XDG_RUNTIME_DIR", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INSECURE_HOST"}
        | {"npm_config_registry"}
        | {f"PREDEPLOY_{name.upper()}" for name in ("budget", "images", "jobs", "limits")}
    ),
    settings={
        "engine": "dagger",
        "secrets_provider": "none",
        # a report on the deploy's secrets would tell strangers which of them exist
        "environment": None,
        "export_built": "",
        "export_image": "",
        "publish": "",
        "trace": "",
    },
    budget=3600,
    file_bytes=4 << 30,
    spare_bytes=2 << 30,
)


def trust_of(is_trusted: bool) -> Trust:
    """Returns the policy for a run."""
    return TRUSTED if is_trusted else UNTRUSTED
