"""Secrets: which names the checks of a plan declare, and who gives their values."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tasks.errors import SecretsError
from tasks.secrets.environment import EnvironmentProvider
from tasks.secrets.file import FileProvider
from tasks.secrets.provider import Provider
from tasks.secrets.values import NO_SECRETS, Secrets
from tasks.settings import Settings
from tasks.steps import Check

__all__ = ["NO_SECRETS", "Provider", "Secrets", "choose_provider", "declared", "take_secrets"]


class NoProvider:
    """Nobody is asked."""

    title = 'nobody (secrets_provider is "none")'

    def values(self, names: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - it has none of them
        """Nothing."""
        return {}


def choose_provider(settings: Settings, environ: Mapping[str, str], root: Path, tree: Collection[str]) -> Provider:
    """The provider that the settings ask for. `tree` are the paths of the tree, which every check sees."""
    kind = settings.secrets_provider
    if kind == "auto":
        kind = "file" if settings.secrets_file else "env"
    if kind == "none":
        return NoProvider()
    if kind == "env":
        return EnvironmentProvider(environ)
    if settings.secrets_file is None:
        raise SecretsError('secrets_provider is "file", and no file is named. Name it: secrets_file = …')
    path = (root / Path(settings.secrets_file).expanduser()).resolve()
    if path.is_relative_to(root) and path.relative_to(root).as_posix() in tree:
        text = f"secrets_file: {settings.secrets_file} is part of the tree, which every check sees"
        raise SecretsError(f"{text}. Have git ignore it, or keep it elsewhere.")
    return FileProvider(path, settings.secrets_file)


def declared(checks: Iterable[Check]) -> dict[str, tuple[str, ...]]:
    """Each declared name, with the ids of the checks that declare it."""
    found: dict[str, list[str]] = {}
    for check in checks:
        for name in sorted({name for program in check.programs for name in program.secrets}):
            found.setdefault(name, []).append(check.id)
    return {name: tuple(ids) for name, ids in sorted(found.items())}


def take_secrets(checks: Iterable[Check], provider: Provider) -> Secrets:
    """The values of all that the checks declare, and nothing else. Raises SecretsError with all names that lack one."""
    wanted = declared(checks)
    if not wanted:
        return Secrets()
    found = provider.values(wanted.keys())
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        lines = [f"  {name}, declared by {', '.join(wanted[name])}" for name in missing]
        count = "a secret has" if len(missing) == 1 else f"{len(missing)} secrets have"
        head = f"{count} no value; asked was {provider.title}:"
        way_out = "Set them there, ask another one (secrets_provider), or take the names out of predeploy.toml."
        raise SecretsError("\n".join([head, *lines, way_out]))
    return Secrets({name: found[name] for name in wanted})
