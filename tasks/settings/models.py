"""The settings, frozen. Nothing here reads a file or the environment."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.models import Stage
from tasks.settings.values import (
    CheckName,
    ExitCode,
    ModuleName,
    RelativePath,
    Seconds,
    UrlPath,
    Variables,
    Words,
    usable_cores,
)

FROZEN = ConfigDict(frozen=True, extra="forbid")


class ComponentSettings(BaseModel):
    """What the tree does not say about one component."""

    model_config = FROZEN

    settings: ModuleName | None = Field(None, description="The Django settings module that production uses.")
    health: UrlPath | None = Field(None, description="The path of the URL that answers when the server is healthy.")
    server: Words | None = Field(None, description="The command that starts the server in production.")
    env: Variables = Field(default_factory=dict, description="Environment variables for this component's commands.")
    build: str | None = Field(None, description="The package.json script that builds the site.")
    output: RelativePath | None = Field(None, description="Where the build puts the site, relative to the component.")
    skip: tuple[CheckName, ...] = Field((), description="Names of checks that this component does not have.")


class CustomCheck(BaseModel):
    """A check of the stack's own, beside those of the catalogue."""

    model_config = FROZEN

    name: CheckName = Field(description="What flags and the report call it.")
    title: str = Field("", description="What people read in the report; the name where there is none.")
    stage: Stage = Field(description="The stage that it is shown in.")
    component: RelativePath | None = Field(None, description="The path of the component that it runs in.")
    run: Words = Field(description="The command: a list of words, or a string that is split like a shell would.")
    environment: Literal["", "production", "development", "node"] = Field(
        "", description="The dependencies of the component that have to be installed for it."
    )
    needs: tuple[str, ...] = Field((), description="Names of checks that have to pass before it runs.")
    database: Literal["", "empty", "migrated"] = Field(
        "", description="The Postgres database of its own that it gets: none, an empty or a migrated one."
    )
    verdicts: tuple[ExitCode, ...] = Field(
        (1,), min_length=1, description="The exit codes that say that the code is broken; others say that the check is."
    )
    parser: str = Field("", description="The reader of its output, by the name of the tool whose format it is.")
    limit: Seconds = Field(600.0, description="The seconds that it may take.")


class Settings(BaseModel):
    """Everything that a run can be told. `load_settings` makes it from what was set where."""

    model_config = FROZEN

    stages: tuple[Stage, ...] = Field((), description="Run only the checks of these stages.")
    only: tuple[str, ...] = Field((), description="Run only these checks, by name or id, and those that they need.")
    skip: tuple[str, ...] = Field((), description="Leave these checks out, by name or id.")
    engine: Literal["auto", "local"] = Field("auto", description="What runs the checks.")
    output: Literal["auto", "human", "agent"] = Field("auto", description="Who the report is written for.")
    json_output: bool = Field(False, description="Print the report as JSON, and nothing else, on standard output.")
    fail_fast: bool = Field(False, description="Start no further check once one has failed.")
    budget: Seconds | None = Field(None, description="The seconds after which the run stops and says what is left.")
    jobs: int = Field(
        default_factory=usable_cores, ge=1, description="How many checks run at once; as many as there are cores."
    )
    exclude: tuple[RelativePath, ...] = Field((), description="Globs of directories that hold no components.")
    postgres: Literal["auto", "host", "wheel"] = Field(
        "auto", description="Which Postgres serves the run: the one installed on this machine, or the packaged one."
    )
    env: Variables = Field(default_factory=dict, description="Environment variables for every command of the stack.")
    limits: dict[str, Seconds] = Field(default_factory=dict, description="The seconds that a check may take, by name.")
    component: dict[RelativePath, ComponentSettings] = Field(
        default_factory=dict, description="What the tree does not say about a component, by its path."
    )
    check: tuple[CustomCheck, ...] = Field((), description="Checks of the stack's own.")
