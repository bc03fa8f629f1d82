"""What is worth telling people of the runs of a night: a colour that is another one than before."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PREDEPLOY_NOTIFY_"
REASON = 2000
"""Characters of a reason; the rest is behind the link."""
Colour = Literal["green", "red"]


def block_document(value: str) -> str:
    """A block as Prefect finds it, by its type and its name."""
    kind, slash, name = value.partition("/")
    if value and not (kind and slash and name and "/" not in name):
        message = "must be the type and the name of a block, as in 'slack-webhook/predeploy'"
        raise ValueError(message)
    return value


class NotificationSettings(BaseSettings):
    """Where news of nightly runs go."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    block: Annotated[str, AfterValidator(block_document)] = Field(
        default="", description="The notification block of Prefect that takes them; nobody is told where it is empty."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has come to a verdict, or to none: its colour, what it was about, and why it ended so."""

    colour: Colour
    deployment: str
    name: str
    commit: str
    reason: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A message to people."""

    subject: str
    body: str


def news_of(run: Ended, before: Colour | None) -> News | None:
    """What is new since the run before; a first one is news if it is red."""
    if run.colour == (before or "green"):
        return None
    turned = f"went from {before} to {run.colour}" if before else f"is {run.colour}, at its first run"
    lines = [f"{run.deployment}: {run.name} {turned}.", run.reason[:REASON]]
    lines += [f"commit: {run.commit}"] if run.commit else []
    lines += [f"run: {run.url}"] if run.url else []
    again = " again" if run.colour == "green" else ""
    return News(subject=f"predeploy: {run.name} is {run.colour}{again}", body="\n".join(filter(None, lines)))
