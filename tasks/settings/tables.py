"""The tables of `predeploy.toml`: components, Workers, and the stack's own checks."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from tasks.models import Stage
from tasks.settings.values import (
    CheckName,
    ExitCode,
    HeaderName,
    HttpStatus,
    ModuleName,
    RelativePath,
    Seconds,
    TableName,
    UrlPath,
    UrlPaths,
    VariableName,
    Variables,
    Words,
)


class ImageSettings(BaseModel, frozen=True, extra="forbid"):
    """How the image of a component is built, where the tree does not show it."""

    dockerfile: RelativePath | None = Field(default=None, description="the Dockerfile, relative to the stack")
    context: RelativePath | None = Field(
        default=None,
        description="the directory that the Dockerfile copies from, relative to the stack. By default it is that of "
        "`dockerfile`",
    )
    target: str | None = Field(
        default=None,
        min_length=1,
        description="the stage of the Dockerfile that is deployed. By default the last one",
    )
    args: Variables = Field(default_factory=dict, description="build arguments in addition to those of a compose file")
    secrets: tuple[VariableName, ...] = Field(
        default=(), description="ids of secrets that `RUN` instructions of the Dockerfile mount"
    )


class ComponentSettings(BaseModel, frozen=True, extra="forbid"):
    """Facts about a component that its files do not show."""

    settings: ModuleName | None = Field(
        default=None, description="the Django settings module that production uses, such as `config.settings`"
    )
    health: UrlPaths = Field(default=(), description="the URL path that a healthy server answers, or a list of them")
    server: Words | None = Field(default=None, description="the command that starts the server in production")
    install: Words | None = Field(
        default=None,
        description="the command with which production installs its Python packages, such as "
        "`uv sync --no-dev --extra prod`. By default that of the Dockerfile or of a build script",
    )
    env: Variables = Field(
        default_factory=dict,
        description="environment variables for the commands of the component. `{db.url}`, `{db.host}`, `{db.port}`, "
        "`{db.user}`, `{db.password}` and `{db.name}` are those of the run's Postgres",
    )
    secrets: tuple[VariableName, ...] = Field(default=(), description="names of secret variables that the code needs")
    optional_secrets: tuple[VariableName, ...] = Field(
        default=(), description="names of secret variables that the code can use, but does not need"
    )
    image: ImageSettings = Field(
        default_factory=ImageSettings, description="the build of its image, if its files do not show it"
    )
    build: str | None = Field(default=None, description="the script in `package.json` that builds the site or Worker")
    output: RelativePath | None = Field(
        default=None, description="the directory with the built site, relative to the component"
    )
    skip: tuple[CheckName, ...] = Field(default=(), description="names of checks that the component does not have")


class FormSettings(BaseModel, frozen=True, extra="forbid"):
    """The form that a Worker writes to the database, where the tree does not show it.

    In texts, `{token}` is unique to the run, and `{site}` is the site with the form.
    """

    path: UrlPath = Field(default="/intake/{site}/form", description="the URL path that gets the form")
    site: str = Field(default="", description="the site with the form. By default a site that the Worker names")
    web: RelativePath | None = Field(
        default=None, description="the Django project with the database. By default the first one"
    )
    payload: dict[str, JsonValue] = Field(
        default_factory=dict, description="the fields of the form. By default those of a contact form"
    )
    encoding: Literal["json", "form"] = Field(default="json", description="the encoding of the form")
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="headers of the request")
    status: tuple[HttpStatus, ...] = Field(default=(), description="the expected status codes. By default any 2xx")
    table: TableName = Field(default="inbox_submission", description="the table that gets a new row")
    columns: dict[str, str] = Field(default_factory=dict, description="expected values in the new row, by column")
    invalid: tuple[dict[str, JsonValue], ...] | None = Field(
        default=None,
        description="changes that make the form one that the Worker must refuse; `[]` for none. By default those that "
        "its code shows to refuse",
    )
    key: VariableName | Literal[""] | None = Field(
        default=None,
        description='the variable of the Worker with the key that senders need; `""` for none. By default one that its '
        "code uses",
    )
    key_header: HeaderName | None = Field(default=None, description="the header with the key")


class WorkerSettings(BaseModel, frozen=True, extra="forbid"):
    """Facts about a running Worker that its files do not show."""

    e2e: FormSettings = Field(
        default_factory=FormSettings, description="the form that the Worker writes to the database"
    )


class CustomCheck(BaseModel, frozen=True, extra="forbid"):
    """A check of the stack's own, in addition to the catalogue."""

    name: CheckName = Field(description="the name for flags and the report")
    title: str = Field(default="", description="the title for people. By default the name")
    stage: Stage = Field(description="`build`, `quality` or `integration`")
    component: RelativePath | None = Field(
        default=None,
        description="the path of the component in which the check runs. By default the root, with the component there",
    )
    run: Words = Field(
        description="the command: a list of words, or a string that is split into words. No shell runs it"
    )
    environment: Literal["", "production", "development", "node"] = Field(
        default="",
        description='the packages of the component to install for it: `production`, `development`, `node`, or `""` '
        "for none",
    )
    needs: tuple[str, ...] = Field(default=(), description="names of checks that must pass before it")
    database: Literal["", "empty", "migrated"] = Field(
        default="",
        description='its own Postgres database: `empty`, `migrated` (a copy of the migrated one), or `""` for none',
    )
    secrets: tuple[VariableName, ...] = Field(
        default=(), description="names of secret variables that it needs, in addition to those of its component"
    )
    optional_secrets: tuple[VariableName, ...] = Field(
        default=(), description="names of secret variables that it can use, but does not need"
    )
    verdicts: tuple[ExitCode, ...] = Field(
        default=(1,),
        min_length=1,
        description="exit codes that mean broken code. Every other code except 0 is no verdict",
    )
    parser: str = Field(
        default="",
        description="the format of its output: `mypy`, `pytest` and so on, or `plain` for `path:line: message`",
    )
    limit: Seconds = Field(default=600.0, description="seconds that it may take")
