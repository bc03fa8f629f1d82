"""The check that predeploy does itself, without an engine: `deploy_secrets`."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

from tasks.daemon_thread import run_in_daemon_thread
from tasks.execution.executor import OwnCheck
from tasks.models import Result
from tasks.secrets import ProviderContext
from tasks.secrets.choice import access_of, provider_kind
from tasks.secrets.deploy_check import NAME, Held, look, unasked
from tasks.secrets.doppler.token import Token
from tasks.validation.scope import Scope


def own_work(scope: Scope, environ: Mapping[str, str], token: Token | None) -> dict[str, OwnCheck]:
    """Returns the checks of the plan that need the token, which no engine gets."""
    settings = scope.settings
    around = ProviderContext(environ=environ, root=scope.home, tree=scope.tree.files, token=token)

    def ask(names: Collection[str]) -> Held:
        from tasks.secrets.doppler.client import ask_secrets
        from tasks.secrets.doppler.provider import require_config

        access = access_of(settings, around).to(settings.deploy_config)
        require_config(access)
        answer = ask_secrets(access, names)
        return Held(place=answer.place, values=answer.values, hidden=answer.hidden)

    async def deploy_secrets() -> Result:
        is_configured = token is not None and provider_kind(settings, token) == "doppler"
        decided = unasked(settings.environment or "", is_configured)
        if decided is not None:
            return decided
        # in a thread: an interrupted run does not wait for Doppler
        return await asyncio.wrap_future(run_in_daemon_thread(partial(look, scope.catalogue.deploys, ask)))

    return {NAME: deploy_secrets}
