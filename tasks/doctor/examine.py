"""`predeploy doctor`: checks that this machine has everything for a run, and how to fix what is missing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.daemon_thread import run_in_daemon_thread
from tasks.doctor.finding import DoctorFinding
from tasks.doctor.machine import Machine
from tasks.doctor.secrets import SecretsExamination
from tasks.errors import UsageError
from tasks.report.facts import counted
from tasks.secrets import ProviderContext, declared
from tasks.secrets.doppler.token import Token
from tasks.settings import Settings, load_settings
from tasks.stack import Stack
from tasks.user_dirs import UserDirs
from tasks.validation.scope import provider_context, read_scope

CORRECT = "correct it, then: predeploy doctor path/to/stack"
DOPPLER_SECONDS = 3.0
"""The longest wait for Doppler. A run may wait longer, but an answer that takes so long is worth a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Examines one stack and this machine."""

    stack: Path
    flags: Mapping[str, object]
    environ: Mapping[str, str] = field(repr=False)
    token: Token | None
    user_dirs: UserDirs

    async def examine(self) -> list[DoctorFinding]:
        """Returns all findings. A broken stack or broken settings are findings as well."""
        found: list[DoctorFinding] = []
        settings, stack, requested = Settings(), Stack(components=()), {}
        around = ProviderContext(environ=self.environ, root=self.stack, tree=(), token=self.token)
        try:
            has_token = self.token is not None
            scope = await asyncio.to_thread(
                read_scope, self.stack, self.flags, self.environ, self.user_dirs.cache, has_token=has_token
            )
        except UsageError as error:
            found.append(DoctorFinding(name="stack", state="missing", text=str(error), fix=CORRECT))
            settings = self._settings()
        else:
            checks, components = len(scope.plan.checks), len(scope.stack.components)
            count = f"{counted(checks, 'check')} of {counted(components, 'component')}"
            found.append(DoctorFinding(name="stack", state="well", text=f"{scope.tree.root.name}: {count}"))
            settings, stack, requested = scope.settings, scope.stack, declared(scope.plan.checks)
            around = provider_context(scope, self.environ, self.token, self.user_dirs.data)
        secrets = SecretsExamination(settings=impatient(settings), around=around, declared=requested)
        machine = Machine(
            environ=self.environ, cache=self.user_dirs.cache, data=self.user_dirs.data, settings=settings, stack=stack
        )
        # a run that ends does not wait for Doppler's answer
        of_secrets = asyncio.wrap_future(run_in_daemon_thread(lambda: [*secrets.findings()]))
        first, others = await asyncio.gather(of_secrets, machine.findings())
        return [*found, *first, *others]

    def _settings(self) -> Settings:
        """Returns the settings of a stack that cannot be validated, or the defaults if they are wrong too."""
        try:
            return load_settings(self.stack, self.flags, self.environ)
        except UsageError:
            return Settings()


def impatient(settings: Settings) -> Settings:
    """Returns the settings with the shorter wait of `doctor` for Doppler."""
    return settings.model_copy(update={"doppler_limit": min(settings.doppler_limit, DOPPLER_SECONDS)})
