"""What a row of the catalogue is, and what it may look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.catalogue.throwaway import given
from tasks.models import SkipReason, Stage
from tasks.secrets.deploy_check import Needed
from tasks.settings import ComponentSettings, FormSettings, Settings
from tasks.stack import Component, Kind, Stack
from tasks.steps import Check, Command, Image

DatabaseKind = Literal["", "template", "empty", "migrated"]

NO_SETTINGS = ComponentSettings.model_validate({})
NOT_ASKED = SkipReason(reason_code="no_base", reason="the deployed commit was not looked up")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueContext:
    """What rows are expanded from: the components, the files of the tree, and the settings.

    `base` is the same of what is taken for deployed, whose commit is its `title`; or why that is not known.
    `has_token`: the run has a token for Doppler.
    """

    stack: Stack
    paths: frozenset[str]
    read: Callable[[str], str]
    settings: Settings
    base: "CatalogueContext | SkipReason" = NOT_ASKED
    title: str = ""
    has_token: bool = False

    def configured(self, component: Component) -> ComponentSettings:
        """What the settings say of one component."""
        return self.settings.component.get(component.path, NO_SETTINGS)

    def form(self, component: Component) -> FormSettings | None:
        """What the settings say of the form that a Worker takes, by its name or path; None where they are silent."""
        names = (name for name in self.names(component) if name in self.settings.worker)
        said = next((self.settings.worker[name] for name in names), None)
        return said.e2e if said is not None and "e2e" in said.model_fields_set else None

    @staticmethod
    def names(component: Component) -> tuple[str, ...]:
        """What the settings may call a Worker by: its path, its directory's name, or its own."""
        return tuple(filter(None, (component.path, component.name, component.worker.name if component.worker else "")))

    def secrets(self, component: Component | None) -> tuple[str, ...]:
        """Names of variables for commands that run a component's code, each once; none that a run makes up itself."""
        if component is None:
            return ()
        configured = self.configured(component)
        made_up = given() if component.web else {}
        return tuple(sorted({*configured.secrets, *configured.optional_secrets} - made_up.keys()))


def always(_: Component, __: CatalogueContext) -> str:
    """Every component of the kind has the check."""
    return ""


def nowhere(_: Component, __: CatalogueContext) -> tuple[str, ...]:
    """The check needs nothing of other components."""
    return ()


def itself(_: Component, __: CatalogueContext) -> str:
    """The database that is copied is the component's own."""
    return ""


def unhindered(_: Component, __: CatalogueContext) -> SkipReason | None:
    """The check can run wherever it belongs to the stack."""
    return None


def nothing(_: Component, __: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """The check wants nothing that an engine may lack."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of check. It is expanded for every component of `kind` for which `absent` returns no reason.

    `needs` and `upon` are names of other rows; those of the same component are meant. `across` gives ids of checks of
    other components that it needs as well, and `migrated_by` the component whose migrated database it copies, where
    that is another one. `name` may hold `{slug}`, `title` may hold `{component}`. `hindrance` says why a check cannot
    run although the component has it.
    """

    name: str
    title: str
    stage: Stage
    kinds: tuple[Kind, ...]
    commands: Callable[[Component, CatalogueContext], tuple[Command, ...]]
    absent: Callable[[Component, CatalogueContext], str] = always
    skip_reason: Callable[[Component, CatalogueContext], SkipReason | None] = unhindered
    needs: tuple[str, ...] = ()
    across: Callable[[Component, CatalogueContext], tuple[str, ...]] = nowhere
    database: DatabaseKind | Callable[[Component, CatalogueContext], DatabaseKind] = ""
    migrated_by: Callable[[Component, CatalogueContext], str] = itself
    workspace_of: str = ""
    requires: Callable[[Component, CatalogueContext], tuple[tuple[str, str], ...]] = nothing
    image: Callable[[Component, CatalogueContext], Image | None] | None = None
    outputs: Callable[[Component, CatalogueContext], tuple[tuple[str, str], ...]] = nothing


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
