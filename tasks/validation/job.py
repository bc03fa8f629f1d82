"""The job of a run: what to validate, and with which secrets. It is complete before an engine starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from tasks.hardening import TOKEN_VARIABLE, Exposure, exposure_of, hide, take_token_and_close_memory, value_holders
from tasks.planning.plan import Plan
from tasks.redaction.redactor import Redactor
from tasks.redaction.streams import mask_process
from tasks.secrets import Secrets
from tasks.secrets.doppler.token import Token, read_token
from tasks.settings import Settings
from tasks.trust import trust_of
from tasks.user_dirs import UserDirs
from tasks.validation.scope import Scope, read_secrets, with_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnvironment:
    """The environment variables of a run without DOPPLER_TOKEN, and the token itself.

    `exposure` says whether a check could still read the token, for example in /proc.
    """

    environ: Mapping[str, str] = field(repr=False)
    token: Token | None
    exposure: Exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One validation: its scope, its secrets, and the command that asked for it.

    `called_as` and `shown_stack` are the command and the stack as a report names them. In a shard, `whole` is the plan
    of the whole run, and `images` are the base images that the run has resolved, by tag. `kept` is the directory to
    which the report of a removed clone is copied. `reuses`: passed results of earlier runs may stand for checks.
    """

    scope: Scope
    environ: Mapping[str, str] = field(repr=False)
    secrets: Secrets
    token: Token | None
    exposure: Exposure
    is_trusted: bool
    user_dirs: UserDirs
    run_id: str
    called_as: str
    shown_stack: str
    whole: Plan | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    kept: Path | None = None
    reuses: bool = False

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        return self.scope.settings


def take_environment(environ: Mapping[str, str], *, is_trusted: bool) -> RunEnvironment:
    """Separates Doppler's token from the environment, for a run that Prefect has started.

    A token in `environ` wins over that of the process. Code that is not trusted gets no token. From here on, no other
    process of the user can read the memory of this one.
    """
    own = take_token_and_close_memory()
    token = environ.get(TOKEN_VARIABLE, own)
    mask_process(Redactor({TOKEN_VARIABLE: token.strip()} if token else {}))
    return RunEnvironment(
        environ={name: value for name, value in environ.items() if name != TOKEN_VARIABLE},
        token=read_token(token) if trust_of(is_trusted).has_secrets else None,
        exposure=exposure_of(token),
    )


def prepare(
    scope: Scope,
    given: RunEnvironment,
    *,
    user_dirs: UserDirs,
    called_as: str = "python -m flows.predeploy",
    shown_stack: str = "",
    is_trusted: bool = True,
    takes_secrets: bool = True,
    whole: Plan | None = None,
    images: Mapping[str, str] | None = None,
    kept: Path | None = None,
    reuses: bool = False,
) -> Job:
    """Makes the job of a scope, with the values of the secrets that its plan declares.

    Raises SecretsError if a value is missing. Afterwards, the environment of this process holds none of the values, and
    its streams mask them. Without `takes_secrets`, no values are read: each shard reads its own on its worker.
    """
    environ = dict(given.environ)  # a copy, before secrets are hidden in the environment of this process
    if takes_secrets:
        secrets = read_secrets(scope, environ, given.token, user_dirs.data)
    else:
        secrets = Secrets(masked={TOKEN_VARIABLE: given.token.text} if given.token else {})
    hide(secrets)
    mask_process(secrets.redactor)
    return Job(
        scope=with_secrets(scope, secrets),
        environ=environ,
        secrets=secrets,
        token=given.token,
        exposure=replace(given.exposure, values=value_holders(secrets)),
        is_trusted=is_trusted,
        user_dirs=user_dirs,
        run_id=new_run_id(),
        called_as=called_as,
        shown_stack=shown_stack or str(scope.tree.root),
        whole=whole,
        images=images or {},
        kept=kept,
        reuses=reuses,
    )


def new_run_id() -> str:
    """Returns a name for a run: names sort by time, and no two runs share one."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{token_hex(3)}"
