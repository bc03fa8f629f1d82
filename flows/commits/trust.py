"""The environment of a run on a worker: which of the worker's variables the code of a commit gets."""

from collections.abc import Mapping

from tasks.engines.clean_environ import allowed
from tasks.engines.dagger.command_line import DAGGERS
from tasks.engines.dagger.reach import SESSION_PORT, SESSION_TOKEN
from tasks.trust import Trust

DOPPLER_BLOCK = "PREDEPLOY_DOPPLER_TOKEN_BLOCK"
"""Names Prefect's Secret block that holds Doppler's token."""
OURS = ("PREFECT_", "PREDEPLOY_GITHUB_", "PREDEPLOY_NOTIFY_", "PREDEPLOY_WEBHOOK_", DOPPLER_BLOCK)
"""Prefixes of the service's own variables, some of which hold tokens. The stack's code gets none of them."""


def environment_for(environ: Mapping[str, str], trust: Trust) -> dict[str, str]:
    """Returns the variables of the worker's environment that a run gets."""
    if trust.variables is None:
        return {name: value for name, value in environ.items() if not name.startswith(OURS)}
    known = {name: value for name, value in environ.items() if name in trust.variables or allowed(name)}
    if trust.budget is not None:
        known.setdefault("PREDEPLOY_BUDGET", f"{trust.budget:g}")
    plain = {name: value for name, value in known.items() if "@" not in value or name == "PREDEPLOY_IMAGES"}
    # Dagger's own client needs the address of its engine. A session's variables carry the credentials of its owner
    sessions = (SESSION_PORT, SESSION_TOKEN)
    return plain | {name: value for name, value in environ.items() if name.startswith(DAGGERS) and name not in sessions}
