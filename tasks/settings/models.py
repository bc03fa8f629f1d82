"""The settings, frozen. Nothing here reads a file or the environment."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from tasks.models import Stage
from tasks.settings.values import (
    BaseImages,
    CheckName,
    ExitCode,
    HeaderName,
    Hours,
    HttpStatus,
    ModuleName,
    RelativePath,
    Seconds,
    Slug,
    TableName,
    UrlPath,
    VariableName,
    Variables,
    Words,
    usable_cores,
)


class ImageSettings(BaseModel, frozen=True, extra="forbid"):
    """How the image that a component is deployed as is built, where the tree does not say it."""

    dockerfile: RelativePath | None = Field(default=None, description="Its Dockerfile, seen from the stack's root.")
    context: RelativePath | None = Field(
        default=None, description="The directory that it is built in; where only the Dockerfile is set, that one's."
    )
    target: str | None = Field(default=None, min_length=1, description="The stage of the Dockerfile that is deployed.")
    args: Variables = Field(default_factory=dict, description="Build arguments, beside those of a compose file.")
    secrets: tuple[VariableName, ...] = Field(
        default=(), description="Names of secrets that the build mounts: the ids of RUN --mount=type=secret."
    )


class ComponentSettings(BaseModel, frozen=True, extra="forbid"):
    """What the tree does not say about one component."""

    settings: ModuleName | None = Field(default=None, description="The Django settings module that production uses.")
    health: UrlPath | None = Field(
        default=None, description="The path of the URL that answers when the server is healthy."
    )
    server: Words | None = Field(default=None, description="The command that starts the server in production.")
    env: Variables = Field(default_factory=dict, description="Environment variables for this component's commands.")
    secrets: tuple[VariableName, ...] = Field(
        default=(), description="Names of variables that its code needs and whose values are secret."
    )
    optional_secrets: tuple[VariableName, ...] = Field(
        default=(), description="The same for those that its code can do without."
    )
    image: ImageSettings = Field(
        default_factory=ImageSettings, description="How its image is built, where the tree does not say it."
    )
    build: str | None = Field(default=None, description="The package.json script that builds the site.")
    output: RelativePath | None = Field(
        default=None, description="Where the build puts the site, relative to the component."
    )
    skip: tuple[CheckName, ...] = Field(default=(), description="Names of checks that this component does not have.")


class FormSettings(BaseModel, frozen=True, extra="forbid"):
    """The form that a Worker takes to the database, where the tree does not say it.

    In texts `{token}` is a word that no other run has, and `{site}` the site that the form is of.
    """

    path: UrlPath = Field(default="/intake/{site}/form", description="The path of the URL that the form is sent to.")
    site: str = Field(default="", description="The site that the form is of; one that the Worker names, by default.")
    web: RelativePath | None = Field(
        default=None, description="The Django project whose database it reaches; the first one, by default."
    )
    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What is sent, instead of our own guess.")
    encoding: Literal["json", "form"] = Field(default="json", description="How it is sent.")
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="Headers to send with it.")
    status: tuple[HttpStatus, ...] = Field(default=(), description="What it answers; any 2xx, by default.")
    table: TableName = Field(default="inbox_submission", description="The table that has one row more then.")
    columns: dict[str, str] = Field(default_factory=dict, description="What stands in columns of that row.")
    invalid: tuple[dict[str, JsonValue], ...] | None = Field(
        default=None, description="What makes a form one that must be refused, instead of our own guesses."
    )
    key: VariableName | None = Field(
        default=None, description="The variable of the Worker with the key that senders need."
    )
    key_header: HeaderName | None = Field(default=None, description="The header that they send it in.")


class WorkerSettings(BaseModel, frozen=True, extra="forbid"):
    """What the tree does not say about a Worker that runs."""

    e2e: FormSettings = Field(default_factory=FormSettings, description="The form that reaches the database.")


class CustomCheck(BaseModel, frozen=True, extra="forbid"):
    """A check of the stack's own, beside those of the catalogue."""

    name: CheckName = Field(description="What flags and the report call it.")
    title: str = Field(default="", description="What people read in the report; the name where there is none.")
    stage: Stage = Field(description="The stage that it is shown in.")
    component: RelativePath | None = Field(default=None, description="The path of the component that it runs in.")
    run: Words = Field(description="The command: a list of words, or a string that is split like a shell would.")
    environment: Literal["", "production", "development", "node"] = Field(
        default="", description="The dependencies of the component that have to be installed for it."
    )
    needs: tuple[str, ...] = Field(default=(), description="Names of checks that have to pass before it runs.")
    database: Literal["", "empty", "migrated"] = Field(
        default="", description="The Postgres database of its own that it gets: none, an empty or a migrated one."
    )
    secrets: tuple[VariableName, ...] = Field(
        default=(), description="Names of variables that it needs beside its component's, and whose values are secret."
    )
    optional_secrets: tuple[VariableName, ...] = Field(
        default=(), description="The same for those that it can do without."
    )
    verdicts: tuple[ExitCode, ...] = Field(
        default=(1,),
        min_length=1,
        description="The exit codes that say that the code is broken; others say that the check is.",
    )
    parser: str = Field(default="", description="The reader of its output, by the name of the tool whose format it is.")
    limit: Seconds = Field(default=600.0, description="The seconds that it may take.")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Everything that a run can be told. `load_settings` makes it from what was set where."""

    stages: tuple[Stage, ...] = Field(default=(), description="Run only the checks of these stages.")
    only: tuple[str, ...] = Field(
        default=(), description="Run only these checks, by name or id, and those that they need."
    )
    skip: tuple[str, ...] = Field(default=(), description="Leave these checks out, by name or id.")
    engine: Literal["auto", "dagger", "local"] = Field(default="auto", description="What runs the checks.")
    gate: bool = Field(
        default=False, description="For deploys: take nothing less than full proof of a clean clone of the commit."
    )
    base: str = Field(
        default="",
        description="The commit that is deployed, by any name of git's; found in the history where it is not set.",
    )
    export_image: str = Field(
        default="", description="The file that a run which passed writes its image to; {component} is its component."
    )
    export_built: str = Field(
        default="",
        description="The directory, not there yet, for bundles and pages that a run which passed has built.",
    )
    publish: str = Field(
        default="",
        description="The reference that a run which passed publishes its image as; {component} is its component.",
    )
    output: Literal["auto", "human", "agent"] = Field(default="auto", description="Who the report is written for.")
    json_output: bool = Field(
        default=False, description="Print the report as JSON, and nothing else, on standard output."
    )
    fail_fast: bool = Field(default=False, description="Start no further check once one has failed.")
    budget: Seconds | None = Field(
        default=None, description="The seconds after which the run stops and says what is left."
    )
    jobs: int = Field(
        default_factory=usable_cores, ge=1, description="How many checks run at once; as many as there are cores."
    )
    exclude: tuple[RelativePath, ...] = Field(default=(), description="Globs of directories that hold no components.")
    postgres: Literal["auto", "host", "wheel"] = Field(
        default="auto",
        description="Which Postgres serves the run: the one installed on this machine, or the packaged one.",
    )
    images: BaseImages = Field(
        default_factory=dict,
        description="The images that checks run in; {version} in those of python and node is the stack's.",
    )
    env: Variables = Field(default_factory=dict, description="Environment variables for every command of the stack.")
    environment: CheckName | None = Field(
        default=None, description="Where this tree is to be deployed: one of the keys of doppler_configs."
    )
    secrets_provider: Literal["auto", "doppler", "env", "file", "none"] = Field(
        default="auto",
        description="Who has the values of secrets; auto takes secrets_file if it is set, else Doppler if there is a "
        "DOPPLER_TOKEN, else our environment.",
    )
    secrets_file: str | None = Field(
        default=None,
        min_length=1,
        description="A dotenv file with secrets that nobody else may read; seen from the stack's root.",
    )
    doppler_project: Slug | None = Field(
        default=None, description="The project in Doppler; a service token implies it. Else DOPPLER_PROJECT says it."
    )
    doppler_config: Slug | None = Field(
        default=None, description="The config in Doppler that checks get secrets from. Else DOPPLER_CONFIG says it."
    )
    doppler_configs: dict[CheckName, Slug] = Field(
        default={"staging": "stg", "production": "prd"},
        description="The config in Doppler of each environment that a deploy goes to.",
    )
    deploy_secrets: dict[VariableName, Literal["required", "optional", "unneeded"]] = Field(
        default_factory=dict,
        description="Names that a deploy needs beside those that the stack asks for, or does not need after all.",
    )
    doppler_limit: Seconds = Field(default=20.0, description="The seconds that Doppler has for an answer.")
    doppler_snapshot: Hours | None = Field(
        default=None,
        description="The hours that an encrypted copy of secrets serves for where Doppler does not answer; unset: none "
        "is kept.",
    )
    limits: dict[str, Seconds] = Field(default_factory=dict, description="The seconds that a check may take, by name.")
    component: dict[RelativePath, ComponentSettings] = Field(
        default_factory=dict, description="What the tree does not say about a component, by its path."
    )
    worker: dict[str, WorkerSettings] = Field(
        default_factory=dict, description="What the tree does not say about a Worker that runs, by its name or path."
    )
    check: tuple[CustomCheck, ...] = Field(default=(), description="Checks of the stack's own.")

    @property
    def deploy_config(self) -> str:
        """The config in Doppler of the environment that a deploy goes to; empty where none is named."""
        return self.doppler_configs.get(self.environment or "", "")

    @property
    def optional_secrets(self) -> frozenset[str]:
        """Names that everybody who declares them can do without."""
        declaring: list[ComponentSettings | CustomCheck] = [*self.component.values(), *self.check]
        required = {name for each in declaring for name in each.secrets}
        required |= {name for each in self.component.values() for name in each.image.secrets}
        return frozenset(name for each in declaring for name in each.optional_secrets if name not in required)
