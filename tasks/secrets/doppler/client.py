"""The only module that imports Doppler's SDK: requests over our own transport, and their answers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dopplersdk import DopplerSDK

from tasks.hardening import TOKEN_VARIABLE
from tasks.redaction.redactor import Redactor
from tasks.secrets.doppler.access import UNSAID, Access
from tasks.secrets.doppler.transport import Transport
from tasks.secrets.doppler.trouble import DopplerError, invalid_answer

PROJECT, CONFIG = "DOPPLER_PROJECT", "DOPPLER_CONFIG"
"""Doppler adds these to the secrets of every config. They identify the config."""
KEYS = ("secrets", "names", "name", "workplace")
LONGEST_LIST = 4000
"""The maximum of characters for names in one request. Servers refuse longer URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerAnswer:
    """The requested secrets that Doppler has. `hidden` are names with a restricted value."""

    values: Mapping[str, str] = field(repr=False)
    project: str
    config: str
    hidden: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """The config, for a message."""
        return f"{self.project}/{self.config}" if self.project and self.config else "the token's config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The owner of the token."""

    kind: str
    name: str
    workplace: str


class Http:
    """Replaces the SDK's HTTP client, which has no time-outs, and accepts pages of HTML as answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, url: str, *_headers: object) -> dict[str, Any]:
        """Sends a request of the SDK. Its headers are ignored: they have `accepts: null`."""
        base, _, query = url.partition("?")
        kept = [part for part in query.split("&") if part and not part.endswith(f"={UNSAID}")]
        document = self._transport.get(f"{base}?{'&'.join(kept)}" if kept else base)
        # the SDK passes every key as an argument, and `type` as `type_`
        return {"type_": document.get("type"), **{name: document.get(name) for name in KEYS}}


def ask_secrets(access: Access, names: Collection[str]) -> DopplerAnswer:
    """The values of these names, and of no others. Raises DopplerError."""
    entries: dict[str, Any] = {}
    with open_sdk(access) as sdk:
        for batch in batches(sorted({*names, PROJECT, CONFIG})):
            found = sdk.secrets.list(**access.query, secrets=",".join(batch)).secrets
            if not isinstance(found, dict):
                raise invalid_answer("it has no secrets")
            entries |= {name: found[name] for name in batch if name in found}
    values = {name: value_of(name, entry) for name, entry in entries.items()}
    answer = DopplerAnswer(
        values={name: value for name, value in values.items() if value is not None and name in names},
        hidden=frozenset(name for name, value in values.items() if value is None and name in names),
        project=values.get(PROJECT) or access.project,
        config=values.get(CONFIG) or access.config,
    )
    for wanted, found in ((access.project, answer.project), (access.config, answer.config)):
        if wanted and wanted != found:
            text = f"{TOKEN_VARIABLE} is for {answer.project}/{answer.config}, and the settings name {access.where}"
            raise DopplerError(f"{text}. Set it to a token for that, or correct doppler_project and doppler_config.")
    return answer


def ask_names(access: Access) -> tuple[str, ...]:
    """The names of all secrets of the config. Raises DopplerError."""
    with open_sdk(access) as sdk:
        found = sdk.secrets.names(**access.query).names
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise invalid_answer("it has no list of names")
    return tuple(sorted(found))


def ask_owner(access: Access) -> Owner:
    """The owner of the token. Raises DopplerError."""
    with open_sdk(access) as sdk:
        found = sdk.auth.me()
    workplace = found.workplace.get("name") if isinstance(found.workplace, dict) else ""
    return Owner(kind=str(found.type_ or ""), name=str(found.name or ""), workplace=str(workplace or ""))


def value_of(name: str, entry: object) -> str | None:
    """A secret's value with resolved references; None if it is restricted."""
    if not isinstance(entry, dict) or "computed" not in entry:
        raise invalid_answer(f"{name} has no value in it")
    value = entry["computed"]
    if value is not None and not isinstance(value, str):
        raise invalid_answer(f"the value of {name} is not a text")
    if value is not None and "\0" in value:
        raise DopplerError(
            f"{name} in Doppler contains a NUL character, which a variable cannot have. Remove it there."
        )
    return value


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """Splits names into lists that fit into URLs."""
    batch: list[str] = []
    for name in names:
        if batch and sum(map(len, batch)) + len(batch) + len(name) > LONGEST_LIST:
            yield batch
            batch = []
        batch.append(name)
    yield batch


@contextmanager
def open_sdk(access: Access) -> Iterator[DopplerSDK]:
    """The SDK over our transport. The token is masked in errors, because an answer may repeat it."""
    sdk = DopplerSDK(access_token=access.token.text)
    sdk.set_base_url(access.url.rstrip("/"))
    http = Http(Transport(token=access.token, where=access.where, limits=access.limits))
    sdk.secrets._http = sdk.auth._http = http  # noqa: SLF001 - there is no public way
    try:
        yield sdk
    except DopplerError as error:
        text = Redactor({TOKEN_VARIABLE: access.token.text}).text(str(error))
        raise DopplerError(text, silent=error.silent, refused=error.refused) from None
