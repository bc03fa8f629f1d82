"""What a row of the catalogue is, and what it may look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.catalogue.throwaway import given
from tasks.models import Stage
from tasks.needed import Needed
from tasks.settings import ComponentSettings, Settings
from tasks.stack import Component, Kind, Stack
from tasks.steps import Check, Command, Image

NO_SETTINGS = ComponentSettings.model_validate({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What rows are expanded from: the components, the files of the tree, and the settings."""

    stack: Stack
    paths: frozenset[str]
    read: Callable[[str], str]
    settings: Settings

    def configured(self, component: Component) -> ComponentSettings:
        """What the settings say of one component."""
        return self.settings.component.get(component.path, NO_SETTINGS)

    def secrets(self, component: Component | None) -> tuple[str, ...]:
        """Names of variables for commands that run a component's code, each once; none that a run makes up itself."""
        if component is None:
            return ()
        configured = self.configured(component)
        made_up = given() if component.web else {}
        return tuple(sorted({*configured.secrets, *configured.optional_secrets} - made_up.keys()))


def always(_: Component, __: Scene) -> str:
    """Every component of the kind has the check."""
    return ""


def nothing(_: Component, __: Scene) -> tuple[tuple[str, str], ...]:
    """The check wants nothing that an engine may lack."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of check. It is expanded for every component of `kind` for which `absent` returns no reason.

    `needs` and `upon` are names of other rows; those of the same component are meant. `name` may hold `{slug}`,
    `title` may hold `{component}`.
    """

    name: str
    title: str
    stage: Stage
    kinds: tuple[Kind, ...]
    commands: Callable[[Component, Scene], tuple[Command, ...]]
    absent: Callable[[Component, Scene], str] = always
    needs: tuple[str, ...] = ()
    database: Literal["", "template", "empty", "migrated"] = ""
    service: Callable[[Component, Scene], Command] | None = None
    upon: str = ""
    wants: Callable[[Component, Scene], tuple[tuple[str, str], ...]] = nothing
    image: Callable[[Component, Scene], Image | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A check that a component does not have, and why: for `--list`."""

    name: str
    component: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every check that this stack has, in the report's order, and those it does not have.

    `deploys` are the names that the check of a deploy's secrets looks for.
    """

    checks: tuple[Check, ...]
    absent: tuple[Absent, ...]
    deploys: tuple[Needed, ...] = ()
