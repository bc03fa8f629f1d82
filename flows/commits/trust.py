"""How far the code of a commit is trusted: its environment, and the settings that hold for code of strangers."""

from collections.abc import Mapping

from tasks.engines.clean_environ import allowed
from tasks.engines.dagger.command_line import DAGGERS
from tasks.engines.dagger.reach import SESSION_PORT, SESSION_TOKEN

DOPPLER_BLOCK = "PREDEPLOY_DOPPLER_TOKEN_BLOCK"
"""Names Prefect's Secret block that holds Doppler's token."""
OURS = ("PREFECT_", "PREDEPLOY_GITHUB_", "PREDEPLOY_NOTIFY_", "PREDEPLOY_WEBHOOK_", DOPPLER_BLOCK)
"""Prefixes of the service's own variables, some of which hold tokens. The stack's code gets none of them."""
HARMLESS = frozenset(
    {"PATH", "DOCKER_HOST", "XDG_RUNTIME_DIR", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INSECURE_HOST"}
    | {"npm_config_registry"}
    | {f"PREDEPLOY_{name.upper()}" for name in ("budget", "images", "jobs", "limits")}
)
"""The worker's variables that a run on code of strangers gets, besides locale, certificates and proxies."""
UNTRUSTED: Mapping[str, object] = {
    "engine": "dagger",
    "secrets_provider": "none",
    # strangers do not learn whether the secrets of a deploy exist
    "environment": None,
    "export_built": "",
    "export_image": "",
    "publish": "",
}
"""The settings that hold for code of strangers. They win over all others."""


def environment_for(environ: Mapping[str, str], *, is_trusted: bool) -> dict[str, str]:
    """Returns the variables of the worker's environment that a run gets."""
    if is_trusted:
        return {name: value for name, value in environ.items() if not name.startswith(OURS)}
    known = {name: value for name, value in environ.items() if name in HARMLESS or allowed(name)}
    plain = {name: value for name, value in known.items() if "@" not in value or name == "PREDEPLOY_IMAGES"}
    # Dagger's own client needs the address of its engine. A session's variables carry the credentials of its owner
    sessions = (SESSION_PORT, SESSION_TOKEN)
    return plain | {name: value for name, value in environ.items() if name.startswith(DAGGERS) and name not in sessions}
