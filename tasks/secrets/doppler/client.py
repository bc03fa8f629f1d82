"""The only module that knows Doppler's SDK: what is asked with it, over our own transport, and what is answered."""

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
"""Doppler adds these to the secrets of every config: they say which one it is."""
KEYS = ("secrets", "names", "name", "workplace")
LONGEST_LIST = 4000
"""Characters of names in one request: servers refuse URLs that are much longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DopplerAnswer:
    """The secrets that Doppler has among those asked for. `hidden` are names whose values it gives to nobody."""

    values: Mapping[str, str] = field(repr=False)
    project: str
    config: str
    hidden: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """The config, for a sentence."""
        return f"{self.project}/{self.config}" if self.project and self.config else "the token's config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom Doppler takes us for."""

    kind: str
    name: str
    workplace: str


class Http:
    """Stands in for the SDK's own sender, which has no time-outs and hands out pages of HTML as answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, url: str, *_headers: object) -> dict[str, Any]:
        """What the SDK asks for. Its headers say `accepts: null`; ours are the transport's."""
        base, _, query = url.partition("?")
        kept = [part for part in query.split("&") if part and not part.endswith(f"={UNSAID}")]
        document = self._transport.get(f"{base}?{'&'.join(kept)}" if kept else base)
        # the SDK passes every key on as an argument, this one under another name
        return {"type_": document.get("type"), **{name: document.get(name) for name in KEYS}}


def ask_secrets(access: Access, names: Collection[str]) -> DopplerAnswer:
    """The values of these names, and of no other. Raises DopplerError."""
    entries: dict[str, Any] = {}
    with asking(access) as sdk:
        for batch in batches(sorted({*names, PROJECT, CONFIG})):
            found = sdk.secrets.list(**access.query, secrets=",".join(batch)).secrets
            if not isinstance(found, dict):
                raise invalid_answer("it has no table of secrets")
            entries |= {name: found[name] for name in batch if name in found}
    values = {name: value_of(name, entry) for name, entry in entries.items()}
    answer = DopplerAnswer(
        values={name: value for name, value in values.items() if value is not None and name in names},
        hidden=frozenset(name for name, value in values.items() if value is None and name in names),
        project=values.get(PROJECT) or access.project,
        config=values.get(CONFIG) or access.config,
    )
    for asked, told in ((access.project, answer.project), (access.config, answer.config)):
        if asked and asked != told:
            text = f"{TOKEN_VARIABLE} is for {answer.project}/{answer.config}, and {access.where} was asked for"
            raise DopplerError(f"{text}. Set it to a token for that, or mend doppler_project and doppler_config.")
    return answer


def ask_names(access: Access) -> tuple[str, ...]:
    """The names of all secrets of the config. Raises DopplerError."""
    with asking(access) as sdk:
        found = sdk.secrets.names(**access.query).names
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise invalid_answer("it has no list of names")
    return tuple(sorted(found))


def ask_owner(access: Access) -> Owner:
    """Who the token stands for. Raises DopplerError."""
    with asking(access) as sdk:
        found = sdk.auth.me()
    workplace = found.workplace.get("name") if isinstance(found.workplace, dict) else ""
    return Owner(kind=str(found.type_ or ""), name=str(found.name or ""), workplace=str(workplace or ""))


def value_of(name: str, entry: object) -> str | None:
    """A secret's value with the references in it resolved; None where it is restricted."""
    if not isinstance(entry, dict) or "computed" not in entry:
        raise invalid_answer(f"{name} has no value in it")
    value = entry["computed"]
    if value is not None and not isinstance(value, str):
        raise invalid_answer(f"the value of {name} is no text")
    if value is not None and "\0" in value:
        raise DopplerError(f"{name} in Doppler holds a NUL character, which no variable can. Take it out there.")
    return value


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """Names in as few lists as fit into URLs."""
    batch: list[str] = []
    for name in names:
        if batch and sum(map(len, batch)) + len(batch) + len(name) > LONGEST_LIST:
            yield batch
            batch = []
        batch.append(name)
    yield batch


@contextmanager
def asking(access: Access) -> Iterator[DopplerSDK]:
    """The SDK, over our transport. Errors hold no token, whatever Doppler or somebody in between put into them."""
    sdk = DopplerSDK(access_token=access.token.text)
    sdk.set_base_url(access.url.rstrip("/"))
    http = Http(Transport(token=access.token, where=access.where, limits=access.limits))
    sdk.secrets._http = sdk.auth._http = http  # noqa: SLF001 - there is no other way in
    try:
        yield sdk
    except DopplerError as error:
        text = Redactor({TOKEN_VARIABLE: access.token.text}).text(str(error))
        raise DopplerError(text, silent=error.silent, refused=error.refused) from None
