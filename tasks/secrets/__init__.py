"""Secrets: the names that the checks of a plan declare, and the providers of their values."""

from collections.abc import Collection, Iterable, Mapping

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.secrets.choice import ProviderContext, choose_provider
from tasks.secrets.doppler.token import Token
from tasks.secrets.provider import Found, Provider
from tasks.secrets.values import NO_SECRETS, Secrets
from tasks.steps import Check

__all__ = [
    "NO_SECRETS",
    "Found",
    "Provider",
    "ProviderContext",
    "Secrets",
    "choose_provider",
    "declared",
    "take_secrets",
]


WITHHELD = (
    "it is a credential of the person by its name, so no stack gets it by default. To hand it over, set "
    "PREDEPLOY_SECRETS_PROVIDER=env"
)


def declared(checks: Iterable[Check]) -> dict[str, tuple[str, ...]]:
    """Each declared name, with the ids of its checks."""
    found: dict[str, list[str]] = {}
    for check in checks:
        for name in sorted({name for program in check.programs for name in program.secrets}):
            found.setdefault(name, []).append(check.id)
    return {name: tuple(ids) for name, ids in sorted(found.items())}


def take_secrets(
    checks: Iterable[Check],
    provider: Provider,
    *,
    optional: Collection[str] = (),
    token: Token | None = None,
    masked: Mapping[str, str] | None = None,
) -> Secrets:
    """The values of all declared names, and of no others. Raises SecretsError with all names without a value.

    `optional` names may have no value. The token and the values of `masked` are masked like the values.
    """
    wanted = declared(checks)
    masked = {**(masked or {}), **({TOKEN_VARIABLE: token.text} if token else {})}
    if not wanted:
        return Secrets(masked=masked)
    found = provider.find(wanted.keys())
    missing = [name for name in wanted if not found.values.get(name) and name not in optional]
    if missing:
        why = dict.fromkeys(found.hidden, ": its value is restricted, so no token reads it") | dict.fromkeys(
            found.withheld, f": {WITHHELD}"
        )
        lines = [f"  {name}, declared by {', '.join(wanted[name])}{why.get(name, '')}" for name in missing]
        count = "a secret has" if len(missing) == 1 else f"{len(missing)} secrets have"
        head = f"{count} no value in {found.source}:"
        way_out = "Set them there, use another provider (secrets_provider), or remove the names from predeploy.toml."
        raise SecretsError("\n".join([head, *lines, way_out]))
    values = {name: found.values[name] for name in wanted if found.values.get(name)}
    return Secrets(values, source=found.source, stale=found.stale, notes=found.notes, masked=masked)
