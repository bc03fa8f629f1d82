"""A flag of the command line, as data. A setting declares its flag in its own field."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import get_origin

from pydantic import BaseModel


class Group(StrEnum):
    """The headings of flags in `--help` and in docs/cli.md, in order."""

    CHOOSE = "Choose checks"
    RUN = "How to run"
    DEPLOY = "For deploys"
    OUTPUT = "What comes out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag. Without a `metavar` it is a switch.

    `text` is Markdown. `--help` prints its first sentence, and docs/cli.md has all of it. Flags that are seldom needed
    are not `in_help`, which has to fit one screen.
    """

    group: Group | None = None
    name: str = ""
    metavar: str = ""
    text: str = ""
    is_repeatable: bool = False
    in_help: bool = True

    @property
    def usage(self) -> str:
        """The flag with its value: `--only CHECK`."""
        return f"{self.name} {self.metavar}".rstrip()

    @property
    def description(self) -> str:
        """The whole text, which also says that the flag is repeatable."""
        first, dot, rest = self.text.partition(". ")
        return f"{first}; repeatable{dot}{rest}" if self.is_repeatable else self.text

    @property
    def help(self) -> str:
        """The first sentence of the description, as plain text."""
        return first_sentence(self.description)


def first_sentence(text: str) -> str:
    """The first sentence of a Markdown text, as plain text."""
    return text.partition(". ")[0].replace("`", "")


def flags_of(model: type[BaseModel]) -> Mapping[str, Flag]:
    """The flag of each setting that declares one. Its field gives what the declaration leaves out."""
    found: dict[str, Flag] = {}
    for setting, field in model.model_fields.items():
        for flag in (each for each in field.metadata if isinstance(each, Flag)):
            found[setting] = replace(
                flag,
                name=flag.name or f"--{setting.replace('_', '-')}",
                text=field.description or "",
                is_repeatable=get_origin(field.annotation) is tuple,
            )
    return found
