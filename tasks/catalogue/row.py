"""The data of the catalogue: rows, their context, and the catalogue itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.catalogue.throwaway import throwaway_variables
from tasks.models import SkipReason, Stage
from tasks.secrets.deploy_check import Needed
from tasks.settings import ComponentSettings, FormSettings, Settings
from tasks.stack import Component, Kind, Stack
from tasks.steps import Check, Command, Image

DatabaseKind = Literal["", "template", "empty", "migrated"]

NO_SETTINGS = ComponentSettings.model_validate({})
NOT_ASKED = SkipReason(reason_code="no_base", reason="the deployed commit was not looked up")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile:
    """What a kernel sees of a file that it starts. `is_script`: its first line names an interpreter."""

    is_executable: bool = True
    is_script: bool = False
    has_crlf: bool = False


def runnable_program(_: str) -> ProgramFile:
    """Without a tree, each file counts as one that runs."""
    return ProgramFile()


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueContext:
    """The context in which rows are expanded: the components, the files of the tree, and the settings.

    `read` returns a file's text, `program` what a kernel sees of it. `base` is the context of the deployed commit, or
    the reason why it is unknown. Its `title` is the commit.
    `has_token`: the run has a token for Doppler. `programs` are the site generators that the machine has.
    """

    stack: Stack
    paths: frozenset[str]
    read: Callable[[str], str]
    settings: Settings
    program: Callable[[str], ProgramFile] = runnable_program
    base: "CatalogueContext | SkipReason" = NOT_ASKED
    title: str = ""
    has_token: bool = False
    programs: frozenset[str] = frozenset()

    def configured(self, component: Component) -> ComponentSettings:
        """Returns the settings of one component."""
        return self.settings.component.get(component.path, NO_SETTINGS)

    def form(self, component: Component) -> FormSettings | None:
        """Returns the configured form of a Worker, by its name or path; None if it is not configured."""
        names = (name for name in self.names(component) if name in self.settings.worker)
        configured = next((self.settings.worker[name] for name in names), None)
        return configured.e2e if configured is not None and "e2e" in configured.model_fields_set else None

    @staticmethod
    def names(component: Component) -> tuple[str, ...]:
        """Returns the names of a Worker for the settings: its path, its component's name, and its own name."""
        return tuple(filter(None, (component.path, component.name, component.worker.name if component.worker else "")))

    def secrets(self, component: Component | None) -> tuple[str, ...]:
        """Returns the names of the secrets for commands that run a component's code, without throwaway variables."""
        if component is None:
            return ()
        configured = self.configured(component)
        throwaway = throwaway_variables() if component.web else {}
        return tuple(sorted({*configured.secrets, *configured.optional_secrets} - throwaway.keys()))


def slug(component: Component) -> str:
    """Returns the component's name for use in an identifier: `coffee_shop` for `coffee-shop`."""
    return re.sub(r"\W+", "_", component.name).strip("_").lower() or "root"


def output_of(component: Component, context: CatalogueContext) -> str:
    """Returns the build's output directory, relative to the component."""
    assert component.site is not None
    return context.configured(component).output or component.site.output


def never_absent(_: Component, __: CatalogueContext) -> str:
    """Every component of the kind has the check."""
    return ""


def no_other_checks(_: Component, __: CatalogueContext) -> tuple[str, ...]:
    """The check needs no checks of other components."""
    return ()


def no_components(_: Component, __: CatalogueContext) -> tuple[Component, ...]:
    """The check reads no files of other components."""
    return ()


def own_database(_: Component, __: CatalogueContext) -> str:
    """The check copies the migrated database of its own component."""
    return ""


def never_skipped(_: Component, __: CatalogueContext) -> SkipReason | None:
    """The check can always run."""
    return None


def no_gaps(_: Component, __: CatalogueContext) -> tuple[str, ...]:
    """A pass of the check covers everything that production does."""
    return ()


def no_pairs(_: Component, __: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """The check requires no capability, or has no outputs."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of check. It is expanded for every component of `kinds` for which `absent` returns no reason.

    `name` may contain `{slug}`, `title` may contain `{component}`. `needs` and `workspace_of` are names of rows of the
    same component. `presumed` are those of `needs` from which the check takes neither files nor data: it runs while
    they run, and its result counts only if they pass. `across` returns the ids of checks of other components that must
    pass before. `migrated_by` returns the component with the migrated database, if it is another one. `reads` returns
    other components whose files the check reads. `skip_reason` returns why a check of the component cannot run. `gaps`
    returns what the check does not cover on any engine: a pass is partial for these reasons.
    """

    name: str
    title: str
    stage: Stage
    kinds: tuple[Kind, ...]
    commands: Callable[[Component, CatalogueContext], tuple[Command, ...]]
    absent: Callable[[Component, CatalogueContext], str] = never_absent
    skip_reason: Callable[[Component, CatalogueContext], SkipReason | None] = never_skipped
    needs: tuple[str, ...] | Callable[[Component, CatalogueContext], tuple[str, ...]] = ()
    presumed: tuple[str, ...] = ()
    across: Callable[[Component, CatalogueContext], tuple[str, ...]] = no_other_checks
    database: DatabaseKind | Callable[[Component, CatalogueContext], DatabaseKind] = ""
    migrated_by: Callable[[Component, CatalogueContext], str] = own_database
    reads: Callable[[Component, CatalogueContext], tuple[Component, ...]] = no_components
    workspace_of: str | Callable[[Component, CatalogueContext], str] = ""
    requires: Callable[[Component, CatalogueContext], tuple[tuple[str, str], ...]] = no_pairs
    gaps: Callable[[Component, CatalogueContext], tuple[str, ...]] = no_gaps
    image: Callable[[Component, CatalogueContext], Image | None] | None = None
    outputs: Callable[[Component, CatalogueContext], tuple[tuple[str, str], ...]] = no_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A check that a component does not have, with the reason for `--list`."""

    name: str
    component: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every check of a stack in the report's order, and the absent checks.

    `deploys` has the variables that the check `deploy_secrets` looks for.
    """

    checks: tuple[Check, ...]
    absent: tuple[Absent, ...]
    deploys: tuple[Needed, ...] = ()
