"""Chooses the provider of secrets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.secrets.doppler.access import Access, read_access
from tasks.secrets.doppler.token import Token
from tasks.secrets.environment import EnvironmentProvider
from tasks.secrets.file import FileProvider
from tasks.secrets.provider import Found, Provider
from tasks.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext:
    """The facts for the choice of a provider, in addition to the settings.

    `tree` are the paths of the tree, which every check can read. `copies` is the directory for copies of secrets. It is
    None if no copy may be used: a deploy and CI need the current values.
    """

    environ: Mapping[str, str] = field(repr=False)
    root: Path
    tree: Collection[str]
    token: Token | None = None
    copies: Path | None = None


class NoProvider:
    """The provider without secrets."""

    def find(self, names: Collection[str]) -> Found:  # noqa: ARG002 - it has no secrets
        """No values."""
        return Found(source='the empty provider (secrets_provider is "none")', values={})


def provider_kind(settings: Settings, token: Token | None) -> str:
    """The kind of provider: the one in the settings, otherwise by file, token and environment."""
    if settings.secrets_provider != "auto":
        return settings.secrets_provider
    if settings.secrets_file:
        return "file"
    return "doppler" if token else "env"


def choose_provider(settings: Settings, context: ProviderContext) -> Provider:
    """The provider for these settings. Raises SecretsError if something for it is missing."""
    match provider_kind(settings, context.token):
        case "none":
            return NoProvider()
        case "env":
            return EnvironmentProvider(context.environ, is_chosen=settings.secrets_provider == "env")
        case "file":
            return file_provider(settings, context)
    from tasks.secrets.doppler.provider import DopplerProvider  # noqa: PLC0415 - the SDK takes long to load
    from tasks.secrets.doppler.snapshot import Snapshots  # noqa: PLC0415 - so does the encryption

    hours, directory = settings.doppler_snapshot, context.copies
    snapshots = Snapshots(directory=directory, hours=hours) if hours is not None and directory is not None else None
    return DopplerProvider(access=access_of(settings, context), snapshots=snapshots)


def access_of(settings: Settings, context: ProviderContext) -> Access:
    """The access to Doppler. Raises SecretsError without a token."""
    if context.token is None:
        raise SecretsError(
            f'secrets_provider is "doppler", and {TOKEN_VARIABLE} is not set. Set it to a service token.'
        )
    return read_access(settings, context.environ, context.token)


def file_provider(settings: Settings, context: ProviderContext) -> FileProvider:
    """The provider for the file in the settings. Raises SecretsError if checks can read it."""
    if settings.secrets_file is None:
        raise SecretsError('secrets_provider is "file", and secrets_file is not set. Set secrets_file.')
    path = (context.root / Path(settings.secrets_file).expanduser()).resolve()
    if path.is_relative_to(context.root) and path.relative_to(context.root).as_posix() in context.tree:
        text = f"secrets_file: {settings.secrets_file} is part of the tree, which every check can read"
        raise SecretsError(f"{text}. Have git ignore it, or keep it elsewhere.")
    return FileProvider(path, settings.secrets_file)
