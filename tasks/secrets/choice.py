"""Who is asked for the values of secrets."""

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
    """What a provider may be chosen by, beside the settings: the caller's variables and token, and the stack.

    `tree` are the paths of the tree, which every check sees. `copies` is where copies of secrets may be kept, and is
    None where none may serve: a deploy and CI want what is true now.
    """

    environ: Mapping[str, str] = field(repr=False)
    root: Path
    tree: Collection[str]
    token: Token | None = None
    copies: Path | None = None


class NoProvider:
    """Nobody is asked."""

    def find(self, names: Collection[str]) -> Found:  # noqa: ARG002 - it has none of them
        """Nothing."""
        return Found(source='nobody (secrets_provider is "none")', values={})


def provider_kind(settings: Settings, token: Token | None) -> str:
    """The word for who is asked: the one that the settings insist on, else by what there is."""
    if settings.secrets_provider != "auto":
        return settings.secrets_provider
    if settings.secrets_file:
        return "file"
    return "doppler" if token else "env"


def choose_provider(settings: Settings, context: ProviderContext) -> Provider:
    """The provider that the settings ask for. Raises SecretsError where it cannot be asked."""
    match provider_kind(settings, context.token):
        case "none":
            return NoProvider()
        case "env":
            return EnvironmentProvider(context.environ)
        case "file":
            return file_provider(settings, context)
    from tasks.secrets.doppler.provider import DopplerProvider  # noqa: PLC0415 - the SDK takes long to load
    from tasks.secrets.doppler.snapshot import Snapshots  # noqa: PLC0415 - as does what encrypts

    hours, place = settings.doppler_snapshot, context.copies
    snapshots = Snapshots(directory=place, hours=hours) if hours is not None and place is not None else None
    return DopplerProvider(access=access_of(settings, context), snapshots=snapshots)


def access_of(settings: Settings, context: ProviderContext) -> Access:
    """How Doppler is asked."""
    if context.token is None:
        raise SecretsError(
            f'secrets_provider is "doppler", and {TOKEN_VARIABLE} is not set. Set it to a service token.'
        )
    return read_access(settings, context.environ, context.token)


def file_provider(settings: Settings, context: ProviderContext) -> FileProvider:
    """The file that is named, which no check may see."""
    if settings.secrets_file is None:
        raise SecretsError('secrets_provider is "file", and no file is named. Name it: secrets_file = …')
    path = (context.root / Path(settings.secrets_file).expanduser()).resolve()
    if path.is_relative_to(context.root) and path.relative_to(context.root).as_posix() in context.tree:
        text = f"secrets_file: {settings.secrets_file} is part of the tree, which every check sees"
        raise SecretsError(f"{text}. Have git ignore it, or keep it elsewhere.")
    return FileProvider(path, settings.secrets_file)
